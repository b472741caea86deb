// One POST over a connection of its own (HTTP/1.1, Connection: close), and what the receiver makes of it.
#pragma once

#include <string>
#include <string_view>

#include "bartizan/base/result.hpp"
#include "bartizan/shipping/sink.hpp"
#include "bartizan/shipping/transport.hpp"

namespace bartizan::shipping {

struct HttpAnswer {
  unsigned status = 0;
  std::string body;  ///< its first 64 KiB, chunks taken apart
};

/// REQUIRES: headers are whole lines, each ended by CR LF. Errors name no header.
[[nodiscard]] Result<HttpAnswer> http_post(const Url& url, const TlsContext* tls, std::string_view headers,
                                           std::string_view body, const Stopper& stopper,
                                           std::chrono::milliseconds longest);

/// The answer in all that the receiver has sent. Malformed. Pure.
[[nodiscard]] Result<HttpAnswer> parse_answer(std::string_view bytes);

/// Lines "Name: value" as headers; Malformed for others, and for names that http_post itself gives.
[[nodiscard]] Result<std::string> header_lines(std::string_view text);

}  // namespace bartizan::shipping
