#include "bartizan/pgwire/decode_error.hpp"

#include <string>

namespace bartizan::pgwire {

std::string_view to_string(DecodeError error) noexcept {
  switch (error) {
    case DecodeError::Truncated: return "insufficient data left in message";
    case DecodeError::TrailingBytes: return "invalid message format";
    case DecodeError::BadValue: return "invalid value in message";
  }
  return "invalid message format";
}

Error as_error(DecodeError error, std::string_view message_name) {
  std::string detail(message_name);
  detail.append(": ").append(to_string(error));
  return Error{Errc::Malformed, std::move(detail)};
}

}  // namespace bartizan::pgwire
