#include "chunked_body.hpp"

#include <algorithm>

#include "characters.hpp"

namespace bartizan::http {
namespace {
constexpr unsigned kMaxDigits = 16;  // leading zeros count: without end they would be free
}

std::size_t ChunkedBody::take(std::string_view bytes, std::string& body) {
  std::size_t taken = 0;
  while (taken < bytes.size() && !done() && !refusal_) {
    if (state_ == State::Data) {
      const auto piece = bytes.substr(taken, static_cast<std::size_t>(std::min<std::uint64_t>(size_, bytes.size())));
      body += piece;
      taken += piece.size();
      size_ -= piece.size();
      if (size_ == 0) state_ = State::DataCr;
    } else {
      state_ = after(bytes[taken], body.size());
      ++taken;
    }
  }
  return taken;
}

ChunkedBody::State ChunkedBody::after(char c, std::size_t held) {
  switch (state_) {
    case State::Size: return size_digit(c, held);
    case State::Extension: return c == '\r' ? State::SizeLf : extra(c, State::Extension);
    case State::SizeLf: return expect(c, '\n', size_ == 0 ? State::Trailer : State::Data);
    case State::Data: break;  // taken by the piece
    case State::DataCr: return expect(c, '\r', State::DataLf);
    case State::DataLf: digits_ = 0; return expect(c, '\n', State::Size);
    case State::Trailer:
      if (c == '\r') return State::EndLf;
      return is_token_char(c) ? extra(c, State::TrailerName) : refuse(400, "a trailer field has no name");
    case State::TrailerName:
      if (c == ':') return extra(c, State::TrailerValue);
      return is_token_char(c) ? extra(c, State::TrailerName) : refuse(400, "a trailer field's name is not a token");
    case State::TrailerValue: return c == '\r' ? State::TrailerLf : extra(c, State::TrailerValue);
    case State::TrailerLf: return expect(c, '\n', State::Trailer);
    case State::EndLf: return expect(c, '\n', State::Done);
    case State::Done: break;
  }
  return state_;
}

ChunkedBody::State ChunkedBody::size_digit(char c, std::size_t held) {
  if (const auto digit = hex_digit(c)) {
    if (++digits_ > kMaxDigits) return refuse(400, "a chunk's size has too many digits");
    size_ = size_ * 16 + *digit;
    // Before any of it is there; and so size_ never gets near its end.
    if (size_ > body_bytes_ - held) return refuse(413, "the request body is too large");
    return State::Size;
  }
  if (digits_ == 0) return refuse(400, "a chunk has no size");
  if (c == ';') return State::Extension;
  return c == '\r' ? State::SizeLf : refuse(400, "a chunk's size is not a hexadecimal number");
}

ChunkedBody::State ChunkedBody::extra(char c, State next) {
  if (is_control(c)) return refuse(400, "a control character in a chunk extension or trailer");
  if (extra_left_ == 0) return refuse(431, "the chunk extensions and the trailer are too large");
  --extra_left_;
  return next;
}

ChunkedBody::State ChunkedBody::expect(char c, char wanted, State next) {
  return c == wanted ? next : refuse(400, "a chunk or its lines do not end where they should");
}

ChunkedBody::State ChunkedBody::refuse(unsigned status, const char* detail) {
  refusal_ = Refusal{status, detail};
  return state_;
}

}  // namespace bartizan::http
