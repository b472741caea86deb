#include "bartizan/auditlog/counted_log.hpp"

#include <string.h>

#include <algorithm>
#include <utility>

#include "bartizan/audit/record.hpp"
#include "bartizan/base/log.hpp"
#include "count_book.hpp"
#include "whole_file.hpp"

namespace bartizan::auditlog {
namespace {

constexpr std::uint64_t kMaxCountsFile = 64 * 1024 * 1024;
constexpr std::chrono::milliseconds kTick{1000};
constexpr std::chrono::milliseconds kStepTick{20};  ///< while something is to be waited for
constexpr auto kIncomplete = std::chrono::minutes(1);

std::int64_t seconds(WallTime time) {
  return std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count();
}

/// As it stands between the quotes of the session's members, which name it once, at their top level: what an
/// integrator finds there by splitting all of them, every time.
std::string_view tenant_of(std::string_view session) {
  constexpr std::string_view kName = R"("tenant":")";
  const void* const found = ::memmem(session.data(), session.size(), kName.data(), kName.size());
  if (found == nullptr) return {};
  const auto at = static_cast<std::size_t>(static_cast<const char*>(found) - session.data());
  const auto before = session.substr(0, at);
  const auto value = session.substr(at + kName.size());
  const auto text = value.substr(0, value.find('"'));
  const bool plain = before.find('{') == std::string_view::npos && before.find('[') == std::string_view::npos &&
                     text.size() < value.size() && text.find('\\') == std::string_view::npos;
  return plain ? text : audit::member_text(session, "tenant");
}

}  // namespace

CountedLog::CountedLog(CountedLogOptions options, audit::Log& log, FileLayer& files, const Clock& clock)
    : options_(std::move(options)), log_(log), files_(files), clock_(clock) {}

std::unique_ptr<CountedLog> CountedLog::open(CountedLogOptions options, audit::Log& log, std::uint64_t next_ticket,
                                             FileLayer& files, const Clock& clock) {
  std::unique_ptr<CountedLog> counted(new CountedLog(std::move(options), log, files, clock));
  counted->resume(next_ticket);
  counted->thread_ = std::thread([raw = counted.get()] { raw->run(); });
  return counted;
}

/// Where the last run has ended without a word, its last seconds were counted by nobody: that is told, and what
/// was counted before them.
void CountedLog::resume(std::uint64_t next_ticket) {
  const auto now = seconds(clock_.wall());
  book_ = std::make_unique<CountBook>(next_ticket, now);
  closed_at_ = clock_.steady();
  const auto bytes = read_whole(files_, options_.directory + "/" + std::string(kCountsFile), kMaxCountsFile);
  // From here on a file that is not there has been taken away.
  if (!bytes && bytes.error().code == Errc::NotFound) return report(save());
  auto saved = bytes ? decode_counts(as_chars(*bytes)) : Result<SavedCounts>(tl::unexpected(bytes.error()));
  if (!saved) {
    BZ_LOG(Error, "audit.counts_unusable", {"reason", saved.error().detail});
    return;
  }
  const auto counted = std::max(saved->told, saved->through) + 1;
  due_ = counted != next_ticket;
  if (counted < next_ticket) lost_ = lost_counts(counted, next_ticket - 1, saved->from_s, now);
  if (counted > next_ticket) {  // the journal's end was taken away, or it never got there
    BZ_LOG(Error, "audit.counts_ahead", {"intents", counted - next_ticket});
    lost_ = gone_counts(next_ticket, counted - 1, saved->from_s, now);
  }
  if (saved->told < next_ticket) book_ = std::make_unique<CountBook>(next_ticket, *saved);
}

CountedLog::~CountedLog() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

Result<audit::Ticket> CountedLog::begin(const audit::Intent& intent) {
  auto ticket = log_.begin(intent);
  if (!ticket) return ticket;
  const auto tenant = tenant_of(intent.session);
  const std::lock_guard lock(mutex_);
  book_->note(ticket->get(), tenant);
  return ticket;
}

/// The log first: what is counted as ended stands in it before a record of counts that is begun later.
void CountedLog::finish(audit::Ticket ticket, const audit::Outcome& outcome) {
  log_.finish(ticket, outcome);
  const std::lock_guard lock(mutex_);
  book_->end(ticket.get(), outcome.status);
}

CountedLog::Figures CountedLog::figures() const {
  const std::lock_guard lock(mutex_);
  return {book_->told(), healthy_};
}

Result<void> CountedLog::tell_now(std::chrono::milliseconds longest) {
  std::unique_lock lock(mutex_);
  const auto before = rounds_;
  forced_ = true;
  wake_.notify_all();
  if (told_cv_.wait_for(lock, longest, [&] { return rounds_ != before; })) return {};
  return fail(Errc::DeadlineExceeded, "the audit log's counts are behind");
}

