// Takes a log's records to one receiver, in order and at least once: a thread, a sink, and a cursor on disk that only
// moves past what the receiver has (docs/formats/audit-shipping.md). Never in the way of a statement: it reads what is
// published, and what a receiver does not take stays in the log.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "bartizan/auditlog/cursor_file.hpp"
#include "bartizan/base/clock.hpp"
#include "bartizan/shipping/follower.hpp"
#include "bartizan/shipping/sink.hpp"

namespace bartizan::shipping {

struct ShipperOptions {
  std::string name;  ///< of the sink: "syslog"
  LogPlace log;
  std::size_t batch_records = 500;
  std::size_t batch_bytes = 1024 * 1024;
  std::chrono::milliseconds poll{250};
  std::chrono::milliseconds first_pause{500};  ///< after a failure, doubled up to longest_pause
  std::chrono::milliseconds longest_pause{30'000};
};

/// Made, the sink is given its stopper, and then started. Figures from any thread.
class Shipper {
 public:
  using MakeSink = std::function<Result<std::unique_ptr<Sink>>(const Stopper&)>;

  struct Figures {
    bool connected = false;
    std::uint64_t delivered = 0;  ///< records, some perhaps twice
    std::uint64_t repeated = 0;   ///< of those, sent again after a connection broke
    std::uint64_t dropped = 0;    ///< rejected by the receiver, or no longer in the log
    std::uint64_t failures = 0;
    std::chrono::milliseconds lag{0};  ///< age of the oldest record that is published and not delivered
    std::string error;                 ///< of the newest attempt; empty when it worked
  };

  /// Reads the cursor: a damaged one, or another log's, is an error. Files and clock outlive it.
  [[nodiscard]] static Result<std::unique_ptr<Shipper>> start(ShipperOptions options, const MakeSink& make,
                                                              const Clock& clock = system_clock(),
                                                              auditlog::FileLayer& files = auditlog::system_files());
  ~Shipper();
  Shipper(const Shipper&) = delete;
  Shipper& operator=(const Shipper&) = delete;

  [[nodiscard]] const std::string& name() const noexcept { return options_.name; }
  [[nodiscard]] Figures figures() const;

 private:
  struct Unsettled {
    std::chrono::steady_clock::time_point at;
    Cursor through;
    std::uint64_t records = 0;
  };

  Shipper(ShipperOptions options, const Clock& clock, auditlog::FileLayer& files);
  void run();
  [[nodiscard]] Result<bool> step();
  [[nodiscard]] Result<void> settle();
  [[nodiscard]] Result<void> save();
  void go_back();
  void report(const Result<bool>& step);

  const ShipperOptions options_;
  const Clock& clock_;
  auditlog::CursorFile file_;
  Follower follower_;
  std::unique_ptr<Stopper> stopper_;
  std::unique_ptr<Sink> sink_;     // the thread's, from here on
  Cursor settled_;                 ///< what need never be sent again
  Cursor sent_;
  Cursor saved_;
  std::deque<Unsettled> unsettled_;
  std::chrono::steady_clock::time_point last_save_{};
  mutable std::mutex mutex_;
  Figures figures_;    // guarded by mutex_
  WallTime behind_{};  // guarded by mutex_; the oldest undelivered record's time, 0 when there is none
  std::thread thread_;
};

}  // namespace bartizan::shipping
