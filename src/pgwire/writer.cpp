#include "bartizan/pgwire/writer.hpp"

#include "bartizan/base/result.hpp"

namespace bartizan::pgwire {
namespace {

constexpr std::size_t kMaxLength = kMaxMessageBytes - 1;  // PQ_LARGE_MESSAGE_LIMIT
constexpr std::size_t kMaxStartupLength = kMaxStartupBytes + 4;

}  // namespace

void MessageWriter::begin(char type) {
  if (error_) return;
  BZ_ASSERT(!open_);
  message_at_ = out_.size();
  limit_ = kMaxLength;
  open_ = true;
  out_.push_back(static_cast<std::byte>(type));
  length_at_ = out_.size();
  out_.resize(out_.size() + 4);
}

void MessageWriter::begin_untyped() {
  if (error_) return;
  BZ_ASSERT(!open_);
  message_at_ = length_at_ = out_.size();
  limit_ = kMaxStartupLength;
  open_ = true;
  out_.resize(out_.size() + 4);
}

void MessageWriter::u8(std::uint8_t value) {
  if (!room_for(1)) return;
  out_.push_back(static_cast<std::byte>(value));
}

void MessageWriter::be16(std::uint16_t value) {
  if (!room_for(2)) return;
  std::byte wire[2];
  store_be16(wire, value);
  out_.insert(out_.end(), wire, wire + 2);
}

void MessageWriter::be32(std::uint32_t value) {
  if (!room_for(4)) return;
  std::byte wire[4];
  store_be32(wire, value);
  out_.insert(out_.end(), wire, wire + 4);
}

void MessageWriter::count(std::size_t value) {
  if (value > 0xffff) return fail(WriteError::TooLarge);
  be16(static_cast<std::uint16_t>(value));
}

void MessageWriter::cstring(std::string_view text) {
  if (text.find('\0') != std::string_view::npos) return fail(WriteError::EmbeddedNul);
  if (!room_for(text.size() + 1)) return;
  const auto view = as_bytes(text);
  out_.insert(out_.end(), view.begin(), view.end());
  out_.push_back(std::byte{0});
}

void MessageWriter::name(std::string_view text) {
  if (text.empty()) return fail(WriteError::EmptyName);
  cstring(text);
}

void MessageWriter::bytes(ByteView value) {
  if (!room_for(value.size())) return;
  out_.insert(out_.end(), value.begin(), value.end());
}

void MessageWriter::value(std::optional<ByteView> value) {
  if (!value) return be32(0xffffffff);
  if (value->size() > kMaxMessageBytes) return fail(WriteError::TooLarge);  // before it is narrowed
  be32(static_cast<std::uint32_t>(value->size()));
  bytes(*value);
}

void MessageWriter::end() {
  if (error_) return;
  BZ_ASSERT(open_);
  store_be32(out_.data() + length_at_, static_cast<std::uint32_t>(out_.size() - length_at_));
  open_ = false;
}

void MessageWriter::fail(WriteError error) {
  if (error_) return;
  error_ = error;
  if (open_) out_.resize(message_at_);
  open_ = false;
}

bool MessageWriter::room_for(std::size_t count) {
  if (error_) return false;
  BZ_ASSERT(open_);
  if (count <= limit_ - (out_.size() - length_at_)) return true;
  fail(WriteError::TooLarge);
  return false;
}

}  // namespace bartizan::pgwire
