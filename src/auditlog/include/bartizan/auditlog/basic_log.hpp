// `audit: basic`: a plain file of JSON lines behind audit::Log, written in groups by a thread
// of its own. It records and refuses when it can't; it does not prove (docs/formats/audit-basic.md).
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "bartizan/audit/log.hpp"
#include "bartizan/base/result.hpp"

namespace bartizan::auditlog {

struct BasicLogOptions {
  std::filesystem::path directory;
  std::chrono::milliseconds flush{10};                  ///< longest wait before a group is made durable
  std::uint64_t max_file_bytes = 256ull * 1024 * 1024;  ///< then a new file is begun
  std::size_t max_waiting_bytes = 32ull * 1024 * 1024;  ///< over that, begin() refuses
};

/// Thread-safe. Invariants: a ticket is durable only after fdatasync of its line; after a failed
/// write begin() refuses until a later write succeeds; a line is never written in part for good.
class BasicLog final : public audit::Log {
 public:
  [[nodiscard]] static Result<std::unique_ptr<BasicLog>> open(BasicLogOptions options);
  ~BasicLog() override;
  BasicLog(const BasicLog&) = delete;
  BasicLog& operator=(const BasicLog&) = delete;

  [[nodiscard]] Result<audit::Ticket> begin(const audit::Intent& intent) override;
  void finish(audit::Ticket ticket, const audit::Outcome& outcome) override;
  [[nodiscard]] bool durable(audit::Ticket ticket) const noexcept override {
    return ticket.get() <= durable_through_.load(std::memory_order_acquire);
  }

  struct Figures {
    std::uint64_t records = 0;
    std::uint64_t bytes = 0;
    std::uint64_t flushes = 0;
    std::uint64_t refused = 0;
    bool healthy = true;
  };
  [[nodiscard]] Figures figures() const;

 private:
  explicit BasicLog(BasicLogOptions options);
  [[nodiscard]] Result<void> open_file();
  [[nodiscard]] bool write_group(const std::string& group);
  void run();

  const BasicLogOptions options_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::string waiting_;                 // guarded by mutex_
  std::uint64_t next_ticket_ = 1;       // guarded by mutex_
  bool stopping_ = false;               // guarded by mutex_
  bool healthy_ = true;                 // guarded by mutex_
  Figures figures_;                     // guarded by mutex_
  std::atomic<std::uint64_t> durable_through_{0};
  int file_ = -1;                       // the writer thread's alone, after open()
  std::uint64_t file_bytes_ = 0;        // likewise
  unsigned file_number_ = 0;            // likewise
  std::thread writer_;
};

}  // namespace bartizan::auditlog
