#include "bartizan/auditlog/basic_log.hpp"

#include <fcntl.h>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <system_error>

#include "bartizan/base/log.hpp"

namespace bartizan::auditlog {
namespace {

// Two lines a statement are made here: appending costs a fraction of what a format string does.
void append_number(std::string& out, std::int64_t value) {
  std::array<char, 20> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
  out.append(digits.data(), end);
}
void append_number(std::string& out, std::uint64_t value) {
  std::array<char, 20> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
  out.append(digits.data(), end);
}

/// RFC 3339 in UTC with microseconds; the second's part is kept, since most records share it.
void append_time(std::string& out, WallTime at) {
  thread_local std::int64_t cached_second = -1;
  thread_local std::string cached;
  const auto micros = at.time_since_epoch().count();
  const auto second = micros / 1'000'000;
  if (second != cached_second) {
    cached = fmt::format("\"time\":\"{:%Y-%m-%dT%H:%M:%S}.", fmt::gmtime(static_cast<std::time_t>(second)));
    cached_second = second;
  }
  std::array<char, 6> fraction{};
  auto rest = micros % 1'000'000;
  for (std::size_t i = fraction.size(); i-- > 0; rest /= 10) fraction[i] = static_cast<char>('0' + rest % 10);
  out.append(cached).append(fraction.data(), fraction.size()).append("Z\"");
}

}  // namespace

BasicLog::BasicLog(BasicLogOptions options) : options_(std::move(options)) {}

Result<std::unique_ptr<BasicLog>> BasicLog::open(BasicLogOptions options) {
  std::error_code error;
  const bool made = std::filesystem::create_directories(options.directory, error);
  if (error) return fail(Errc::Io, "audit directory " + options.directory.string() + ": " + error.message());
  if (made) std::filesystem::permissions(options.directory, std::filesystem::perms::owner_all, error);
  std::unique_ptr<BasicLog> log(new BasicLog(std::move(options)));
  BZ_CHECK(log->open_file());
  log->writer_ = std::thread([raw = log.get()] { raw->run(); });
  return log;
}

BasicLog::~BasicLog() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  if (writer_.joinable()) writer_.join();
  if (file_ >= 0) ::close(file_);
}

Result<void> BasicLog::open_file() {
  const auto now = system_clock().wall().time_since_epoch().count() / 1'000'000;
  const auto path =
      options_.directory / fmt::format("audit-{:%Y%m%dT%H%M%SZ}-{}-{:04}.jsonl",
                                       fmt::gmtime(static_cast<std::time_t>(now)), ::getpid(), file_number_);
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_EXCL | O_CLOEXEC, 0600);
  if (file < 0) return fail(Errc::Io, "audit file " + path.string() + ": " + std::strerror(errno));
  if (file_ >= 0) ::close(file_);
  file_ = file;
  file_bytes_ = 0;
  ++file_number_;
  return {};
}

Result<audit::Ticket> BasicLog::begin(const audit::Intent& intent) {
  const std::lock_guard lock(mutex_);
  if (!healthy_ || waiting_.size() > options_.max_waiting_bytes) {
    ++figures_.refused;
    return fail(Errc::Io, healthy_ ? "the audit log is behind" : "the audit log can't be written");
  }
  const audit::Ticket ticket(next_ticket_++);
  const bool was_empty = waiting_.empty();
  waiting_.append("{\"ticket\":");
  append_number(waiting_, ticket.get());
  waiting_.append(",\"event\":\"").append(audit::to_string(intent.event)).append("\",");
  append_time(waiting_, intent.at);
  for (const auto members : {intent.session, intent.statement}) {
    if (members.empty()) continue;
    waiting_.push_back(',');
    waiting_.append(members);
  }
  waiting_.append("}\n");
  ++figures_.records;
  if (was_empty) wake_.notify_one();
  return ticket;
}

void BasicLog::finish(audit::Ticket ticket, const audit::Outcome& outcome) {
  const std::lock_guard lock(mutex_);
  const bool was_empty = waiting_.empty();
  waiting_.append("{\"ticket\":");
  append_number(waiting_, ticket.get());
  waiting_.append(",\"status\":\"").append(audit::to_string(outcome.status));
  waiting_.append("\",\"sqlstate\":\"").append(outcome.sqlstate.data(), outcome.sqlstate.size());
  waiting_.append("\",\"rows\":");
  append_number(waiting_, outcome.rows);
  waiting_.append(",\"bytes\":");
  append_number(waiting_, outcome.bytes);
  waiting_.append(",\"micros\":");
  append_number(waiting_, static_cast<std::int64_t>(outcome.duration.count()));
  waiting_.append("}\n");
  if (was_empty) wake_.notify_one();
}

BasicLog::Figures BasicLog::figures() const {
  const std::lock_guard lock(mutex_);
  Figures figures = figures_;
  figures.healthy = healthy_;
  return figures;
}

bool BasicLog::write_group(const std::string& group) {
  if (file_bytes_ > 0 && file_bytes_ + group.size() > options_.max_file_bytes && !open_file()) return false;
  std::size_t done = 0;
  while (done < group.size()) {
    const ssize_t n = ::write(file_, group.data() + done, group.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;
    done += static_cast<std::size_t>(n);
  }
  if (done == group.size() && ::fdatasync(file_) == 0) {
    file_bytes_ += done;
    return true;
  }
  // Take the torn group back, so that the retry does not leave half a line before it.
  BZ_LOG(Error, "audit.write_failed", {"reason", std::strerror(errno)});
  [[maybe_unused]] const int ignored = ::ftruncate(file_, static_cast<off_t>(file_bytes_));
  return false;
}

void BasicLog::run() {
  std::string group;
  for (;;) {
    std::uint64_t through = 0;
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
      if (waiting_.empty()) return;
      // Let a group gather. A stop does not wait.
      if (!stopping_) wake_.wait_for(lock, options_.flush, [this] { return stopping_; });
      group.clear();
      group.swap(waiting_);
      through = next_ticket_ - 1;
    }
    while (!write_group(group)) {
      std::unique_lock lock(mutex_);
      healthy_ = false;
      if (stopping_) return;
      wake_.wait_for(lock, std::chrono::milliseconds(500), [this] { return stopping_; });
    }
    durable_through_.store(through, std::memory_order_release);
    const std::lock_guard lock(mutex_);
    if (!healthy_) BZ_LOG(Info, "audit.recovered");
    healthy_ = true;
    ++figures_.flushes;
    figures_.bytes += group.size();
  }
}

}  // namespace bartizan::auditlog
