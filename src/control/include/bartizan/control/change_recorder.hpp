// Configuration changes as records of the audit log: each row of the control database's change log becomes one
// config_change event, with what it was and what it is, and one that gives or takes a privilege or a role a grant
// event, too. It follows with a cursor of its own, so that a change made while this gateway was away, or by another
// program, is recorded as well: at least once.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "bartizan/audit/log.hpp"
#include "bartizan/auditlog/cursor_file.hpp"
#include "bartizan/base/clock.hpp"
#include "bartizan/store/changes.hpp"
#include "bartizan/store/database.hpp"

namespace bartizan::control {

/// Owns its thread. Database, log and clock outlive it.
class ChangeRecorder {
 public:
  ChangeRecorder(store::Database& database, audit::Log& log, const Clock& clock, auditlog::CursorFile cursor);
  ~ChangeRecorder();
  ChangeRecorder(const ChangeRecorder&) = delete;
  ChangeRecorder& operator=(const ChangeRecorder&) = delete;

  /// A change was made just now. Any thread.
  void look_now() noexcept;

 private:
  void run();
  Result<void> catch_up();
  Result<audit::Ticket> record(const store::Change& change, const std::optional<std::string>& grant);

  store::Database& database_;
  audit::Log& log_;
  const Clock& clock_;
  auditlog::CursorFile cursor_;  // the thread's
  std::int64_t recorded_ = -1;   // likewise; -1: not read yet
  std::mutex mutex_;
  std::condition_variable wake_;
  bool look_ = true;       // guarded by mutex_
  bool stopping_ = false;  // guarded by mutex_
  std::thread thread_;
};

/// The JSON members of a change's record: of an update, only what differs. Pure.
[[nodiscard]] std::string change_members(const store::Change& change);

}  // namespace bartizan::control