void CountedLog::run() {
  for (;;) {
    {
      std::unique_lock lock(mutex_);
      const auto tick = due_ || forced_ || book_->closing() ? kStepTick : std::min(kTick, options_.every / 2);
      wake_.wait_for(lock, tick, [this] { return stopping_ || (forced_ && !due_ && !book_->closing()); });
      if (stopping_) break;
    }
    step();
  }
  finish_up();
}

/// Tells what is left, then keeps the count of the records that told it.
void CountedLog::finish_up() {
  const auto until = std::chrono::steady_clock::now() + options_.longest_wait;
  const auto go_on = [&](bool again) {
    std::this_thread::sleep_for(again ? kStepTick : std::chrono::milliseconds(0));
    return std::chrono::steady_clock::now() < until;
  };
  {
    const std::lock_guard lock(mutex_);
    forced_ = true;
  }
  for (bool left = true; left && go_on(false);) {
    step();
    const std::lock_guard lock(mutex_);
    left = due_ || forced_;
  }
  while (!close() && go_on(true)) {
  }
  report(save());
}

/// True when all that was noted is counted.
bool CountedLog::close() {
  const std::lock_guard lock(mutex_);
  if (!book_->closing()) {
    if (!book_->anything_new()) return true;
    book_->close();
    closed_at_ = clock_.steady();
  }
  if (!book_->complete() || !log_.durable(audit::Ticket(book_->cut()))) return false;
  book_->join();
  return true;
}

bool CountedLog::over() const {
  const auto every = std::chrono::duration_cast<std::chrono::microseconds>(options_.every).count();
  const std::int64_t from = book_->from_s() * 1'000'000;
  const std::int64_t now = clock_.wall().time_since_epoch().count();
  return now / every > from / every;
}

void CountedLog::step() {
  bool due = false;
  {
    const std::lock_guard lock(mutex_);
    due = due_;
    const bool wanted =
        forced_ || over() || (book_->anything_new() && clock_.steady() - closed_at_ >= options_.save_every);
    if (!due && !wanted && !book_->closing()) return;
  }
  if (!due) {
    if (!close()) {
      if (clock_.steady() - closed_at_ > kIncomplete) report(fail(Errc::DeadlineExceeded, "its tickets have gaps"));
      return;
    }
    report(save());
    const std::lock_guard lock(mutex_);
    due_ = due = forced_ || over();
    forced_ = false;
  }
  if (due) report(tell());
}

void CountedLog::report(const Result<void>& outcome) {
  const std::lock_guard lock(mutex_);
  if (!outcome && healthy_) BZ_LOG(Error, "audit.counts_failed", {"reason", outcome.error().detail});
  if (outcome && !healthy_) BZ_LOG(Info, "audit.counts_recovered");
  healthy_ = outcome.has_value();
}

Result<void> CountedLog::save() {
  std::string text;
  {
    const std::lock_guard lock(mutex_);
    text = encode_counts(book_->saved());
  }
  return replace_whole(files_, options_.directory, std::string(kCountsFile), as_bytes(text));
}

Result<audit::Ticket> CountedLog::record(std::string_view tenant, const std::string& what) {
  std::string who = R"("identity":"bartizan","address":"gateway")";
  if (!tenant.empty()) who.append(R"(,"tenant":")").append(tenant).append("\"");
  auto ticket = begin({audit::Event::Counts, clock_.wall(), who, what});
  if (ticket) finish(*ticket, {});
  return ticket;
}

/// All of them or, after a failure, all of them again: who verifies takes those of the same tickets for one.
Result<void> CountedLog::tell() {
  const auto now = seconds(clock_.wall());
  std::vector<CountBook::Told> records;
  {
    const std::lock_guard lock(mutex_);
    records = book_->to_tell(now);
  }
  if (!lost_.empty()) records.push_back({{}, lost_});
  audit::Ticket last;
  for (const auto& [tenant, what] : records) {
    BZ_TRY(last, record(tenant, what));
  }
  const auto until = std::chrono::steady_clock::now() + options_.longest_wait;
  while (!records.empty() && !log_.durable(last)) {
    if (std::chrono::steady_clock::now() > until) return fail(Errc::DeadlineExceeded, "the log is behind");
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  {
    const std::lock_guard lock(mutex_);
    book_->was_told(now);
    lost_.clear();
    due_ = false;
    ++rounds_;
  }
  told_cv_.notify_all();
  return save();
}

}  // namespace bartizan::auditlog
