#include "bartizan/store/change_feed.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <mutex>
#include <thread>

#include "bartizan/base/log.hpp"
#include "bartizan/store/changes.hpp"
#include "bartizan/store/snapshot_reader.hpp"
#include "connection.hpp"

namespace bartizan::store {
namespace {

class EventFd {
 public:
  EventFd() : fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) { BZ_ASSERT(fd_ >= 0); }
  EventFd(const EventFd&) = delete;
  EventFd& operator=(const EventFd&) = delete;
  ~EventFd() { ::close(fd_); }
  [[nodiscard]] int get() const noexcept { return fd_; }
  void set() noexcept { [[maybe_unused]] const auto done = ::eventfd_write(fd_, 1); }

 private:
  int fd_;
};

}  // namespace

/// The thread's state. connection_ and pause_ are the thread's alone.
class ChangeFeed::Loop {
 public:
  Loop(Database& database, policy::SnapshotHolder& holder, const Clock& clock, ChangeFeedOptions options)
      : database_(database), holder_(holder), clock_(clock), options_(options), pause_(options.backoff_first) {}
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;
  ~Loop() {
    stopping_.set();
    if (thread_.joinable()) thread_.join();
  }

  Result<void> first() {
    BZ_CHECK(listen());
    return refresh();
  }
  void start() {
    thread_ = std::thread([this] { run(); });
  }
  void look_now() noexcept { wake_.set(); }
  ChangeFeedFigures figures() const {
    const std::lock_guard lock(mutex_);
    return figures_;
  }

 private:
  void run();
  Result<void> listen();
  Result<void> look();
  Result<void> refresh();
  void failed(const Error& error);
  /// True: the loop is to end.
  bool stopped_within(std::chrono::milliseconds time) const;
  policy::SnapshotHolder::Confirmation now() const { return {clock_.wall(), clock_.steady()}; }

  Database& database_;
  policy::SnapshotHolder& holder_;
  const Clock& clock_;
  const ChangeFeedOptions options_;
  std::unique_ptr<Connection> connection_;
  std::chrono::milliseconds pause_;
  EventFd stopping_;  ///< set once, never cleared: ends every wait
  EventFd wake_;
  mutable std::mutex mutex_;
  ChangeFeedFigures figures_;
  std::thread thread_;
};

Result<void> ChangeFeed::Loop::listen() {
  BZ_TRY(connection_, Connection::connect(database_.options(), stopping_.get()));
  BZ_CHECK(connection_->run("LISTEN bartizan_changes"));
  const std::lock_guard lock(mutex_);
  figures_.connected = true;
  return {};
}

/// Has the database something newer than what is published? The time of asking, not of the
/// answer, is what is confirmed.
Result<void> ChangeFeed::Loop::look() {
  const auto asked = now();
  BZ_TRY(const Rows rows, connection_->query("SELECT coalesce(max(seq), 0) FROM bartizan.changes", {}));
  const auto last = rows.empty() ? std::string_view() : rows.at(0, 0).value_or("");
  if (last != std::to_string(figures().epoch)) return refresh();
  holder_.confirm(asked);
  return {};
}

Result<void> ChangeFeed::Loop::refresh() {
  const auto asked = now();
  BZ_CHECK(connection_->run("BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY"));
  Transaction transaction(database_, *connection_);
  BZ_TRY(auto snapshot, read_snapshot(transaction));
  const auto epoch = snapshot->epoch();
  holder_.publish(std::move(snapshot), asked);
  const std::lock_guard lock(mutex_);
  figures_.epoch = epoch;
  ++figures_.snapshots;
  return {};
}

void ChangeFeed::Loop::failed(const Error& error) {
  if (error.code == Errc::Cancelled) return;
  const bool lost = !connection_ || !connection_->usable();
  if (lost) connection_.reset();
  {
    const std::lock_guard lock(mutex_);
    ++figures_.failures;
    figures_.connected = !lost;
  }
  BZ_LOG(Warn, "control.feed_failed", {"code", to_string(error.code)}, {"detail", error.detail},
         {"retry_millis", pause_.count()});
}

bool ChangeFeed::Loop::stopped_within(std::chrono::milliseconds time) const {
  const auto until = std::chrono::steady_clock::now() + time;
  while (true) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - std::chrono::steady_clock::now()).count();
    pollfd stop{stopping_.get(), POLLIN, 0};
    const int ready = ::poll(&stop, 1, static_cast<int>(std::max<std::int64_t>(left, 0)));
    if (ready > 0) return true;
    if (ready == 0) return false;
    if (errno != EINTR) return true;
  }
}

void ChangeFeed::Loop::run() {
  while (!stopped_within({})) {
    auto done = connection_ ? Result<void>() : listen();
    if (done) done = look();
    if (done) {
      pause_ = options_.backoff_first;
      done = connection_->wait_for_notice(options_.poll_interval, wake_.get());
    }
    if (done) continue;
    failed(done.error());
    if (stopped_within(pause_)) return;
    pause_ = std::min(pause_ * 2, options_.backoff_most);
  }
}

ChangeFeed::ChangeFeed(std::unique_ptr<Loop> loop) : loop_(std::move(loop)) {}
ChangeFeed::~ChangeFeed() = default;

Result<std::unique_ptr<ChangeFeed>> ChangeFeed::start(Database& database, policy::SnapshotHolder& holder,
                                                      const Clock& clock, ChangeFeedOptions options) {
  auto loop = std::make_unique<Loop>(database, holder, clock, options);
  BZ_CHECK(loop->first());
  loop->start();
  return std::unique_ptr<ChangeFeed>(new ChangeFeed(std::move(loop)));
}

ChangeFeedFigures ChangeFeed::figures() const { return loop_->figures(); }
void ChangeFeed::look_now() noexcept { loop_->look_now(); }

}  // namespace bartizan::store
