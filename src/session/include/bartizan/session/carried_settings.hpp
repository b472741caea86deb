// Settings that no server reports and that drivers set when they connect (extra_float_digits,
// client_min_messages …). A session brings them along, as it does those that are reported; their
// values are asked from the server after the transaction that set them, so that no rollback and no
// way of writing a value is missed. What is not on this list pins.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace bartizan::session {

/// Values by name; absent: never set, the server's default. Not thread-safe.
class CarriedSettings {
 public:
  using Mask = std::uint32_t;  ///< a bit a name

  /// 0: not one of them. In lower case.
  [[nodiscard]] static Mask bit_of(std::string_view name) noexcept;
  /// Those that have a value.
  [[nodiscard]] Mask set() const noexcept;
  /// `SELECT current_setting('a'),current_setting('b')`, in the order of put_row().
  [[nodiscard]] static std::string question(Mask asked);
  /// The answer's i-th column. False: not to be carried, since it would act on what the gateway itself sends.
  bool put(Mask asked, std::size_t column, std::string_view value);
  /// Appends the commands that make a server that has `there` have these, each behind a semicolon
  /// but the first of an empty text.
  void append_commands_from(const CarriedSettings& there, std::string& out) const;

  friend bool operator==(const CarriedSettings&, const CarriedSettings&) = default;

 private:
  static constexpr std::size_t kCount = 9;
  std::array<std::optional<std::string>, kCount> values_;
};

}  // namespace bartizan::session
