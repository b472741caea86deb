#include "bartizan/control/change_recorder.hpp"

#include <charconv>

#include "bartizan/base/log.hpp"
#include "bartizan/control/document.hpp"
#include "call_record.hpp"
#include "grant_record.hpp"

namespace bartizan::control {
namespace {

constexpr int kPage = 200;
constexpr std::chrono::seconds kEvery{5};  ///< for changes that nobody of this process made

/// What stands in one and not in the other just so.
Document differing(const Document& of, const Document& other) {
  const auto* members = std::get_if<Members>(&of.value());
  if (members == nullptr) return of;
  Members out;
  for (const auto& [name, value] : *members) {
    const Document* there = other.find(name);
    if (there == nullptr || there->to_json() != value.to_json()) out.emplace_back(name, value);
  }
  return out;
}

Document parsed(const std::string& json) {
  if (json.empty()) return {};
  auto document = Document::parse(json);
  return document ? std::move(*document) : Document();
}

std::string_view name_in(const Document& row) {
  const Document* name = row.find("name");
  const auto* text = name == nullptr ? nullptr : name->as<std::string>();
  return text == nullptr ? std::string_view() : std::string_view(*text);
}

}  // namespace

std::string change_members(const store::Change& change) {
  const Document before = parsed(change.before);
  const Document after = parsed(change.after);
  std::string out;
  audit::append_member(out, "operation",
                       change.before.empty()  ? "config.create"
                       : change.after.empty() ? "config.delete"
                                              : "config.update");
  audit::append_member(out, "resource_kind", change.kind);
  audit::append_member(out, "resource_uid", change.id);
  const auto name = name_in(change.after.empty() ? before : after);
  if (!name.empty()) audit::append_member(out, "resource_name", name);
  out.append(",\"change_seq\":").append(std::to_string(change.seq));
  if (!change.before.empty()) out.append(",\"before\":").append(differing(before, after).to_json());
  if (!change.after.empty()) out.append(",\"after\":").append(differing(after, before).to_json());
  return out;
}

ChangeRecorder::ChangeRecorder(store::Database& database, audit::Log& log, const Clock& clock,
                               auditlog::CursorFile cursor)
    : database_(database), log_(log), clock_(clock), cursor_(std::move(cursor)), thread_([this] { run(); }) {}

ChangeRecorder::~ChangeRecorder() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

void ChangeRecorder::look_now() noexcept {
  {
    const std::lock_guard lock(mutex_);
    look_ = true;
  }
  wake_.notify_all();
}

/// grant: the members of the grant event that it is, too.
Result<audit::Ticket> ChangeRecorder::record(const store::Change& change, const std::optional<std::string>& grant) {
  std::string who;
  audit::append_member(who, "identity", change.actor);
  audit::append_member(who, "address", "control database");
  const std::string what = change_members(change);
  BZ_TRY(auto ticket, log_.begin({audit::Event::ConfigChange, change.at, who, what}));
  log_.finish(ticket, {});
  if (!grant) return ticket;
  BZ_TRY(ticket, log_.begin({audit::Event::Grant, change.at, who, *grant}));
  log_.finish(ticket, {});
  return ticket;
}

/// The cursor moves past what is durable only.
Result<void> ChangeRecorder::catch_up() {
  if (recorded_ < 0) {
    BZ_TRY(const std::string text, cursor_.read());
    std::int64_t read = 0;
    std::from_chars(text.data(), text.data() + text.size(), read);
    recorded_ = std::max<std::int64_t>(0, read);
  }
  for (;;) {
    std::vector<store::Change> changes;
    std::vector<std::optional<std::string>> grants;
    {
      BZ_TRY(auto transaction, database_.begin_read());
      BZ_TRY(changes, store::Changes(transaction).list(recorded_, kPage));
      for (const auto& change : changes) {
        BZ_TRY(auto grant, grant_members(transaction, change));
        grants.push_back(std::move(grant));
      }
    }
    if (changes.empty()) return {};
    audit::Ticket last;
    for (std::size_t i = 0; i < changes.size(); ++i) {
      BZ_TRY(last, record(changes[i], grants[i]));
    }
    BZ_CHECK(wait_durable(log_, last));
    BZ_CHECK(cursor_.write(std::to_string(changes.back().seq)));
    recorded_ = changes.back().seq;
  }
}

void ChangeRecorder::run() {
  bool worked = true;
  std::unique_lock lock(mutex_);
  for (;;) {
    wake_.wait_for(lock, kEvery, [this] { return stopping_ || look_; });
    const bool stopping = stopping_;
    look_ = false;
    lock.unlock();
    const auto done = catch_up();
    if (!done && worked) BZ_LOG(Warn, "audit.changes_behind", {"reason", done.error().detail});
    worked = done.has_value();
    if (stopping) return;
    lock.lock();
  }
}

}  // namespace bartizan::control
