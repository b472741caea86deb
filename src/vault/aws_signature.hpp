// AWS Signature Version 4 of one request: the header Authorization over method, path, query, headers and
// body (AWS, "Signature Version 4 signing process"). Pure.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "bartizan/base/bytes.hpp"
#include "bartizan/base/secret.hpp"

namespace bartizan::vault {

struct AwsRequest {
  std::string method = "POST";
  std::string path = "/";   ///< as it is sent, escaped
  std::string query;        ///< names and values sorted and escaped
  std::map<std::string, std::string> headers;  ///< lower-case names, trimmed values; host and x-amz-date among them
  ByteView body;
};

struct AwsScope {
  std::string region;
  std::string service;
  std::string time;  ///< "20150830T123600Z"
};

/// The value of Authorization.
[[nodiscard]] std::string aws_authorization(const AwsRequest& request, const AwsScope& scope,
                                            std::string_view access_key, const SecretBytes& secret_key);

}  // namespace bartizan::vault
