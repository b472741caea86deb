#include "tree_log_core.hpp"

#include <algorithm>
#include <bit>

#include "bartizan/audit/record.hpp"
#include "bartizan/base/log.hpp"
#include "byte_order.hpp"
#include "whole_file.hpp"

namespace bartizan::auditlog {
namespace {

constexpr std::uint64_t kMaxStateBytes = std::uint64_t{1} << 32;

std::int64_t nanoseconds(SteadyTime time) {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(time.time_since_epoch()).count();
}

std::uint64_t random_id() {
  std::byte bytes[8];
  system_random().fill(bytes);
  return load_be64(bytes) | 1;
}

}  // namespace

TreeLog::Core::Core(TreeLogOptions options, const LogKeys& keys, FileLayer& files, const Clock& clock)
    : options_(std::move(options)),
      verifier_(keys.current.verifier().named(options_.origin)),
      files_(files),
      clock_(clock) {}

Result<std::unique_ptr<TreeLog::Core>> TreeLog::Core::open(TreeLogOptions options, LogKeys keys, FileLayer& files,
                                                           const Clock& clock) {
  // Room for the longest tree name after it, within what a key name may be.
  if (!audit::is_key_name(options.origin) || options.origin.size() > 128 || options.origin.ends_with('/'))
    return fail(Errc::InvalidArgument, "an audit log's origin is at most 128 characters without spaces or '+'");
  if (keys.current.verifier().type() != audit::KeyType::Ed25519)
    return fail(Errc::InvalidArgument, "a log signs with a key of type 1, not with a witness's");
  std::unique_ptr<Core> core(new Core(std::move(options), keys, files, clock));
  BZ_CHECK(core->recover(std::move(keys)));
  core->integrator_->start();
  core->writer_ = std::thread([raw = core.get()] { raw->run(); });
  return core;
}

TreeLog::Core::~Core() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (writer_.joinable()) writer_.join();
  journal_.reset();
  if (integrator_) integrator_->stop();
}

/// The state file, or a first one in a folder that has never been a log.
Result<State> TreeLog::Core::load_state() {
  const auto bytes = read_whole(files_, options_.directory + "/state", kMaxStateBytes);
  if (bytes) return decode_state(*bytes);
  if (bytes.error().code != Errc::NotFound) return tl::unexpected(bytes.error());
  for (const char* folder : {"/journal", "/tree"}) {
    const auto names = files_.list(options_.directory + folder);
    if (names && !names->empty())
      return fail(Errc::Malformed, options_.directory + folder + " holds an audit log whose state file is gone");
  }
  State state;
  state.log_id = random_id();
  BZ_CHECK(replace_whole(files_, options_.directory, "state", encode_state(state)));
  return state;
}

Result<void> TreeLog::Core::recover(LogKeys keys) {
  const std::string journal = options_.directory + "/journal";
  BZ_CHECK(files_.make_directory(options_.directory));
  BZ_TRY(lock_file_, files_.lock(options_.directory + "/lock"));
  BZ_TRY(State state, load_state());
  BZ_CHECK(files_.make_directory(journal));
  BZ_TRY(const Recovered recovered, scan_journal(files_, journal, state));
  for (const std::uint64_t number : recovered.stale) BZ_CHECK(files_.remove(segment_path(journal, number)));
  for (const Segment& segment : recovered.segments) segments_.add(segment);
  log_id_ = state.log_id;
  next_sequence_ = recovered.last_sequence + 1;
  next_ticket_ = recovered.next_ticket;
  durable_through_.store(next_ticket_ - 1, std::memory_order_release);
  BZ_TRY(integrator_,
         Integrator::open(files_, clock_, segments_, {options_.directory, options_.origin, options_.checkpoint_every},
                          std::move(keys), std::move(state)));
  journal_ = std::make_unique<Journal>(files_, segments_,
                                       JournalOptions{journal, log_id_, options_.segment_bytes,
                                                      options_.free_floor_bytes, recovered.highest_number + 1});
  if (recovered.torn_bytes > 0) BZ_LOG(Warn, "audit.torn_tail", {"bytes", recovered.torn_bytes});
  finish_orphans(recovered);
  return {};
}

