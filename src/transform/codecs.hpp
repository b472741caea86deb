// One pair of functions for each kind of value, private to this module: wire to canonical form
// and back. What they promise is said in value.hpp.
#pragma once

#include <cstdint>
#include <string_view>

#include "bartizan/transform/value.hpp"

namespace bartizan::transform {

/// What to_canonical was asked for, without the value.
struct Reading {
  ValueType type;
  std::int32_t typmod;
  WireFormat format;
  const ValueSettings& settings;
};
struct Writing {
  ValueType type;
  WireFormat format;
  const ValueSettings& settings;
};

[[nodiscard]] std::string_view name_of(ValueType type) noexcept;
/// InvalidArgument, the 22P02 and 22007 of PostgreSQL.
[[nodiscard]] tl::unexpected<Error> invalid_input(ValueType type);
/// InvalidArgument: beyond the type's range, or its length, precision or scale.
[[nodiscard]] tl::unexpected<Error> out_of_range(ValueType type);
/// Malformed: binary that is not of the type.
[[nodiscard]] tl::unexpected<Error> malformed_binary(ValueType type);
/// Unsupported: PostgreSQL might take it, we don't.
[[nodiscard]] tl::unexpected<Error> unsupported_form(ValueType type, std::string_view what);
/// Crypto: what a cell held is not canonical. One wording, like all failures to open.
[[nodiscard]] tl::unexpected<Error> not_canonical();

/// Without the white space (of C's isspace) at both ends, that most types skip.
[[nodiscard]] std::string_view trimmed(std::string_view text) noexcept;
[[nodiscard]] bool is_space(char c) noexcept;
[[nodiscard]] inline bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
/// -1 for what is not a hexadecimal digit.
[[nodiscard]] int hex_value(char c) noexcept;
/// Compares without case, ASCII only. word is in lower case.
[[nodiscard]] bool same_word(std::string_view text, std::string_view word) noexcept;
/// Two's complement, size 2, 4 or 8.
[[nodiscard]] std::int64_t load_signed(ByteView bytes) noexcept;

Result<void> bool_to_canonical(const Reading& how, ByteView wire, BoundedBytes& out);
Result<void> bool_from_canonical(const Writing& how, ByteView canonical, BoundedBytes& out);
Result<void> integer_to_canonical(const Reading& how, ByteView wire, BoundedBytes& out);
Result<void> integer_from_canonical(const Writing& how, ByteView canonical, BoundedBytes& out);
Result<void> text_to_canonical(const Reading& how, ByteView wire, BoundedBytes& out);
Result<void> text_from_canonical(const Writing& how, ByteView canonical, BoundedBytes& out);
Result<void> bytea_to_canonical(const Reading& how, ByteView wire, BoundedBytes& out);
Result<void> bytea_from_canonical(const Writing& how, ByteView canonical, BoundedBytes& out);
Result<void> uuid_to_canonical(const Reading& how, ByteView wire, BoundedBytes& out);
Result<void> uuid_from_canonical(const Writing& how, ByteView canonical, BoundedBytes& out);
Result<void> date_to_canonical(const Reading& how, ByteView wire, BoundedBytes& out);
Result<void> date_from_canonical(const Writing& how, ByteView canonical, BoundedBytes& out);
Result<void> timestamp_to_canonical(const Reading& how, ByteView wire, BoundedBytes& out);
Result<void> timestamp_from_canonical(const Writing& how, ByteView canonical, BoundedBytes& out);
Result<void> numeric_to_canonical(const Reading& how, ByteView wire, BoundedBytes& out);
Result<void> numeric_from_canonical(const Writing& how, ByteView canonical, BoundedBytes& out);
Result<void> jsonb_to_canonical(const Reading& how, ByteView wire, BoundedBytes& out);
Result<void> jsonb_from_canonical(const Writing& how, ByteView canonical, BoundedBytes& out);

/// The parts of to_index_form that are not a copy.
Result<void> numeric_index_form(ByteView canonical, BoundedBytes& out);
void jsonb_index_form(ByteView canonical, BoundedBytes& out);

}  // namespace bartizan::transform
