// What a request's head must fulfil beyond its grammar, and the Request that grows from it. The
// rules against request smuggling (RFC 9112 section 11.2) stand here, in one file.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "bartizan/http/request.hpp"
#include "bartizan/http/request_reader.hpp"

namespace bartizan::http {

/// Fed in the order of the bytes by RequestReader. Each member returns why the request is
/// refused, or nullopt.
class HeadRules {
 public:
  using Verdict = std::optional<Refusal>;

  explicit HeadRules(const Limits& limits) : limits_(limits) {}

  [[nodiscard]] Verdict request_line(std::string_view method, std::string_view target, bool http_1_1);
  [[nodiscard]] Verdict field(std::string_view name, std::string_view value);
  /// After the last field. keep_alive: what Connection says.
  [[nodiscard]] Verdict end(bool keep_alive);

  [[nodiscard]] bool expects_continue() const noexcept { return expects_continue_; }
  [[nodiscard]] bool chunked() const noexcept { return chunked_; }
  /// REQUIRES: !chunked(). At most Limits::body_bytes.
  [[nodiscard]] std::size_t content_length() const noexcept { return static_cast<std::size_t>(content_length_); }
  [[nodiscard]] Request& request() noexcept { return request_; }

 private:
  [[nodiscard]] Verdict framing_field(std::string_view name, std::string_view value);

  Limits limits_;
  Request request_;
  std::uint64_t content_length_ = 0;
  bool has_length_ = false;
  bool chunked_ = false;
  bool http_1_1_ = false;
  bool expects_continue_ = false;
};

}  // namespace bartizan::http
