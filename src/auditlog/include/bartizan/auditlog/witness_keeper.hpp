// Has a witness cosign the log's system tree on a schedule, keeps what it signed, and tells when the
// witness knows another log or more of it than stands here (docs/formats/audit-witness.md).
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>

#include "bartizan/audit/checkpoint.hpp"
#include "bartizan/auditlog/file_layer.hpp"
#include "bartizan/base/clock.hpp"

namespace bartizan::auditlog {

struct WitnessReply {
  unsigned status = 0;
  std::string body;
};

/// The way to a witness. One thread.
class WitnessChannel {
 public:
  virtual ~WitnessChannel() = default;
  /// Unavailable, DeadlineExceeded, Malformed.
  [[nodiscard]] virtual Result<WitnessReply> add_checkpoint(std::string_view request) = 0;
  /// Tells it of a key that the log's key has introduced. One that has no such call goes by the keys it is given.
  [[nodiscard]] virtual Result<WitnessReply> add_key(std::string_view) { return WitnessReply{404, {}}; }
};

/// Plain HTTP: what goes over it is signed on both sides, and no secret. url: "http://host[:port][/prefix]".
/// InvalidArgument for another one.
[[nodiscard]] Result<std::unique_ptr<WitnessChannel>> http_witness(std::string_view url);

struct WitnessOptions {
  std::string directory;  ///< of the log
  std::string origin;
  std::chrono::milliseconds every{60'000};
  std::chrono::milliseconds retry_every{5'000};  ///< while it does not answer
  /// With the newest checkpoint that it cosigned, beside the tree's own: each witness its own.
  std::string file = "checkpoint.cosigned";
};

/// Thread-safe. Ends its thread when it ends.
class WitnessKeeper {
 public:
  struct Figures {
    std::string name;
    std::optional<WallTime> cosigned_at;  ///< by the witness's own clock
    std::uint64_t size = 0;               ///< of the system tree that it cosigned
    std::string alarm;                    ///< what the witness says against this log; empty when nothing
    std::string error;                    ///< why there is no newer cosignature; empty when there is
  };

  /// log: the log's key. It outlives the keeper, as do files and clock.
  [[nodiscard]] static std::unique_ptr<WitnessKeeper> start(WitnessOptions options, const audit::NoteVerifier& log,
                                                            audit::NoteVerifier witness,
                                                            std::unique_ptr<WitnessChannel> channel, FileLayer& files,
                                                            const Clock& clock);
  ~WitnessKeeper();
  WitnessKeeper(const WitnessKeeper&) = delete;
  WitnessKeeper& operator=(const WitnessKeeper&) = delete;

  [[nodiscard]] Figures figures() const;

 private:
  WitnessKeeper(WitnessOptions options, const audit::NoteVerifier& log, audit::NoteVerifier witness,
                std::unique_ptr<WitnessChannel> channel, FileLayer& files, const Clock& clock);
  void load();
  void run();
  /// False when it has to be tried again soon.
  [[nodiscard]] bool ask();
  void tell_keys();
  [[nodiscard]] Result<void> take(const audit::Checkpoint& checkpoint, const std::string& note,
                                  std::string_view cosignature);
  void alarm(std::string what);
  void failed(std::string why);
  [[nodiscard]] std::string folder() const;

  const WitnessOptions options_;
  const audit::NoteVerifier log_;  ///< under the system tree's origin
  const audit::NoteVerifier witness_;
  const std::unique_ptr<WitnessChannel> channel_;
  FileLayer& files_;
  const Clock& clock_;
  std::size_t keys_told_ = 0;  ///< the thread's

  mutable std::mutex mutex_;
  std::condition_variable wake_;
  Figures figures_;        // guarded by mutex_
  bool stopping_ = false;  // guarded by mutex_
  std::thread thread_;
};

}  // namespace bartizan::auditlog
