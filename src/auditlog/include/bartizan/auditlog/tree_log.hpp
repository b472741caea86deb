// The provable audit log behind audit::Log (docs/formats/audit-log.md). Intents and outcomes go into
// a journal, synced in groups; an integrator makes each finished pair one leaf of its tenant's
// Merkle tree, writes tiles and signs checkpoints.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "bartizan/audit/log.hpp"
#include "bartizan/audit/note.hpp"
#include "bartizan/auditlog/file_layer.hpp"
#include "bartizan/base/clock.hpp"
#include "bartizan/base/result.hpp"

namespace bartizan::auditlog {

struct LogKeys;

struct TreeLogOptions {
  std::string directory;
  std::string origin;  ///< name of the log, without spaces or '+': "bartizan.example.com/prod"
  std::chrono::milliseconds checkpoint_every{1000};
  /// The next flush begins no sooner after the last one began than this for each statement under way beside
  /// the first, and not later for it than the longest.
  std::chrono::microseconds distance_per_statement{25};
  std::chrono::microseconds longest_distance{1000};
  /// So many intents that wait don't wait for more company.
  std::size_t full_group = 64;
  /// Outcomes wait for the next group, at most so long.
  std::chrono::milliseconds outcome_delay{20};
  /// While a flush takes longer than this, begin() refuses.
  std::chrono::milliseconds slow_flush{2000};
  std::chrono::milliseconds retry_every{200};
  std::uint64_t segment_bytes = 64ull * 1024 * 1024;
  std::size_t max_waiting_bytes = 32ull * 1024 * 1024;  ///< over that, begin() refuses
  std::size_t max_unwritten_bytes = 96ull * 1024 * 1024;  ///< the same under break-glass; one group must hold it
  std::uint64_t free_floor_bytes = 256ull * 1024 * 1024;  ///< no new segment below that
};

/// Thread-safe. Invariants: a ticket is durable only after a successful sync of the group that holds
/// it; after a failed write begin() refuses until a later one succeeded; a checkpoint is published
/// only after everything below it is durable. Tickets rise through the log's whole life.
class TreeLog final : public audit::Log {
 public:
  /// Recovers first: a torn group at the journal's end is dropped, intents without an outcome become
  /// Unknown. Malformed when the journal or a tree is damaged elsewhere; the detail names the place.
  /// signer's name is replaced by each tree's origin. files and clock outlive the log.
  [[nodiscard]] static Result<std::unique_ptr<TreeLog>> open(TreeLogOptions options, const audit::NoteSigner& signer,
                                                             FileLayer& files = system_files(),
                                                             const Clock& clock = system_clock());
  /// Likewise, of a log whose key was rotated.
  [[nodiscard]] static Result<std::unique_ptr<TreeLog>> open(TreeLogOptions options, LogKeys keys,
                                                             FileLayer& files = system_files(),
                                                             const Clock& clock = system_clock());
  /// Flushes what waits, integrates it and publishes, unless the disk refuses.
  ~TreeLog() override;
  TreeLog(const TreeLog&) = delete;
  TreeLog& operator=(const TreeLog&) = delete;

  [[nodiscard]] Result<audit::Ticket> begin(const audit::Intent& intent) override;
  void finish(audit::Ticket ticket, const audit::Outcome& outcome) override;
  [[nodiscard]] bool durable(audit::Ticket ticket) const noexcept override {
    return ticket.get() <= durable_through_->load(std::memory_order_acquire) ||
           unwaited_->load(std::memory_order_relaxed);
  }
  [[nodiscard]] audit::Ticket durable_through() const noexcept {
    return audit::Ticket(durable_through_->load(std::memory_order_acquire));
  }

  /// A slow disk is not a failing one: begin() alone refuses then.
  [[nodiscard]] bool unwritable() const noexcept override {
    return failing_->load(std::memory_order_relaxed) && !unwaited_->load(std::memory_order_relaxed);
  }
  /// Break-glass alone calls it. While on, and the log can't be written or its disk stalls: begin() takes
  /// intents up to max_unwritten_bytes into memory, and durable() says yes of all. They are written, in their
  /// order, once that works again; what is still in memory when the process ends is lost.
  void go_on_unwritten(bool on);
  /// The writer's thread calls them.
  [[nodiscard]] ObserverId on_durable(Observer observer) override;
  void remove(ObserverId id) override;

  struct Figures {
    std::uint64_t intents = 0;
    std::uint64_t outcomes = 0;
    std::uint64_t refused = 0;         ///< begin() that failed
    std::uint64_t flushes = 0;
    std::uint64_t journal_bytes = 0;   ///< written since the start
    std::uint64_t leaves = 0;          ///< integrated since the start, checkpoints of tenants included
    std::uint64_t published = 0;       ///< leaves below the newest checkpoints, since the start
    std::uint64_t trees = 0;
    std::uint64_t backlog_bytes = 0;   ///< durable in the journal, not yet in a published tree
    std::uint64_t recovered_unknown = 0;
    std::uint64_t next_ticket = 0;     ///< of the intent that begin() takes next
    std::chrono::microseconds last_flush{};
    bool healthy = true;               ///< begin() would not refuse for the disk's sake
    bool publishing = true;            ///< the newest round of tiles and checkpoints succeeded
  };
  [[nodiscard]] Figures figures() const;

  /// Waits until all that is finished now stands below a published checkpoint. For tests, exports and
  /// shutdown. DeadlineExceeded otherwise.
  [[nodiscard]] Result<void> publish_now(std::chrono::milliseconds longest);

  /// Signs with these from the next round on, and every tree's checkpoint again. Whoever reads with verifier()
  /// goes on as long as its key signs along.
  void rotate(LogKeys keys);

  /// The public key by which every tree's checkpoint verifies, under that tree's origin.
  [[nodiscard]] const audit::NoteVerifier& verifier() const noexcept;

 private:
  class Core;
  explicit TreeLog(std::unique_ptr<Core> core);
  std::unique_ptr<Core> core_;
  const std::atomic<std::uint64_t>* durable_through_;  ///< the core's
  const std::atomic<bool>* failing_;                   ///< likewise
  const std::atomic<bool>* unwaited_;                  ///< likewise
};

}  // namespace bartizan::auditlog
