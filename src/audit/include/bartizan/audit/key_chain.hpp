// How a log's keys follow one another: each new one is introduced by a note that the key before it and it
// itself have signed, so that whoever trusts one of them can reach all (docs/formats/audit-log.md, "Keys"). Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "bartizan/audit/note.hpp"
#include "bartizan/base/clock.hpp"
#include "bartizan/base/result.hpp"

namespace bartizan::audit {

inline constexpr std::uint64_t kFirstIntroduced = 2;  ///< the number of the second key

struct KeyIntroduction {
  std::uint64_t number = 0;
  NoteVerifier before;  ///< under the log's origin, as is the next one
  NoteVerifier after;
  WallTime at{};
  WallTime until{};  ///< up to then the key before signs as well
};

/// The signed note. REQUIRES: both are Ed25519 keys under the log's origin.
[[nodiscard]] std::string introduce_key(std::uint64_t number, const NoteSigner& before, const NoteSigner& after,
                                        WallTime at, WallTime until);
/// Crypto unless it is such a note of that log, signed by both keys that it names.
[[nodiscard]] Result<KeyIntroduction> open_introduction(std::string_view note, const std::string& origin);

/// A value: the introductions of one log in their order.
class KeyChain {
 public:
  /// Crypto when one of the notes is none, or does not go on where the one before it ends.
  [[nodiscard]] static Result<KeyChain> read(const std::vector<std::string>& notes, const std::string& origin);
  [[nodiscard]] bool empty() const noexcept { return introductions_.empty(); }
  [[nodiscard]] const KeyIntroduction& last() const noexcept { return introductions_.back(); }
  /// All of them, the oldest first, under the log's origin.
  [[nodiscard]] std::vector<NoteVerifier> keys() const;
  /// Whether it is one of them, whatever its name.
  [[nodiscard]] bool holds(const NoteVerifier& key) const;

 private:
  std::vector<KeyIntroduction> introductions_;
};

}  // namespace bartizan::audit
