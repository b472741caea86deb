#include "bartizan/transform/value.hpp"

#include <array>

#include "bartizan/transform/column_cipher.hpp"
#include "codecs.hpp"

namespace bartizan::transform {
namespace {

/// Which values compare with each other: the first byte of an index form (docs/formats/cell.md).
enum class IndexClass : std::uint8_t {
  Bool = 1,
  Bytea = 2,
  Integer = 3,
  Text = 4,
  Date = 5,
  Timestamp = 6,
  TimestampTz = 7,
  Numeric = 8,
  Uuid = 9,
  Jsonb = 10,
};

struct TypeRow {
  ValueType type;
  std::uint32_t oid;
  std::string_view name;
  IndexClass index_class;
  Result<void> (*read)(const Reading&, ByteView, BoundedBytes&);
  Result<void> (*write)(const Writing&, ByteView, BoundedBytes&);
};

/// In the order of the enumerators. The oids are those of pg_type.dat, the same in every server.
constexpr std::array<TypeRow, 13> kTypes{{
    {ValueType::Bool, 16, "boolean", IndexClass::Bool, bool_to_canonical, bool_from_canonical},
    {ValueType::Bytea, 17, "bytea", IndexClass::Bytea, bytea_to_canonical, bytea_from_canonical},
    {ValueType::Int8, 20, "bigint", IndexClass::Integer, integer_to_canonical, integer_from_canonical},
    {ValueType::Int2, 21, "smallint", IndexClass::Integer, integer_to_canonical, integer_from_canonical},
    {ValueType::Int4, 23, "integer", IndexClass::Integer, integer_to_canonical, integer_from_canonical},
    {ValueType::Text, 25, "text", IndexClass::Text, text_to_canonical, text_from_canonical},
    {ValueType::Varchar, 1043, "character varying", IndexClass::Text, text_to_canonical, text_from_canonical},
    {ValueType::Date, 1082, "date", IndexClass::Date, date_to_canonical, date_from_canonical},
    {ValueType::Timestamp, 1114, "timestamp without time zone", IndexClass::Timestamp, timestamp_to_canonical,
     timestamp_from_canonical},
    {ValueType::TimestampTz, 1184, "timestamp with time zone", IndexClass::TimestampTz, timestamp_to_canonical,
     timestamp_from_canonical},
    {ValueType::Numeric, 1700, "numeric", IndexClass::Numeric, numeric_to_canonical, numeric_from_canonical},
    {ValueType::Uuid, 2950, "uuid", IndexClass::Uuid, uuid_to_canonical, uuid_from_canonical},
    {ValueType::Jsonb, 3802, "jsonb", IndexClass::Jsonb, jsonb_to_canonical, jsonb_from_canonical},
}};

const TypeRow& row_of(ValueType type) noexcept {
  const auto& row = kTypes[static_cast<std::size_t>(type)];
  BZ_ASSERT(row.type == type);
  return row;
}

tl::unexpected<Error> described(Errc code, std::string_view before, ValueType type, std::string_view after) {
  std::string detail(before);
  detail += name_of(type);
  detail += after;
  return fail(code, std::move(detail));
}

Result<void> within_limit(Result<void> done, const BoundedBytes& out) {
  if (done && out.overflowed()) return fail(Errc::TooLarge, "the value is longer than permitted");
  return done;
}

}  // namespace

std::optional<ValueType> value_type_of(std::uint32_t type_oid) noexcept {
  for (const auto& row : kTypes)
    if (row.oid == type_oid) return row.type;
  return std::nullopt;
}

std::uint32_t oid_of(ValueType type) noexcept { return row_of(type).oid; }

std::string_view name_of(ValueType type) noexcept { return row_of(type).name; }

Result<WireFormat> wire_format_of(std::int16_t format_code) {
  if (format_code == 0) return WireFormat::Text;
  if (format_code == 1) return WireFormat::Binary;
  return fail(Errc::Malformed, "the format code is neither 0 nor 1");
}

tl::unexpected<Error> invalid_input(ValueType type) {
  return described(Errc::InvalidArgument, "invalid input for type ", type, "");
}
tl::unexpected<Error> out_of_range(ValueType type) {
  return described(Errc::InvalidArgument, "the value is out of range for type ", type, "");
}
tl::unexpected<Error> malformed_binary(ValueType type) {
  return described(Errc::Malformed, "incorrect binary data for type ", type, "");
}
tl::unexpected<Error> unsupported_form(ValueType type, std::string_view what) {
  return described(Errc::Unsupported, "for an encrypted column of type ", type, std::string(": ").append(what));
}
tl::unexpected<Error> not_canonical() { return fail(Errc::Crypto, kCellDoesNotOpen); }

Result<void> to_canonical(ValueType type, std::int32_t typmod, WireFormat format, ByteView wire,
                          const ValueSettings& settings, BoundedBytes& out) {
  return within_limit(row_of(type).read({type, typmod, format, settings}, wire, out), out);
}

Result<void> from_canonical(ValueType type, WireFormat format, ByteView canonical, const ValueSettings& settings,
                            BoundedBytes& out) {
  return within_limit(row_of(type).write({type, format, settings}, canonical, out), out);
}

Result<void> to_index_form(ValueType type, ByteView canonical, BoundedBytes& out) {
  out.append_u8(static_cast<unsigned>(row_of(type).index_class));
  switch (row_of(type).index_class) {
    case IndexClass::Numeric: BZ_CHECK(numeric_index_form(canonical, out)); break;
    case IndexClass::Jsonb: jsonb_index_form(canonical, out); break;
    case IndexClass::Bool:
    case IndexClass::Bytea:
    case IndexClass::Integer:
    case IndexClass::Text:
    case IndexClass::Date:
    case IndexClass::Timestamp:
    case IndexClass::TimestampTz:
    case IndexClass::Uuid: out.append(canonical); break;
  }
  return within_limit({}, out);
}

}  // namespace bartizan::transform
