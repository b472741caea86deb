// An HTTP response and its bytes (RFC 9112 section 4). Always framed by Content-Length; the
// writer adds Content-Length, Connection and Date itself and lets nobody else set them.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bartizan/base/clock.hpp"
#include "bartizan/http/request.hpp"

namespace bartizan::http {

struct Response {
  unsigned status = 200;
  std::vector<Field> fields;
  std::string body;
};

[[nodiscard]] Response text_response(unsigned status, std::string body);

/// What the writer must know besides the response.
struct Delivery {
  Method method = Method::Get;  ///< an answer to HEAD has the length of its body, and no body
  bool keep_alive = false;
  std::optional<WallTime> date = std::nullopt;  ///< the moment of the answer
};

/// Never fails: a response that can't be written (a field with a line break, one that the
/// writer owns, a status out of range) becomes an empty 500, so that no input that found its
/// way into a field can start a second response.
[[nodiscard]] std::string serialize(const Response& response, const Delivery& delivery);

/// RFC 9110 section 5.6.7: Sun, 06 Nov 1994 08:49:37 GMT
[[nodiscard]] std::string http_date(WallTime time);

}  // namespace bartizan::http
