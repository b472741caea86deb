#include "line_buffer.hpp"

#include <algorithm>
#include <cstring>

namespace bartizan::control {
namespace {
constexpr std::size_t kChunk = 4096;
}

void LineBuffer::drop_used() noexcept {
  if (used_ < begin_) secure_wipe(bytes_.reveal_mutable().data() + used_, begin_ - used_);
  used_ = begin_;
}

std::span<std::byte> LineBuffer::prepare() {
  drop_used();
  const auto held = end_ - begin_;
  if (bytes_.size() - end_ < kChunk && begin_ > 0) {
    auto* data = bytes_.reveal_mutable().data();
    std::memmove(data, data + begin_, held);
    secure_wipe(data + held, end_ - held);
    scanned_ -= begin_;
    used_ = begin_ = 0;
    end_ = held;
  }
  if (bytes_.size() - end_ < kChunk) {
    // Not vector::resize: the old block has to be wiped.
    SecretBytes larger(std::max(bytes_.size() * 2, end_ + kChunk));
    std::copy_n(bytes_.reveal().begin(), end_, larger.reveal_mutable().begin());
    bytes_ = std::move(larger);
  }
  return bytes_.reveal_mutable().subspan(end_);
}

Result<std::optional<std::string_view>> LineBuffer::next() {
  drop_used();
  const auto text = bytes_.reveal_chars().substr(0, end_);
  const auto newline = text.find('\n', scanned_);
  const auto length = (newline == std::string_view::npos ? end_ : newline) - begin_;
  if (length > max_line_bytes_)
    return fail(Errc::TooLarge, "the line is longer than " + std::to_string(max_line_bytes_) + " bytes");
  scanned_ = end_;
  if (newline == std::string_view::npos) return std::optional<std::string_view>();
  const auto line = text.substr(begin_, length);
  begin_ = scanned_ = newline + 1;
  return std::optional(line);
}

}  // namespace bartizan::control
