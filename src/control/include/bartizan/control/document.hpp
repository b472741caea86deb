// JSON as a value (RFC 8259), for what the admin socket carries: bounded parsing, ordered
// members. Boost.JSON stays behind the .cpp file.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "bartizan/base/clock.hpp"
#include "bartizan/base/result.hpp"

namespace bartizan::control {

class Document;
using Items = std::vector<Document>;
using Members = std::vector<std::pair<std::string, Document>>;

/// A JSON value. Plain value semantics; no thread affinity.
class Document {
 public:
  using Value = std::variant<std::nullptr_t, bool, std::int64_t, double, std::string, Items, Members>;

  Document() = default;
  Document(std::nullptr_t) {}                                              // NOLINT(google-explicit-constructor)
  Document(bool value) : value_(value) {}                                  // NOLINT(google-explicit-constructor)
  Document(std::int64_t value) : value_(value) {}                          // NOLINT(google-explicit-constructor)
  Document(int value) : value_(std::int64_t{value}) {}                     // NOLINT(google-explicit-constructor)
  Document(double value) : value_(value) {}                                // NOLINT(google-explicit-constructor)
  Document(std::string value) : value_(std::move(value)) {}                // NOLINT(google-explicit-constructor)
  Document(std::string_view value) : value_(std::string(value)) {}         // NOLINT(google-explicit-constructor)
  Document(const char* value) : value_(std::string(value)) {}              // NOLINT(google-explicit-constructor)
  Document(Items value);                                                   // NOLINT(google-explicit-constructor)
  Document(Members value);                                                 // NOLINT(google-explicit-constructor)

  /// 32 levels; a member's name twice is an error; numbers that do not fit int64 are doubles.
  /// Malformed names no part of the text, which may hold a secret.
  [[nodiscard]] static Result<Document> parse(std::string_view text);
  /// On one line.
  [[nodiscard]] std::string to_json() const;

  [[nodiscard]] const Value& value() const noexcept { return value_; }
  [[nodiscard]] Value& value() noexcept { return value_; }
  template <class T>
  [[nodiscard]] const T* as() const noexcept {
    return std::get_if<T>(&value_);
  }
  /// The member of an object; nullptr if there is none or this is no object.
  [[nodiscard]] const Document* find(std::string_view name) const noexcept;

 private:
  Value value_;
};

/// RFC 3339 in UTC: "2099-01-31T12:00:00Z", with a fraction when there is one.
[[nodiscard]] std::string format_time(WallTime time);
/// That form alone, up to microseconds, years 1970 to 9999. InvalidArgument otherwise.
[[nodiscard]] Result<WallTime> parse_time(std::string_view text);
[[nodiscard]] Document time_or_null(const std::optional<WallTime>& time);

}  // namespace bartizan::control
