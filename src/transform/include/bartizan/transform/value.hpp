// Values of the types that can be encrypted, between PostgreSQL's wire formats (text and binary,
// PostgreSQL manual, "Formats and Format Codes", and the types' own input and output rules) and
// the one canonical form that goes into a cell (docs/formats/cell.md, "Canonical values").
//
// What comes out is what PostgreSQL 15 would have sent for the same value. What goes in is read
// as PostgreSQL reads it, or refused: forms whose meaning hangs on a setting not known here
// (dates that are not ISO 8601, zone names, 'now') are never guessed.
#pragma once

#include <cstdint>
#include <optional>

#include "bartizan/base/bytes.hpp"
#include "bartizan/base/result.hpp"
#include "bartizan/transform/bounded_bytes.hpp"
#include "bartizan/transform/time_zone.hpp"

namespace bartizan::transform {

enum class ValueType : std::uint8_t {
  Bool,
  Bytea,
  Int8,
  Int2,
  Int4,
  Text,
  Varchar,
  Date,
  Timestamp,
  TimestampTz,
  Numeric,
  Uuid,
  Jsonb,
};

/// By the type's oid in pg_type; nullopt: such a column cannot be encrypted.
[[nodiscard]] std::optional<ValueType> value_type_of(std::uint32_t type_oid) noexcept;
[[nodiscard]] std::uint32_t oid_of(ValueType type) noexcept;

enum class WireFormat : std::uint8_t { Text = 0, Binary = 1 };
/// Malformed for other format codes.
[[nodiscard]] Result<WireFormat> wire_format_of(std::int16_t format_code);

enum class ByteaOutput : std::uint8_t { Hex, Escape };

/// The session's settings that the text format hangs on. client_encoding must be UTF8 wherever
/// these functions are used: the caller refuses other encodings.
struct ValueSettings {
  const TimeZone* time_zone = nullptr;  ///< null: not known
  bool iso_dates = true;                ///< DateStyle is ISO: otherwise dates are refused as text
  ByteaOutput bytea_output = ByteaOutput::Hex;
};

inline constexpr std::int32_t kNoTypmod = -1;

/// Appends the canonical form. typmod: the column's (length, precision and scale), applied as an
/// assignment does; kNoTypmod for a value that is only compared.
/// Errors: InvalidArgument (not a value of this type, or not within its typmod), Unsupported
/// (a form that is not read here), Malformed (broken binary), TooLarge (out's limit).
/// No detail contains any part of the value.
[[nodiscard]] Result<void> to_canonical(ValueType type, std::int32_t typmod, WireFormat format, ByteView wire,
                                        const ValueSettings& settings, BoundedBytes& out);

/// Appends what PostgreSQL would send. Crypto when canonical is not a canonical form of the type
/// (never so for what a cell held), Unsupported when settings don't permit, TooLarge.
[[nodiscard]] Result<void> from_canonical(ValueType type, WireFormat format, ByteView canonical,
                                          const ValueSettings& settings, BoundedBytes& out);

/// Appends the bytes that a blind index is made of: a class (one byte, shared by types whose
/// values compare with each other) and a form that is equal exactly where PostgreSQL's = is
/// (numeric 1.0 = 1.00, jsonb alike; int2, int4 and int8; text and varchar).
[[nodiscard]] Result<void> to_index_form(ValueType type, ByteView canonical, BoundedBytes& out);

}  // namespace bartizan::transform
