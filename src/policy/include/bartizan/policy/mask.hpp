// The masks: what a consumer sees in place of a column's value. A closed set; each keeps the
// column's type and typmod, and NULL stays NULL under every one of them. What each yields, to the
// letter, stands in docs/reference/policies.md: the SQL expression (module `wall`) follows it.
// What types each takes, how strict it is and whether it is deterministic: mask_registry.hpp.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace bartizan::policy {

/// A keyed token: HMAC-SHA-256 of the value's text under the class's key, so equal values of one
/// class meet in joins and those of two classes do not. Text: 64 lower-case hexadecimal digits, cut
/// to varchar(n)'s n (at least 16); bytea: 32 bytes; uuid: the first 16 bytes as a version 8 UUID;
/// bigint: the first 8 bytes, big-endian, sign bit cleared.
struct HashMask {
  friend bool operator==(const HashMask&, const HashMask&) = default;
};

/// The greatest bound not above the value; NULL below the first. Bounds are decimal numbers in
/// canonical text (no exponent, no leading or trailing zeros), strictly ascending, 1 to 256.
struct BucketNumberMask {
  std::vector<std::string> bounds;
  friend bool operator==(const BucketNumberMask&, const BucketNumberMask&) = default;
};

enum class DateUnit : std::uint8_t { Minute, Hour, Day, Week, Month, Quarter, Year };
/// date_trunc's names: "minute" … "year".
[[nodiscard]] std::string_view to_string(DateUnit unit) noexcept;

/// The first moment of the unit that holds the value (date_trunc; timestamptz in UTC).
/// `bucket_date` and `date_precision` are two spellings of it.
struct BucketDateMask {
  DateUnit unit = DateUnit::Year;
  friend bool operator==(const BucketDateMask&, const BucketDateMask&) = default;
};

/// The replacement, whatever the value.
struct RedactMask {
  std::string replacement;
  friend bool operator==(const RedactMask&, const RedactMask&) = default;
};

/// The pattern with each '#' replaced by a decimal digit drawn from HMAC-SHA-256 of the value's
/// text under the class's key: the same value, the same digits. Other characters stand for themselves.
struct RandPatternMask {
  std::string pattern;
  friend bool operator==(const RandPatternMask&, const RandPatternMask&) = default;
};

/// regexp_replace(value, pattern, replacement, 'g') with PostgreSQL's advanced regular expressions
/// and its \1 … \9 and \& in the replacement. What does not match stays: the linter says so.
struct RegexReplaceMask {
  std::string pattern;
  std::string replacement;
  friend bool operator==(const RegexReplaceMask&, const RegexReplaceMask&) = default;
};

/// The value itself, said on purpose: what an exception to a mask is made of.
struct PassThroughMask {
  friend bool operator==(const PassThroughMask&, const PassThroughMask&) = default;
};

/// The first and last characters around `fill`, which is put once, so that the length is not told.
/// A value of first + last characters or fewer is `fill` alone.
struct PartialMask {
  std::uint16_t first = 0;
  std::uint16_t last = 0;
  std::string fill = "***";
  friend bool operator==(const PartialMask&, const PartialMask&) = default;
};

/// The first `first` characters of the local part, "***", and from the last '@' on if `keep_domain`,
/// else "@***". A local part of `first` characters or fewer shows none of them. A value without
/// '@' is "***".
struct EmailMask {
  std::uint16_t first = 0;
  bool keep_domain = true;
  friend bool operator==(const EmailMask&, const EmailMask&) = default;
};

/// NULL of the column's type.
struct NullMask {
  friend bool operator==(const NullMask&, const NullMask&) = default;
};

/// A literal of the column's type, as its input function reads it.
struct ConstantMask {
  std::string value;
  friend bool operator==(const ConstantMask&, const ConstantMask&) = default;
};

enum class JsonAction : std::uint8_t {
  Remove,  ///< the member (or array element) is not there
  Null,    ///< JSON null
  Redact,  ///< the string `replacement`
  Hash,    ///< a JSON string: HashMask's token of the member's text (of `#>> path`)
};
[[nodiscard]] std::string_view to_string(JsonAction action) noexcept;

/// A member inside a document: object keys from the top; "*" is every member of an object and
/// every element of an array. Where a step finds nothing, nothing is done.
struct JsonEdit {
  std::vector<std::string> path;  ///< 1 to 16 steps
  JsonAction action = JsonAction::Remove;
  std::string replacement;  ///< for Redact alone; else empty
  friend bool operator==(const JsonEdit&, const JsonEdit&) = default;
};

/// Edits applied one after the other to a jsonb value, 1 to 64 of them.
struct JsonPathMask {
  std::vector<JsonEdit> edits;
  friend bool operator==(const JsonPathMask&, const JsonPathMask&) = default;
};

using Mask = std::variant<HashMask, BucketNumberMask, BucketDateMask, RedactMask, RandPatternMask, RegexReplaceMask,
                          PassThroughMask, PartialMask, EmailMask, NullMask, ConstantMask, JsonPathMask>;

/// As in a manifest: "hash", "bucket_number", "bucket_date", "redact", "rand_pattern",
/// "regex_replace", "pass_through", "partial", "email", "null", "constant", "json_path".
[[nodiscard]] std::string_view mask_name(const Mask& mask) noexcept;

/// The mask with its arguments on one line, for explanations: `partial {first: 0, last: 4, fill: "***"}`.
[[nodiscard]] std::string describe(const Mask& mask);

}  // namespace bartizan::policy
