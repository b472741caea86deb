#include "head_rules.hpp"

#include <array>
#include <charconv>

#include "characters.hpp"
#include "target.hpp"

namespace bartizan::http {
namespace {

Method method_of(std::string_view token) {
  for (const Method known :
       {Method::Get, Method::Head, Method::Post, Method::Put, Method::Patch, Method::Delete, Method::Options}) {
    if (token == to_string(known)) return known;  // methods are case-sensitive
  }
  return Method::Other;
}

/// Fields whose second occurrence could be the one that another reader believes.
constexpr std::array kAtMostOnce = {
    std::string_view("host"),           std::string_view("content-length"),   std::string_view("transfer-encoding"),
    std::string_view("content-type"),   std::string_view("content-encoding"), std::string_view("authorization"),
    std::string_view("expect"),         std::string_view("origin"),           std::string_view("if-unmodified-since"),
    std::string_view("idempotency-key")};

}  // namespace

HeadRules::Verdict HeadRules::request_line(std::string_view method, std::string_view target, bool http_1_1) {
  if (target.size() > limits_.target_bytes) return Refusal{414, "the request target is too long"};
  http_1_1_ = http_1_1;
  request_.method = method_of(method);
  auto parsed = parse_target(request_.method, target, limits_.parameters);
  if (!parsed) return Refusal{400, std::move(parsed.error().detail)};
  request_.path = std::move(parsed->path);
  request_.host = std::move(parsed->host);
  request_.query = std::move(parsed->query);
  return std::nullopt;
}

HeadRules::Verdict HeadRules::field(std::string_view name, std::string_view value) {
  if (request_.fields.size() == limits_.fields) return Refusal{431, "too many header fields"};
  auto lower = to_lower(name);
  for (const auto once : kAtMostOnce) {
    if (lower == once && request_.field(once)) return Refusal{400, "a header field stands twice: " + lower};
  }
  if (auto refusal = framing_field(lower, value)) return refusal;
  request_.fields.push_back({std::move(lower), std::string(value)});
  return std::nullopt;
}

HeadRules::Verdict HeadRules::framing_field(std::string_view name, std::string_view value) {
  if (name == "content-length") {
    // Digits alone: a sign, a list or white space is where readers begin to differ.
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), content_length_);
    if (error != std::errc() || end != value.data() + value.size() || value.empty())
      return Refusal{400, "Content-Length is not a number"};
    has_length_ = true;
  } else if (name == "transfer-encoding") {
    if (!same_ignoring_case(value, "chunked")) return Refusal{501, "no transfer coding but chunked is understood"};
    chunked_ = true;
  } else if (name == "expect") {
    if (!same_ignoring_case(value, "100-continue")) return Refusal{417, "no expectation but 100-continue can be met"};
    expects_continue_ = true;
  } else if (name == "host") {
    if (!is_host(value)) return Refusal{400, "Host is not a host"};
    if (request_.host.empty()) request_.host = value;  // an absolute target outranks it
  }
  if (has_length_ && chunked_) return Refusal{400, "both Content-Length and Transfer-Encoding"};
  return std::nullopt;
}

HeadRules::Verdict HeadRules::end(bool keep_alive) {
  if (http_1_1_ && !request_.field("host")) return Refusal{400, "a request needs a Host field"};
  if (!http_1_1_ && chunked_) return Refusal{400, "Transfer-Encoding in an HTTP/1.0 request"};
  if (content_length_ > limits_.body_bytes) return Refusal{413, "the request body is too large"};
  expects_continue_ = expects_continue_ && http_1_1_ && (chunked_ || content_length_ > 0);
  // HTTP/1.0's keep-alive is not worth its ambiguities: one request a connection.
  request_.keep_alive = http_1_1_ && keep_alive;
  return std::nullopt;
}

}  // namespace bartizan::http
