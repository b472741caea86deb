#include "bartizan/transform/encrypted_column.hpp"

#include <array>

namespace bartizan::transform {
namespace {

/// More than any canonical form is longer than its field, numbers with large exponents apart.
constexpr std::size_t canonical_room(std::size_t field_size) { return 2 * field_size + 64; }

constexpr std::uint32_t kByteaOid = 17;
/// What most masks add to a value at most; more moves the buffer.
constexpr std::size_t kMaskRoom = 128;

/// Of a hexadecimal digit; -1 of anything else.
constexpr auto kNibbles = [] {
  std::array<std::int8_t, 256> out{};
  for (std::size_t c = 0; c < out.size(); ++c)
    out[c] = static_cast<std::int8_t>(c >= '0' && c <= '9'   ? c - '0'
                                      : c >= 'a' && c <= 'f' ? c - 'a' + 10
                                      : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                                             : 255);
  return out;
}();

}  // namespace

Result<void> EncryptedColumn::to_scratch(std::int32_t typmod, WireFormat format, ByteView field,
                                         const ValueSettings& settings) {
  if (mask_ != nullptr) return fail(Errc::PermissionDenied, "it is shown masked");
  BoundedBytes canonical(scratch_.use(canonical_room(field.size())), kMaxPlaintextBytes);
  auto done = to_canonical(place().type, typmod, format, field, settings, canonical);
  if (!done) scratch_.clear();
  return done;
}

Result<void> EncryptedColumn::encrypt(WireFormat format, ByteView field, const ValueSettings& settings,
                                      const RowDigest* row, Random& random, BoundedBytes& out) {
  auto done = to_scratch(typmod_, format, field, settings);
  if (done && tokens_) {
    done = tokens_->tokenize(scratch_.view(), out);
    scratch_.clear();
    return done;
  }
  if (done && vault_) {
    done = vault_->entry(cipher_, scratch_.view(), random, out);
    scratch_.clear();
    return done;
  }
  if (done) done = cipher_.seal(scratch_.view(), row, random, out);
  scratch_.clear();
  return done;
}

Result<void> EncryptedColumn::decrypt(ByteView cell, const RowDigest* row, WireFormat format,
                                      const ValueSettings& settings, BoundedBytes& out) {
  if (mask_ != nullptr) return fail(Errc::PermissionDenied, "it is shown masked");
  BoundedBytes canonical(scratch_.use(cell.size()), kMaxPlaintextBytes);
  auto done = tokens_  ? tokens_->detokenize(cell, canonical)
              : vault_ ? VaultTokens::open(cipher_, cell, canonical)
                       : cipher_.open(cell, row, canonical);
  if (done) done = from_canonical(place().type, format, scratch_.view(), settings, out);
  scratch_.clear();
  return done;
}

Result<bool> EncryptedColumn::show(ByteView cell, const RowDigest* row, WireFormat format,
                                   const ValueSettings& settings, BoundedBytes& out) {
  if (mask_ == nullptr) {
    auto done = decrypt(cell, row, format, settings, out);
    if (!done && done.error().code == Errc::NotFound) return false;  // of a destroyed subject
    BZ_CHECK(done);
    return true;
  }
  BoundedBytes canonical(scratch_.use(cell.size()), kMaxPlaintextBytes);
  const auto opened = cipher_.open_cut(cell, row, canonical);
  if (!opened && opened.error().code == Errc::NotFound) return false;
  BoundedBytes seen(masked_.use(cell.size() + kMaskRoom), kMaxPlaintextBytes);
  Result<bool> shown = opened ? mask_->apply(scratch_.view(), seen) : Result<bool>(tl::unexpected(opened.error()));
  scratch_.clear();
  if (shown && *shown && seen.overflowed()) shown = fail(Errc::TooLarge, "the value is longer than permitted");
  if (shown && *shown) {
    if (auto done = from_canonical(place().type, format, masked_.view(), settings, out); !done)
      shown = tl::unexpected(done.error());
  }
  masked_.clear();
  return shown;
}

Result<void> EncryptedColumn::compared_token(WireFormat format, ByteView field, const ValueSettings& settings,
                                             BoundedBytes& out) {
  if (!holds_tokens()) return fail(Errc::FailedPrecondition, "the column holds no tokens");
  BZ_CHECK(to_scratch(kNoTypmod, format, field, settings));
  const auto done =
      vault_ ? VaultTokens::looked_for(cipher_, scratch_.view(), out) : tokens_->tokenize(scratch_.view(), out);
  scratch_.clear();
  if (done || done.error().code != Errc::InvalidArgument) return done;
  out.append(as_bytes(kNoToken));
  return {};
}

Result<void> EncryptedColumn::blind_index(WireFormat format, ByteView field, const ValueSettings& settings,
                                          BoundedBytes& out) {
  BZ_CHECK(to_scratch(kNoTypmod, format, field, settings));
  const auto index = cipher_.blind_index(scratch_.view());
  scratch_.clear();
  if (!index) return tl::unexpected(index.error());
  out.append(*index);
  if (out.overflowed()) return fail(Errc::TooLarge, "the blind index does not fit");
  return {};
}

Result<void> EncryptedColumn::blind_index_array(WireFormat format, ByteView field, const ValueSettings& settings,
                                                BoundedBytes& out) {
  BZ_CHECK(to_scratch(kNoTypmod, format, field, settings));
  const auto indexes = cipher_.blind_indexes(scratch_.view());
  scratch_.clear();
  if (!indexes) return tl::unexpected(indexes.error());
  // array_send: dimensions, "has nulls", element type, then length and lower bound of the one dimension.
  for (const std::uint32_t word : {1U, 0U, kByteaOid, static_cast<std::uint32_t>(indexes->size()), 1U})
    out.append_be32(word);
  for (const auto& index : *indexes) {
    out.append_be32(kBlindIndexBytes);
    out.append(index);
  }
  if (out.overflowed()) return fail(Errc::TooLarge, "the blind index does not fit");
  return {};
}

Result<ByteView> stored_in_field(const EncryptedColumn& column, WireFormat format, ByteView field, Bytes& room) {
  return column.holds_tokens() ? Result<ByteView>(field) : cell_of_field(format, field, room);
}

Result<ByteView> cell_of_field(WireFormat format, ByteView field, Bytes& room) {
  if (format == WireFormat::Binary) return field;
  const auto text = as_chars(field);
  if (!text.starts_with("\\x") || text.size() % 2 != 0) return fail(Errc::Crypto, kCellDoesNotOpen);
  room.resize(text.size() / 2 - 1);
  int wrong = 0;
  for (std::size_t i = 0; i < room.size(); ++i) {
    const int high = kNibbles[static_cast<unsigned char>(text[2 * i + 2])];
    const int low = kNibbles[static_cast<unsigned char>(text[2 * i + 3])];
    wrong |= high | low;
    room[i] = static_cast<std::byte>(((high << 4) | low) & 0xff);
  }
  if (wrong < 0) return fail(Errc::Crypto, kCellDoesNotOpen);
  return ByteView(room);
}

}  // namespace bartizan::transform