/// Nobody knows any more how these ended. Their outcomes go into the journal before anything new.
void TreeLog::Core::finish_orphans(const Recovered& recovered) {
  audit::Outcome unknown;
  unknown.status = audit::Status::Unknown;
  unknown.sqlstate = {'5', '8', '0', '3', '0'};
  for (const std::uint64_t ticket : recovered.orphans) waiting_.add(audit::Ticket(ticket), unknown);
  figures_.recovered_unknown = recovered.orphans.size();
  if (!recovered.orphans.empty()) BZ_LOG(Warn, "audit.recovered_unknown", {"intents", recovered.orphans.size()});
}

bool TreeLog::Core::too_slow() const {
  const std::int64_t started = flush_started_.load(std::memory_order_relaxed);
  return started != 0 && std::chrono::nanoseconds(nanoseconds(clock_.steady()) - started) > options_.slow_flush;
}

Result<audit::Ticket> TreeLog::Core::begin(const audit::Intent& intent) {
  audit::Intent bounded = intent;
  std::string who;
  std::string what;
  if (intent.session.size() > audit::kMaxMembersBytes)
    bounded.session = who = audit::bounded_members(intent.session, audit::kMaxMembersBytes);
  if (intent.statement.size() > audit::kMaxMembersBytes)
    bounded.statement = what = audit::bounded_members(intent.statement, audit::kMaxMembersBytes);
  const bool slow = too_slow();
  std::unique_lock lock(mutex_);
  const bool troubled = !healthy_ || slow;
  const std::size_t most = go_on_unwritten_ ? options_.max_unwritten_bytes : options_.max_waiting_bytes;
  if ((troubled && !go_on_unwritten_) || waiting_.size() > most || stopping_) {
    ++figures_.refused;
    return fail(Errc::Io, waiting_.size() > most ? "the audit log is behind"
                          : !healthy_            ? "the audit log can't be written"
                                                 : "the audit log's disk does not answer");
  }
  const bool unwaited = troubled && !unwaited_.exchange(true, std::memory_order_relaxed);
  const audit::Ticket ticket(next_ticket_++);
  under_way_ = under_way_ << 1 | 1;
  waiting_.add(bounded);
  ++figures_.intents;
  const bool wake = std::exchange(writer_idle_, false) || waiting_.intents() == options_.full_group;
  lock.unlock();
  if (wake) wake_.notify_one();
  if (unwaited) wake_observers();
  return ticket;
}

void TreeLog::Core::finish(audit::Ticket ticket, const audit::Outcome& outcome) {
  std::unique_lock lock(mutex_);
  // The first outcome after a pause wakes the writer, which then waits for company.
  const bool wake = waiting_.empty() && std::exchange(writer_idle_, false);
  waiting_.add(ticket, outcome);
  ++figures_.outcomes;
  if (const auto ago = next_ticket_ - 1 - ticket.get(); ago < 64) under_way_ &= ~(std::uint64_t{1} << ago);
  lock.unlock();
  if (wake) wake_.notify_one();
}

audit::Log::ObserverId TreeLog::Core::on_durable(Observer observer) {
  const std::lock_guard lock(observers_mutex_);
  const std::uint64_t id = next_observer_++;
  observers_.emplace(id, std::move(observer));
  return ObserverId(id);
}

void TreeLog::Core::remove(ObserverId id) {
  const std::lock_guard lock(observers_mutex_);
  observers_.erase(id.get());
}

void TreeLog::Core::notify(std::uint64_t through) {
  durable_through_.store(through, std::memory_order_release);
  wake_observers();
}

void TreeLog::Core::wake_observers() {
  const audit::Ticket through(durable_through_.load(std::memory_order_acquire));
  const std::lock_guard lock(observers_mutex_);
  for (const auto& [id, observer] : observers_) observer(through);
}

void TreeLog::Core::go_on_unwritten(bool on) {
  {
    const std::lock_guard lock(mutex_);
    go_on_unwritten_ = on;
    unwaited_.store(on && (!healthy_ || too_slow()), std::memory_order_relaxed);
  }
  if (on) wake_observers();
}

TreeLog::Figures TreeLog::Core::figures() const {
  const Integrator::Figures integrated = integrator_->figures();
  const std::lock_guard lock(mutex_);
  Figures figures = figures_;
  figures.healthy = healthy_ && !too_slow();
  figures.next_ticket = next_ticket_;
  figures.leaves = integrated.leaves;
  figures.published = integrated.published;
  figures.trees = integrated.trees;
  figures.backlog_bytes = integrated.backlog_bytes;
  figures.publishing = integrated.publishing;
  return figures;
}

