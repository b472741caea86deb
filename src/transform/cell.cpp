#include "bartizan/transform/cell.hpp"

namespace bartizan::transform {
namespace {

constexpr unsigned kFlagBlindIndex = 1;
constexpr unsigned kFlagRowBound = 2;

}  // namespace

std::optional<CellView> parse_cell(ByteView bytes) noexcept {
  if (bytes.size() < kCellOverhead || bytes[0] != kCellMagic) return std::nullopt;
  const auto second = std::to_integer<unsigned>(bytes[1]);
  const unsigned flags = second & 0x0F;
  if (second >> 4 != kCellVersion || (flags & ~(kFlagBlindIndex | kFlagRowBound)) != 0) return std::nullopt;
  const bool indexed = (flags & kFlagBlindIndex) != 0;
  if (indexed && bytes.size() < kIndexedCellOverhead) return std::nullopt;

  CellView cell;
  ByteReaderView in(bytes);
  cell.header = *in.bytes(kCellHeaderBytes);
  cell.row_bound = (flags & kFlagRowBound) != 0;
  cell.key_id = keys::KeyId(load_be32(cell.header.data() + 2));
  cell.column_ref = load_be16(cell.header.data() + 6);
  cell.blind_index = *in.bytes(indexed ? kBlindIndexBytes : 0);
  cell.nonce = *in.bytes(kCellNonceBytes);
  cell.sealed = *in.bytes(in.remaining());
  return cell;
}

std::optional<CellView> parse_cut_cell(ByteView bytes) noexcept {
  if (!looks_like_cell(bytes)) return std::nullopt;
  const unsigned flags = std::to_integer<unsigned>(bytes[1]) & 0x0F;
  if ((flags & ~(kFlagBlindIndex | kFlagRowBound)) != 0 || (flags & kFlagBlindIndex) == 0) return std::nullopt;
  CellView cell;
  ByteReaderView in(bytes);
  cell.header = *in.bytes(kCellHeaderBytes);
  cell.row_bound = (flags & kFlagRowBound) != 0;
  cell.key_id = keys::KeyId(load_be32(cell.header.data() + 2));
  cell.column_ref = load_be16(cell.header.data() + 6);
  cell.nonce = *in.bytes(kCellNonceBytes);
  cell.sealed = *in.bytes(in.remaining());
  return cell;
}

bool looks_like_cell(ByteView bytes) noexcept {
  return bytes.size() >= kCellOverhead && bytes[0] == kCellMagic &&
         std::to_integer<unsigned>(bytes[1]) >> 4 == kCellVersion;
}

}  // namespace bartizan::transform
