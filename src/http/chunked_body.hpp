// The chunked transfer coding, undone (RFC 9112 section 7.1). Our own and a byte at a time,
// since it must not matter how the bytes came: Beast's decoder looks for a chunk's end more than
// once and counts the chunk each time, and reads a quoted extension across the end of its line.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "bartizan/http/request.hpp"
#include "bartizan/http/request_reader.hpp"

namespace bartizan::http {

/// One body. Extensions and the trailer are checked for their characters, bounded together by
/// Limits::head_bytes, and dropped: a trailer's fields have no say (RFC 9110 section 6.5.1).
class ChunkedBody {
 public:
  explicit ChunkedBody(const Limits& limits) : body_bytes_(limits.body_bytes), extra_left_(limits.head_bytes) {}

  /// Takes bytes up to the body's end or the first fault, appends what they carry to body and
  /// returns how many it took. body holds nothing else.
  std::size_t take(std::string_view bytes, std::string& body);

  [[nodiscard]] bool done() const noexcept { return state_ == State::Done; }
  [[nodiscard]] const std::optional<Refusal>& refusal() const noexcept { return refusal_; }

 private:
  enum class State : std::uint8_t {
    Size,
    Extension,
    SizeLf,
    Data,
    DataCr,
    DataLf,       // a chunk
    Trailer,
    TrailerName,
    TrailerValue,
    TrailerLf,
    EndLf,  // behind the last one
    Done
  };

  [[nodiscard]] State after(char c, std::size_t held);
  [[nodiscard]] State size_digit(char c, std::size_t held);
  [[nodiscard]] State extra(char c, State next);
  [[nodiscard]] State expect(char c, char wanted, State next);
  [[nodiscard]] State refuse(unsigned status, const char* detail);

  std::size_t body_bytes_;  // the limit
  std::size_t extra_left_;
  std::uint64_t size_ = 0;  // of the chunk: what is left of it
  unsigned digits_ = 0;
  State state_ = State::Size;
  std::optional<Refusal> refusal_;
};

}  // namespace bartizan::http
