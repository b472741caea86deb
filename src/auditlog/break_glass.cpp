#include "bartizan/auditlog/break_glass.hpp"

#include <algorithm>

#include "bartizan/base/log.hpp"

namespace bartizan::auditlog {
namespace {

constexpr std::size_t kLongestReason = 500;

}  // namespace

BreakGlass::BreakGlass(TreeLog& log, audit::Log& records, const Clock& clock)
    : log_(log), records_(records), clock_(clock), thread_([this] { run(); }) {}

BreakGlass::~BreakGlass() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    if (broken_) mend("bartizan", "the program ends");
  }
  wake_.notify_all();
  thread_.join();
}

Result<BreakGlass::Broken> BreakGlass::on(const std::string& actor, const std::string& reason,
                                          std::chrono::milliseconds longest) {
  if (reason.empty() || reason.size() > kLongestReason)
    return fail(Errc::InvalidArgument, "a reason has 1 to 500 bytes");
  if (longest < std::chrono::seconds(1) || longest > kLongest)
    return fail(Errc::InvalidArgument, "the glass can be broken for 1 second to 4 hours");
  Broken broken;
  broken.actor = actor;
  broken.reason = reason;
  broken.since = clock_.wall();
  broken.until = broken.since + longest;
  {
    const std::lock_guard lock(mutex_);
    broken.first_ticket = broken_ ? broken_->first_ticket : log_.figures().next_ticket;
    broken_ = broken;
    deadline_ = std::chrono::steady_clock::now() + longest;
    ++times_;
    log_.go_on_unwritten(true);
    record(actor, "break-glass.on", reason, broken);
  }
  wake_.notify_all();
  BZ_LOG(Error, "audit.break_glass", {"actor", actor}, {"reason", reason},
         {"seconds", std::chrono::duration_cast<std::chrono::seconds>(longest).count()});
  return broken;
}

Result<void> BreakGlass::off(const std::string& actor) {
  {
    const std::lock_guard lock(mutex_);
    if (!broken_) return fail(Errc::FailedPrecondition, "the glass is not broken");
    mend(actor, "by command");
  }
  wake_.notify_all();
  return {};
}

std::optional<BreakGlass::Broken> BreakGlass::broken() const {
  const std::lock_guard lock(mutex_);
  return broken_;
}

std::uint64_t BreakGlass::times() const {
  const std::lock_guard lock(mutex_);
  return times_;
}

/// REQUIRES: mutex_ is held and broken_ is there. The record goes while begin() still takes it.
void BreakGlass::mend(const std::string& actor, std::string_view why) {
  record(actor, "break-glass.off", why, *broken_);
  log_.go_on_unwritten(false);
  BZ_LOG(Error, "audit.break_glass_ended", {"actor", actor}, {"why", why});
  broken_.reset();
}

/// Its intent and outcome are of the same group: there is nothing to wait for between them.
void BreakGlass::record(const std::string& actor, std::string_view operation, std::string_view why,
                        const Broken& broken) {
  std::string who;
  audit::append_member(who, "identity", actor);
  audit::append_member(who, "address", "admin socket");
  std::string what;
  audit::append_member(what, "operation", operation);
  audit::append_member(what, "reason", why);
  const auto micros = [](WallTime time) { return std::to_string(time.time_since_epoch().count()); };
  what.append(",\"since_us\":").append(micros(broken.since)).append(",\"until_us\":").append(micros(broken.until));
  what.append(",\"first_ticket\":").append(std::to_string(broken.first_ticket));
  what.append(",\"next_ticket\":").append(std::to_string(log_.figures().next_ticket));
  const auto ticket = records_.begin({audit::Event::BreakGlass, clock_.wall(), who, what});
  if (ticket)
    records_.finish(*ticket, {});
  else
    BZ_LOG(Error, "audit.break_glass_unrecorded", {"operation", operation}, {"actor", actor});
}

void BreakGlass::run() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    if (!broken_)
      wake_.wait(lock);
    else if (wake_.wait_until(lock, deadline_) == std::cv_status::timeout && broken_ &&
             std::chrono::steady_clock::now() >= deadline_)
      mend("bartizan", "its time was over");
  }
}

}  // namespace bartizan::auditlog
