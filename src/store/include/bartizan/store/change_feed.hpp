// Keeps a SnapshotHolder up to date: a thread with a connection of its own LISTENs for changes
// and looks at the last seq each second besides, since a notice can be lost with a connection.
// On a change it reads a fresh Snapshot and publishes it; on none it confirms the present one.
// The database away: it tries again with a growing pause, and staleness grows until then.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>

#include "bartizan/base/clock.hpp"
#include "bartizan/base/result.hpp"
#include "bartizan/policy/snapshot.hpp"
#include "bartizan/store/database.hpp"

namespace bartizan::store {

struct ChangeFeedOptions {
  std::chrono::milliseconds poll_interval{1000};
  std::chrono::milliseconds backoff_first{100};
  std::chrono::milliseconds backoff_most{5000};
};

/// Figures for metrics and doctor.
struct ChangeFeedFigures {
  bool connected = false;
  std::uint64_t snapshots = 0;   ///< published so far
  std::uint64_t failures = 0;    ///< connections lost or not made, snapshots not read
  std::int64_t epoch = 0;        ///< of the last one published
};

/// Owns its thread, which the destructor ends and joins within milliseconds. Database, holder and
/// clock must outlive it.
class ChangeFeed {
 public:
  /// Reads the first Snapshot on the caller's thread, so that a gateway starts with one or not
  /// at all; then starts the thread.
  [[nodiscard]] static Result<std::unique_ptr<ChangeFeed>> start(Database& database, policy::SnapshotHolder& holder,
                                                                 const Clock& clock, ChangeFeedOptions options);
  ChangeFeed(const ChangeFeed&) = delete;
  ChangeFeed& operator=(const ChangeFeed&) = delete;
  ~ChangeFeed();

  [[nodiscard]] ChangeFeedFigures figures() const;
  /// Has the thread look now rather than at its next second. Any thread.
  void look_now() noexcept;

 private:
  class Loop;
  explicit ChangeFeed(std::unique_ptr<Loop> loop);
  std::unique_ptr<Loop> loop_;
};

}  // namespace bartizan::store