Result<void> TreeLog::Core::publish_now(std::chrono::milliseconds longest) {
  const auto until = std::chrono::steady_clock::now() + longest;
  std::uint64_t sequence = 0;
  {
    std::unique_lock lock(mutex_);
    // What gathers now becomes the group of next_sequence_; what is in the writer's hands is older.
    sequence = waiting_.empty() ? next_sequence_ - 1 : next_sequence_;
    urgent_ = true;
  }
  wake_.notify_all();
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
  if (!integrator_->wait_published(sequence, std::max(left, std::chrono::milliseconds(0))))
    return fail(Errc::DeadlineExceeded, "the audit log's checkpoints are behind");
  return {};
}

/// Takes what waits as the next group; false at the end.
bool TreeLog::Core::gather(std::uint64_t& through) {
  std::unique_lock lock(mutex_);
  while (waiting_.empty() && !stopping_) {
    writer_idle_ = true;
    wake_.wait(lock);
  }
  // Outcomes alone are in no hurry: the next intent takes them along, and pays for one sync, not two.
  if (waiting_.intents() == 0 && !stopping_ && !urgent_) {
    writer_idle_ = true;
    wake_.wait_for(lock, options_.outcome_delay, [this] { return stopping_ || urgent_ || waiting_.intents() > 0; });
  }
  writer_idle_ = false;
  // A flush costs the same for one as for fifty: with many on the way, the next ones are worth waiting for.
  const int company = std::max(0, std::popcount(under_way_) - 1);
  const auto earliest = last_flush_ + std::min(options_.longest_distance, company * options_.distance_per_statement);
  if (std::chrono::steady_clock::now() < earliest)
    wake_.wait_until(lock, earliest,
                     [this] { return stopping_ || urgent_ || waiting_.intents() >= options_.full_group; });
  last_flush_ = std::chrono::steady_clock::now();
  urgent_ = false;
  if (waiting_.empty()) return false;
  writing_.clear();
  std::swap(writing_, waiting_);
  const std::uint64_t first = next_ticket_ - writing_.intents();
  through = next_ticket_ - 1;
  const std::uint64_t sequence = next_sequence_++;
  lock.unlock();
  writing_.seal(log_id_, sequence, first);
  return true;
}

/// Until it is durable; false when the log ends before that.
bool TreeLog::Core::write(ByteView group) {
  flush_started_.store(nanoseconds(clock_.steady()), std::memory_order_relaxed);
  for (;;) {
    const auto written = journal_->append(group);
    if (written) break;
    std::unique_lock lock(mutex_);
    if (healthy_) BZ_LOG(Error, "audit.write_failed", {"reason", written.error().detail});
    healthy_ = false;
    failing_.store(true, std::memory_order_relaxed);
    flush_started_.store(0, std::memory_order_relaxed);
    if (stopping_) {
      BZ_LOG(Error, "audit.lost_at_stop", {"intents", writing_.intents() + waiting_.intents()});
      return false;
    }
    if (go_on_unwritten_ && !unwaited_.exchange(true, std::memory_order_relaxed)) {
      lock.unlock();
      wake_observers();
      lock.lock();
    }
    wake_.wait_for(lock, options_.retry_every, [this] { return stopping_; });
  }
  const std::int64_t started = flush_started_.exchange(0, std::memory_order_relaxed);
  const std::lock_guard lock(mutex_);
  if (!healthy_) BZ_LOG(Info, "audit.recovered");
  healthy_ = true;
  failing_.store(false, std::memory_order_relaxed);
  unwaited_.store(false, std::memory_order_relaxed);
  ++figures_.flushes;
  figures_.journal_bytes += group.size();
  if (started != 0)
    figures_.last_flush = std::chrono::duration_cast<std::chrono::microseconds>(
        std::chrono::nanoseconds(nanoseconds(clock_.steady()) - started));
  return true;
}

void TreeLog::Core::run() {
  for (std::uint64_t through = 0; gather(through);) {
    if (!write(writing_.bytes())) return;
    notify(through);
  }
}

}  // namespace bartizan::auditlog
