// What a value looks like: addresses, numbers of cards and accounts, national ids, by form and, where there are any, by
// check digits. For proposals of `catalog classify` (ADR 0203). Pure; a value is looked at and not kept.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace bartizan::control {

enum class ValueKind : std::uint8_t {
  Email,
  Phone,
  Card,  ///< 13 to 19 digits with Luhn's check digit, behind a prefix that is given out
  Iban,  ///< ISO 13616, modulo 97
  NationalId,  ///< of a form below, its check digits right
  Ssn,  ///< United States: form alone, ranges that are given out
  Ip,
  BirthDate,  ///< a day that somebody alive may be born on
  FreeText,  ///< sentences
  HoldsEmail,  ///< among other words
};

/// Every kind that it may be, each once; most often none. At most 4096 bytes are looked at.
[[nodiscard]] std::vector<ValueKind> kinds_of(std::string_view value);

/// Luhn's (ISO/IEC 7812) over digits alone.
[[nodiscard]] bool luhn(std::string_view digits) noexcept;
[[nodiscard]] bool is_iban(std::string_view text) noexcept;
/// Of Germany (tax), Spain, the Netherlands, Italy, France, Poland, Brazil or the NHS.
[[nodiscard]] bool is_national_id(std::string_view text) noexcept;

}  // namespace bartizan::control
