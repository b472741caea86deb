// Counts what the log lets through, in front of it and without its files: which tickets were given for which
// tree, and how they ended. Once an hour, and when it ends, each tree gets a record of its counts, against which
// bartizan-verify holds the records that are there (docs/formats/audit-log.md, "Counts").
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

#include "bartizan/audit/log.hpp"
#include "bartizan/auditlog/file_layer.hpp"
#include "bartizan/base/clock.hpp"
#include "bartizan/base/result.hpp"

namespace bartizan::auditlog {

class CountBook;

struct CountedLogOptions {
  std::string directory;  ///< of the log
  std::chrono::milliseconds every{std::chrono::hours(1)};      ///< by the clock on the wall: at each full hour
  std::chrono::milliseconds save_every{std::chrono::seconds(10)};
  std::chrono::milliseconds longest_wait{std::chrono::seconds(5)};  ///< for the log, at the end and to be durable
};

/// Thread-safe; a thread of its own tells and saves. The log, files and clock outlive it. Invariant: every intent
/// of the log goes through here, so that the tickets that were counted have no gaps. A count of tickets is told
/// only when all of them are counted and durable.
class CountedLog final : public audit::Log {
 public:
  /// next_ticket: what log.begin() gives next. What was counted before a restart goes on where nothing was
  /// missed, and is told at once where something was, along with what nobody has counted.
  [[nodiscard]] static std::unique_ptr<CountedLog> open(CountedLogOptions options, audit::Log& log,
                                                        std::uint64_t next_ticket, FileLayer& files = system_files(),
                                                        const Clock& clock = system_clock());
  /// Tells what is left, unless the log can't take it.
  ~CountedLog() override;
  CountedLog(const CountedLog&) = delete;
  CountedLog& operator=(const CountedLog&) = delete;

  [[nodiscard]] Result<audit::Ticket> begin(const audit::Intent& intent) override;
  void finish(audit::Ticket ticket, const audit::Outcome& outcome) override;
  [[nodiscard]] bool durable(audit::Ticket ticket) const noexcept override { return log_.durable(ticket); }
  [[nodiscard]] bool unwritable() const noexcept override { return log_.unwritable(); }
  [[nodiscard]] ObserverId on_durable(Observer observer) override { return log_.on_durable(std::move(observer)); }
  void remove(ObserverId id) override { log_.remove(id); }

  /// As at a full hour, now. For tests. DeadlineExceeded when it could not be told in time.
  [[nodiscard]] Result<void> tell_now(std::chrono::milliseconds longest);

  struct Figures {
    std::uint64_t told = 0;     ///< up to this ticket
    bool healthy = true;        ///< false while a count is due that the log does not take
  };
  [[nodiscard]] Figures figures() const;

 private:
  CountedLog(CountedLogOptions options, audit::Log& log, FileLayer& files, const Clock& clock);
  void resume(std::uint64_t next_ticket);
  void run();
  void finish_up();
  void step();
  [[nodiscard]] bool close();
  [[nodiscard]] Result<void> save();
  [[nodiscard]] Result<void> tell();
  [[nodiscard]] Result<audit::Ticket> record(std::string_view tenant, const std::string& what);
  [[nodiscard]] bool over() const;
  void report(const Result<void>& outcome);

  const CountedLogOptions options_;
  audit::Log& log_;
  FileLayer& files_;
  const Clock& clock_;

  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::condition_variable told_cv_;
  std::unique_ptr<CountBook> book_;  // guarded by mutex_
  bool due_ = false;            // guarded by mutex_; what is counted is to be told
  bool healthy_ = true;         // guarded by mutex_
  bool forced_ = false;         // guarded by mutex_
  bool stopping_ = false;       // guarded by mutex_
  std::uint64_t rounds_ = 0;    // guarded by mutex_; how often it was told
  SteadyTime closed_at_{};      // the thread's
  std::string lost_;            // the thread's: what nobody has counted, to be told first
  std::thread thread_;
};

}  // namespace bartizan::auditlog
