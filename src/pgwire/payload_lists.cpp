#include "bartizan/pgwire/payload_lists.hpp"

namespace bartizan::pgwire {
namespace {

Decoded<ByteView> counted(ByteReaderView& reader, std::size_t element_bytes) noexcept {
  const auto count = reader.be16();
  if (!count) return tl::unexpected(DecodeError::Truncated);
  const auto elements = reader.bytes(*count * element_bytes);
  if (!elements) return tl::unexpected(DecodeError::Truncated);
  return *elements;
}

}  // namespace

Decoded<Int16ListView> Int16ListView::read(ByteReaderView& reader) noexcept {
  const auto elements = counted(reader, 2);
  if (!elements) return tl::unexpected(elements.error());
  Int16ListView list;
  list.bytes_ = *elements;
  return list;
}

Decoded<OidListView> OidListView::read(ByteReaderView& reader) noexcept {
  const auto elements = counted(reader, 4);
  if (!elements) return tl::unexpected(elements.error());
  OidListView list;
  list.bytes_ = *elements;
  return list;
}

Decoded<ValueListView> ValueListView::read(ByteReaderView& reader) noexcept {
  const auto count = reader.be16();
  if (!count) return tl::unexpected(DecodeError::Truncated);
  auto walk = reader;
  for (std::size_t i = 0; i < *count; ++i) {
    const auto length = walk.be32();
    if (!length) return tl::unexpected(DecodeError::Truncated);
    if (*length == kNull) continue;
    if (*length > 0x7fffffffu) return tl::unexpected(DecodeError::BadValue);
    if (!walk.bytes(*length)) return tl::unexpected(DecodeError::Truncated);
  }
  ValueListView list;
  list.count_ = *count;
  list.bytes_ = *reader.bytes(walk.position() - reader.position());
  return list;
}

Decoded<StringListView> StringListView::read(ByteReaderView& reader, std::size_t count) noexcept {
  auto walk = reader;
  for (std::size_t i = 0; i < count; ++i) {
    if (!walk.cstring()) return tl::unexpected(DecodeError::Truncated);
  }
  StringListView list;
  list.chars_ = as_chars(*reader.bytes(walk.position() - reader.position()));
  return list;
}

Decoded<StringListView> StringListView::read_until_empty(ByteReaderView& reader) noexcept {
  auto walk = reader;
  while (true) {
    const auto text = walk.cstring();
    if (!text) return tl::unexpected(DecodeError::Truncated);
    if (text->empty()) break;
  }
  StringListView list;
  const auto chars = as_chars(*reader.bytes(walk.position() - reader.position()));
  list.chars_ = chars.substr(0, chars.size() - 1);
  return list;
}

bool StringListView::contains(std::string_view text) const noexcept {
  for (const auto each : *this) {
    if (each == text) return true;
  }
  return false;
}

}  // namespace bartizan::pgwire
