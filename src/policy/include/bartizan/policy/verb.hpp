// What may be done with the rows of a table. The verbs of PostgreSQL's GRANT that the wall knows;
// TRUNCATE, REFERENCES and TRIGGER are nobody's behind it.
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <string_view>

namespace bartizan::policy {

enum class Verb : std::uint8_t { Read, Insert, Update, Delete };

inline constexpr std::array kAllVerbs{Verb::Read, Verb::Insert, Verb::Update, Verb::Delete};

/// "read", "insert", "update", "delete".
[[nodiscard]] std::string_view to_string(Verb verb) noexcept;

/// A set of verbs, a plain value.
class VerbSet {
 public:
  constexpr VerbSet() = default;
  constexpr VerbSet(std::initializer_list<Verb> verbs) {
    for (const Verb verb : verbs) insert(verb);
  }
  [[nodiscard]] constexpr bool contains(Verb verb) const noexcept { return (bits_ & bit(verb)) != 0; }
  [[nodiscard]] constexpr bool empty() const noexcept { return bits_ == 0; }
  constexpr void insert(Verb verb) noexcept { bits_ = static_cast<std::uint8_t>(bits_ | bit(verb)); }
  constexpr void erase(Verb verb) noexcept { bits_ = static_cast<std::uint8_t>(bits_ & ~bit(verb)); }
  /// Bit 0 read, 1 insert, 2 update, 3 delete: part of the canonical serialisation.
  [[nodiscard]] constexpr std::uint8_t bits() const noexcept { return bits_; }

  friend constexpr VerbSet operator|(VerbSet a, VerbSet b) noexcept {
    return from_bits(static_cast<std::uint8_t>(a.bits_ | b.bits_));
  }
  friend constexpr VerbSet operator&(VerbSet a, VerbSet b) noexcept {
    return from_bits(static_cast<std::uint8_t>(a.bits_ & b.bits_));
  }
  /// Those of a that are not in b.
  friend constexpr VerbSet operator-(VerbSet a, VerbSet b) noexcept {
    return from_bits(static_cast<std::uint8_t>(a.bits_ & ~b.bits_));
  }
  friend constexpr bool operator==(VerbSet, VerbSet) noexcept = default;

 private:
  static constexpr std::uint8_t bit(Verb verb) noexcept {
    return static_cast<std::uint8_t>(1u << static_cast<unsigned>(verb));
  }
  static constexpr VerbSet from_bits(std::uint8_t bits) noexcept {
    VerbSet set;
    set.bits_ = bits;
    return set;
  }
  std::uint8_t bits_ = 0;
};

}  // namespace bartizan::policy
