#include "bartizan/transform/row_key.hpp"

#include <array>

namespace bartizan::transform {

namespace {

/// PostgreSQL's own limit for an index entry is a third of a page; nothing longer is a primary key.
constexpr std::size_t kMaxKeyBytes = 64 * 1024;

constexpr std::array kRowLabel = {std::byte{'b'}, std::byte{'z'}, std::byte{'r'}, std::byte{'1'}};

bool is_integer(ValueType type) noexcept {
  return type == ValueType::Int2 || type == ValueType::Int4 || type == ValueType::Int8;
}

}  // namespace

bool can_be_row_key(ValueType type) noexcept {
  switch (type) {
    case ValueType::Int2:
    case ValueType::Int4:
    case ValueType::Int8:
    case ValueType::Uuid:
    case ValueType::Text:
    case ValueType::Varchar:
    case ValueType::Bytea: return true;
    case ValueType::Bool:
    case ValueType::Date:
    case ValueType::Timestamp:
    case ValueType::TimestampTz:
    case ValueType::Numeric:
    case ValueType::Jsonb: return false;
  }
  return false;
}

Result<RowDigest> row_digest_of(std::span<const RowKeyField> fields) {
  if (fields.empty()) return fail(Errc::InvalidArgument, "a row is bound by at least one column");
  thread_local Bytes hashed;  // of a primary key: no secret
  hashed.assign(kRowLabel.begin(), kRowLabel.end());
  for (const auto& one : fields) {
    if (!one.field) return fail(Errc::InvalidArgument, "a row's key is not NULL");
    if (!can_be_row_key(one.type)) return fail(Errc::InvalidArgument, "a value of this type can't bind a row");
    const auto at = hashed.size();
    hashed.resize(at + 8);
    BoundedBytes canonical(hashed, kMaxKeyBytes);
    const auto read_as = one.given && is_integer(*one.given) && is_integer(one.type) ? *one.given : one.type;
    BZ_CHECK(to_canonical(read_as, one.typmod, one.format, *one.field, {}, canonical));
    store_be32(hashed.data() + at, oid_of(one.type));
    store_be32(hashed.data() + at + 4, static_cast<std::uint32_t>(canonical.size()));
  }
  return crypto::sha256(hashed);
}

}  // namespace bartizan::transform
