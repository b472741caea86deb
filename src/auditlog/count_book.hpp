// The counting behind CountedLog: tickets given and ended, by tree, in the stretch that runs, the one that was
// closed and is not complete yet, and what is counted and not told. No files, no clock, no thread.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "bartizan/audit/log.hpp"
#include "counts_file.hpp"

namespace bartizan::auditlog {

/// Not thread-safe. Tickets rise by one; they are noted in any order, each ends after it was noted, or never.
class CountBook {
 public:
  explicit CountBook(std::uint64_t next_ticket, std::int64_t from_s);
  /// Going on with what was counted before, up to a ticket that may be long past: those between are nobody's.
  /// REQUIRES: saved.told < next_ticket.
  CountBook(std::uint64_t next_ticket, const SavedCounts& saved);

  void note(std::uint64_t ticket, std::string_view tenant);
  void end(std::uint64_t ticket, audit::Status status);

  /// Closes the stretch that runs. REQUIRES: none is closing.
  void close();
  [[nodiscard]] bool closing() const noexcept { return cut_ != through_; }
  /// The newest ticket of the stretch that is closing, or of what is counted.
  [[nodiscard]] std::uint64_t cut() const noexcept { return cut_; }
  /// Every ticket of the stretch that is closing was noted.
  [[nodiscard]] bool complete() const noexcept { return closing_noted_ == cut_ - through_; }
  /// What was closing is counted. REQUIRES: complete().
  void join();

  [[nodiscard]] bool anything_new() const noexcept { return highest_ != cut_; }
  [[nodiscard]] std::uint64_t told() const noexcept { return told_; }
  [[nodiscard]] std::uint64_t through() const noexcept { return through_; }
  [[nodiscard]] std::int64_t from_s() const noexcept { return from_s_; }
  [[nodiscard]] SavedCounts saved() const;

  struct Told {
    std::string tenant;
    std::string members;  ///< of the record of counts
  };
  /// What the log is to be told: a count for each tree that has one, the system tree last.
  [[nodiscard]] std::vector<Told> to_tell(std::int64_t now_s);
  /// It was told. What is counted next begins now.
  void was_told(std::int64_t now_s);

 private:
  static constexpr std::size_t kSlots = 65536;
  static constexpr std::size_t kMostOpen = 1000;  ///< named in a record

  struct Tree {
    std::string tenant;
    Tally running;
    Tally closing;
    Tally counted;
    bool had_open = false;  ///< when it was told last
  };
  struct Slot {
    std::uint64_t ticket = 0;  ///< 0: free
    std::uint32_t tree = 0;
  };
  struct TextHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const noexcept { return std::hash<std::string_view>()(text); }
  };
  [[nodiscard]] std::uint32_t tree_of(std::string_view tenant);
  [[nodiscard]] Tally* tally_of(Tree& tree, std::uint64_t ticket);
  [[nodiscard]] std::vector<std::vector<std::uint64_t>> open_tickets() const;

  std::vector<Tree> trees_;  ///< the system tree first
  std::unordered_map<std::string, std::uint32_t, TextHash, std::equal_to<>> numbers_;  ///< by tenant
  std::vector<Slot> slots_;                                  ///< open tickets, by their last bits
  std::unordered_map<std::uint64_t, std::uint32_t> long_;    ///< those whose slot a newer one has taken
  std::uint64_t highest_;        ///< ticket noted
  std::uint64_t cut_;            ///< closed up to this ticket
  std::uint64_t through_;        ///< counted up to this ticket
  std::uint64_t told_;           ///< told up to this ticket
  std::uint64_t resumed_at_;     ///< this one and those before it were given before the start
  std::uint64_t running_noted_ = 0;
  std::uint64_t closing_noted_ = 0;
  std::int64_t from_s_;
};

/// The members that say what a count says, for a stretch of which nobody has counted.
[[nodiscard]] std::string lost_counts(std::uint64_t first, std::uint64_t last, std::int64_t from_s, std::int64_t to_s);
/// Likewise, for tickets that were counted and that the log no longer has.
[[nodiscard]] std::string gone_counts(std::uint64_t first, std::uint64_t last, std::int64_t from_s, std::int64_t to_s);

}  // namespace bartizan::auditlog
