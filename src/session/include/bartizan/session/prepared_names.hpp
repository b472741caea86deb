// Which statement stands behind a prepared statement's or a portal's name, at any place of the
// client's stream. A definition (Parse, Bind) counts from the server's answer on, since one that
// fails or is skipped leaves the old meaning in force. Before the answer it may be relied on only
// in its own segment, the messages between two Syncs: there its failure makes the server skip its
// use too. Behind the Sync there is no telling, and whoever asks has to wait.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "bartizan/session/prepared.hpp"

namespace bartizan::session {

/// One session's statements, or its portals. Bounded: a new name beyond kMaxNames stays unknown.
class PreparedNames {
 public:
  static constexpr std::size_t kMaxNames = 65536;
  /// PostgreSQL cuts names to 63 bytes, so that several long ones are one to it: those stay unknown.
  static constexpr std::size_t kMaxNameBytes = 62;

  /// A definition has been sent, in this segment; each needs one settle().
  void announce(std::string_view name, const Prepared& statement, std::uint64_t segment);
  /// The oldest announced definition of the name has succeeded, failed or been skipped.
  void settle(std::string_view name);
  /// What the name means to a message of this segment that is sent now. A Prepared without
  /// analysis: made by SQL's PREPARE or DECLARE, or not at all. nullopt: not known before an
  /// earlier segment's definition is settled.
  [[nodiscard]] std::optional<Prepared> find(std::string_view name, std::uint64_t segment) const;

  /// The server has confirmed the definition.
  void put(std::string_view name, Prepared statement);
  void erase(std::string_view name);
  /// What the server has confirmed last, or null.
  [[nodiscard]] const Prepared* confirmed(std::string_view name) const {
    const auto found = named_.find(name);
    return found == named_.end() ? nullptr : &found->second;
  }
  [[nodiscard]] bool full() const noexcept { return named_.size() + announced_.size() >= kMaxNames; }
  /// No definition of a name other than the unnamed one awaits its answer.
  [[nodiscard]] bool settled() const noexcept { return announced_.empty(); }
  template <class Holds>
  [[nodiscard]] bool any_of_named(Holds holds) const {
    return std::any_of(named_.begin(), named_.end(), [&](const auto& entry) { return holds(entry.second); });
  }
  template <class Visit>
  void for_each_named(Visit visit) {
    for (auto& [name, statement] : named_) visit(name, statement);
  }
  /// Names other than the unnamed.
  void clear_named() { named_.clear(); }

 private:
  struct Announced {
    Prepared newest;
    std::uint64_t segment = 0;
    std::size_t count = 0;
  };
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const noexcept { return std::hash<std::string_view>{}(text); }
  };
  template <class T>
  using ByName = std::unordered_map<std::string, T, Hash, std::equal_to<>>;

  Prepared unnamed_;
  Announced unnamed_announced_;
  ByName<Prepared> named_;
  ByName<Announced> announced_;
};

}  // namespace bartizan::session
