// [ship_syslog], [ship_relp], [ship_webhook] and [ship_otlp]: where the audit log's records are sent besides.
#pragma once

#include <filesystem>
#include <string>

namespace bartizan::config {

/// A receiver of messages; without an address there is none.
struct MessageSinkOptions {
  std::string address;  ///< "host:port"
  bool tls = true;
  bool cef = false;  ///< else the record as it stands in the log
  std::filesystem::path ca_file;
  std::filesystem::path certificate_file;
  std::filesystem::path private_key_file;
};

/// A receiver of requests; without a URL there is none.
struct HttpSinkOptions {
  std::string url;
  std::filesystem::path ca_file;
  std::filesystem::path secret_file;   ///< webhook
  std::filesystem::path headers_file;  ///< OTLP
};

struct ShippingOptions {
  MessageSinkOptions syslog;
  MessageSinkOptions relp;
  HttpSinkOptions webhook;
  HttpSinkOptions otlp;
};

}  // namespace bartizan::config
