// AWS's published examples: "Signature Version 4 test suite" (get-vanilla, post-vanilla, get-vanilla-query-order-key-case)
// and the request of "Authenticating Requests (AWS Signature Version 4)", ListUsers.
#include "aws_signature.hpp"

#include <doctest/doctest.h>

#include <string>

namespace bartizan::vault {
namespace {

constexpr std::string_view kAccessKey = "AKIDEXAMPLE";
const SecretBytes& secret_key() {
  static const SecretBytes key(std::string_view("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"));
  return key;
}

TEST_CASE("signatures of AWS's published requests") {
  struct Row {
    const char* name;
    AwsRequest request;
    AwsScope scope;
    const char* names;
    const char* signature;
  };
  const AwsScope suite{"us-east-1", "service", "20150830T123600Z"};
  const std::map<std::string, std::string> vanilla = {{"host", "example.amazonaws.com"},
                                                      {"x-amz-date", "20150830T123600Z"}};
  const std::map<std::string, std::string> users = {
      {"content-type", "application/x-www-form-urlencoded; charset=utf-8"},
      {"host", "iam.amazonaws.com"},
      {"x-amz-date", "20150830T123600Z"}};
  const Row rows[] = {
      {"get-vanilla",
       {"GET", "/", "", vanilla, {}},
       suite,
       "host;x-amz-date",
       "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
      {"post-vanilla",
       {"POST", "/", "", vanilla, {}},
       suite,
       "host;x-amz-date",
       "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"},
      {"get-vanilla-query-order-key-case",
       {"GET", "/", "Param1=value1&Param2=value2", vanilla, {}},
       suite,
       "host;x-amz-date",
       "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"},
      {"ListUsers",
       {"GET", "/", "Action=ListUsers&Version=2010-05-08", users, {}},
       {"us-east-1", "iam", "20150830T123600Z"},
       "content-type;host;x-amz-date",
       "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.name);
    CHECK(aws_authorization(row.request, row.scope, kAccessKey, secret_key()) ==
          "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/" + row.scope.service +
              "/aws4_request, SignedHeaders=" + row.names + ", Signature=" + row.signature);
  }
}

TEST_CASE("whatever is changed in a request, its signature is another") {
  const AwsScope scope{"us-east-1", "kms", "20150830T123600Z"};
  AwsRequest request;
  request.headers = {{"host", "kms.example"}, {"x-amz-date", "20150830T123600Z"}};
  const std::string body = "{}";
  request.body = as_bytes(std::string_view(body));
  const auto signature = aws_authorization(request, scope, kAccessKey, secret_key());
  auto other = request;
  other.body = {};
  CHECK(aws_authorization(other, scope, kAccessKey, secret_key()) != signature);
  other = request;
  other.headers["host"] = "kms.other";
  CHECK(aws_authorization(other, scope, kAccessKey, secret_key()) != signature);
  CHECK(aws_authorization(request, {"us-east-2", "kms", "20150830T123600Z"}, kAccessKey, secret_key()) != signature);
  CHECK(aws_authorization(request, scope, kAccessKey, SecretBytes(std::string_view("x"))) != signature);
}

}  // namespace
}  // namespace bartizan::vault
