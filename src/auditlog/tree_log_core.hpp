// What stands behind TreeLog: the two buffers that intents and outcomes gather in, the writer's
// thread that makes one of them durable while the other fills, and the parts it drives.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "bartizan/auditlog/tree_log.hpp"
#include "integrator.hpp"
#include "journal.hpp"
#include "journal_format.hpp"
#include "recovery.hpp"

namespace bartizan::auditlog {

class TreeLog::Core {
 public:
  [[nodiscard]] static Result<std::unique_ptr<Core>> open(TreeLogOptions options, LogKeys keys, FileLayer& files,
                                                          const Clock& clock);
  ~Core();
  Core(const Core&) = delete;
  Core& operator=(const Core&) = delete;

  [[nodiscard]] Result<audit::Ticket> begin(const audit::Intent& intent);
  void finish(audit::Ticket ticket, const audit::Outcome& outcome);
  [[nodiscard]] const std::atomic<std::uint64_t>& durable_through() const noexcept { return durable_through_; }
  [[nodiscard]] const std::atomic<bool>& failing() const noexcept { return failing_; }
  [[nodiscard]] const std::atomic<bool>& unwaited() const noexcept { return unwaited_; }
  void go_on_unwritten(bool on);
  void rotate(LogKeys keys) { integrator_->rotate(std::move(keys)); }
  [[nodiscard]] ObserverId on_durable(Observer observer);
  void remove(ObserverId id);
  [[nodiscard]] Figures figures() const;
  [[nodiscard]] Result<void> publish_now(std::chrono::milliseconds longest);
  [[nodiscard]] const audit::NoteVerifier& verifier() const noexcept { return verifier_; }

 private:
  Core(TreeLogOptions options, const LogKeys& keys, FileLayer& files, const Clock& clock);
  [[nodiscard]] Result<State> load_state();
  [[nodiscard]] Result<void> recover(LogKeys keys);
  void finish_orphans(const Recovered& recovered);
  void run();
  [[nodiscard]] bool gather(std::uint64_t& through);
  [[nodiscard]] bool write(ByteView group);
  void notify(std::uint64_t through);
  void wake_observers();
  [[nodiscard]] bool too_slow() const;

  const TreeLogOptions options_;
  const audit::NoteVerifier verifier_;
  FileLayer& files_;
  const Clock& clock_;
  std::unique_ptr<FileLayer::Lock> lock_file_;
  Segments segments_;
  std::unique_ptr<Journal> journal_;  // the writer thread's, after open()
  std::unique_ptr<Integrator> integrator_;
  std::uint64_t log_id_ = 0;

  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::condition_variable written_;
  GroupBuffer waiting_;               // guarded by mutex_
  std::uint64_t next_ticket_ = 1;     // guarded by mutex_
  std::uint64_t next_sequence_ = 1;   // guarded by mutex_; of the group that now gathers
  std::uint64_t under_way_ = 0;       // guarded by mutex_; of the newest 64 tickets, those without an outcome
  SteadyTime last_flush_{};           // the writer thread's
  bool writer_idle_ = false;          // guarded by mutex_
  bool urgent_ = false;               // guarded by mutex_; outcomes don't wait for company
  bool stopping_ = false;             // guarded by mutex_
  bool healthy_ = true;               // guarded by mutex_
  bool go_on_unwritten_ = false;      // guarded by mutex_
  Figures figures_;                   // guarded by mutex_

  GroupBuffer writing_;               // the writer thread's
  std::atomic<std::uint64_t> durable_through_{0};
  std::atomic<bool> failing_{false};  ///< !healthy_, for those who don't hold the mutex
  std::atomic<bool> unwaited_{false};  ///< go_on_unwritten_, and the log can't be written
  std::atomic<std::int64_t> flush_started_{0};  ///< steady nanoseconds, 0 when none is under way

  std::mutex observers_mutex_;
  std::map<std::uint64_t, Observer> observers_;  // guarded by observers_mutex_
  std::uint64_t next_observer_ = 1;              // likewise
  std::thread writer_;
};

}  // namespace bartizan::auditlog
