// Consumers: rewritten texts in the place of theirs, and the signed context in front of what needs
// it. Where it is not certain that the context stands it is put in again; it is transaction-local,
// so that nothing of it outlives what the server itself says has ended.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "bartizan/audit/log.hpp"
#include "bartizan/pgwire/frontend_messages.hpp"
#include "bartizan/session/error_scrub.hpp"
#include "bartizan/session/relay.hpp"
#include "consumer_names.hpp"
#include "consumer_settings.hpp"
#include "consumer_state.hpp"
#include "policy_explanation.hpp"

namespace bartizan::session {

namespace {

/// For a setting that the gateway keeps: a statement of the same kind, so that the reply, its place
/// and what a failed transaction makes of it are the server's. It sets what is so already.
constexpr std::string_view kSetNothing = "SET row_security = on";
constexpr std::string_view kSetNothingLocal = "SET LOCAL row_security = on";
constexpr std::string_view kResetNothing = "RESET bartizan.nothing";

constexpr std::string_view kSearchPath = "search_path";
/// NAMEDATALEN - 1, less one: longer ones are one name to PostgreSQL.
constexpr std::size_t kLongestName = PreparedNames::kMaxNameBytes;

std::unique_ptr<pgwire::ErrorReport> error_report(pgwire::SqlState sqlstate, std::string message, std::string hint) {
  auto made = std::make_unique<pgwire::ErrorReport>();
  made->sqlstate = sqlstate;
  made->message = std::move(message);
  made->hint = std::move(hint);
  return made;
}

void change(KeptSetting& kept, const std::optional<sql::VirtualSetting>& setting, std::string_view tag) {
  if (setting && setting->action == sql::VirtualSetting::Action::Set) {
    const bool none = setting->name == kTenant && setting->values.front().empty();
    kept.set(none ? KeptSetting::Value{} : setting->values, setting->local);
  } else if (setting || tag == "DISCARD ALL") {
    kept.reset(setting && setting->local);
  }
}

const std::shared_ptr<const SharedStatement>& context_statement() {
  static const std::shared_ptr<const SharedStatement> statement = [] {
    auto made = std::make_shared<SharedStatement>();
    made->key = {0x62617274697a616eULL, 0x636f6e7465787431ULL};
    made->server_name = kContextName;
    made->text = wall::kSetContextSql;
    pgwire::MessageWriter writer(made->parameter_types);
    made->parameter_types = {std::byte{0}, std::byte{1}, std::byte{0}, std::byte{0}, std::byte{0}, std::byte{25}};
    return made;
  }();
  return statement;
}

/// An SQL literal that reads the same under every setting.
std::string literal(std::string_view value) {
  std::string out = "E'";
  for (const char c : value) {
    if (c == '\'' || c == '\\') out.push_back(c);
    out.push_back(c);
  }
  return out.append("'");
}

/// A longer report is not read.
constexpr std::size_t kScrubbedBytes = 64 * 1024;

}  // namespace

void append_class(std::string& who, const policy::WallClass& wall_class, std::int64_t policies) {
  fmt::format_to(std::back_inserter(who), FMT_STRING(",\"class\":\"{:016x}\",\"class_version\":{},\"policies\":{}"),
                 wall_class.version.id.get(), wall_class.version.version, policies);
}

Relay::Handled Relay::end_reserved_name() {
  return end_fatal(pgwire::sqlstate::kInvalidName, "names beginning with bartizan or bz_ are reserved");
}

/// What the text is to this session: from the cache, with what the session's own settings add.
Prepared Relay::rewritten(std::string_view text) {
  ConsumerReading reading{consumer_->facts.wall_class.get(), &consumer_->search_path.value(), lex_};
  std::shared_ptr<const ConsumerText> found;
  if (const auto explained = explained_by_policy(text, lex_); explained && consumer_->facts.explain) {
    auto made = explain_policy(*explained, reading, consumer_->facts.explain());
    made.digest = tools_.rewrites->digest(text, lex_);
    found = std::make_shared<const ConsumerText>(std::move(made));
  } else {
    found = tools_.rewrites->get(text, reading);
  }
  if (found->has_setting) found = with_settings(*found);
  Prepared prepared;
  prepared.analysis = {found, &found->analysis};
  prepared.digest = found->digest;
  prepared.text = std::move(found);
  return prepared;
}

/// Under their names statements are kept as long as the session likes: long ones not with their texts.
void Relay::keep_without_text(Prepared& statement) {
  constexpr std::size_t kLongText = 512;
  if (statement.text->server_text.size() <= kLongText) return;
  auto kept = std::make_shared<const ConsumerText>(statement.text->without_texts());
  statement.analysis = {kept, &kept->analysis};
  statement.text = std::move(kept);
}

/// The settings that the gateway keeps become statements of the server's.
std::shared_ptr<const ConsumerText> Relay::with_settings(const ConsumerText& text) const {
  using Action = sql::VirtualSetting::Action;
  const Consumer& facts = consumer_->facts;
  auto made = std::make_shared<ConsumerText>(text);
  made->server_text.clear();
  for (auto& statement : made->statements) {
    if (statement.setting) {
      const auto& setting = *statement.setting;
      const bool of_path = setting.name == kSearchPath;
      const bool of_tenant = setting.name == kTenant;
      const std::string own = of_path     ? consumer_->search_path.shown()
                              : of_tenant ? ConsumerState::tenant_of(consumer_->tenant.value()).value_or("")
                                          : facts.purpose;
      const bool sets = setting.action == Action::Set;
      if (setting.action != Action::Show && made->statements.size() > 1)
        made->refusal = refusal("0A000", "a text that sets or resets search_path or a setting of Bartizan's holds more",
                                "Send it as a statement of its own.", "wall.setting_in_text");
      else if (sets && of_tenant && (setting.values.size() != 1 || !may_be_tenant(setting.values.front())))
        made->refusal = refusal("42501", "permission denied to act for this tenant",
                                "bartizan.tenant takes the name of a tenant that a grant lets you act for (grant add "
                                "--act-for), or your own.",
                                "wall.acting");
      else if (sets && !of_path && !of_tenant && (setting.values.size() != 1 || setting.values.front() != own))
        made->refusal = refusal("42501", fmt::format("permission denied to set parameter \"{}\"", setting.name),
                                "It is given at sign-in, and must be one that you may act for.", "wall.setting");
      if (setting.action == Action::Show)
        statement.server_text = fmt::format("SELECT {}::pg_catalog.text AS \"{}\"", literal(own), setting.name);
      else if (!setting.name.empty())
        statement.server_text = setting.local                                              ? kSetNothingLocal
                                : made->analysis.statements.front().command_tag == "RESET" ? kResetNothing
                                                                                           : kSetNothing;
    }
    if (!made->server_text.empty()) made->server_text.append(";");
    made->server_text.append(statement.server_text);
  }
  return made;
}

policy::Decision Relay::decide_for_consumer(const Prepared& statement, WallTime now) const {
  const Consumer& facts = consumer_->facts;
  if (facts.valid_until && now >= *facts.valid_until)
    return refusal("57P03", "the policies that apply to you are another's from now on, so this statement was not run",
                   "Connect again.", "wall.assignment_over");
  const auto encoding = settings_.find("client_encoding");
  if (!encoding.empty() && encoding != "UTF8")
    return refusal("0A000", "a client_encoding other than UTF8 is not supported for identities under a policy",
                   "SET client_encoding = 'UTF8'.", "wall.encoding");
  if (statement.text && statement.text->refusal) return *statement.text->refusal;
  const bool over_views = !statement.text || statement.text->needs_context;
  if (over_views && consumer_->acts_for_another() && !may_be_tenant(consumer_->signed_for.value_or("")))
    return refusal("42501", "the right to act for this tenant was taken back, so this statement was not run",
                   "RESET bartizan.tenant, or connect again.", "wall.acting");
  policy::Allow allow;
  allow.class_version = facts.wall_class->version;
  if (!statement.text) return allow;
  allow.server_text = {statement.text, &statement.text->server_text};
  if (statement.text->needs_context && server_ != nullptr &&
      !consumer_->signer.sign(server_->context_key, now).has_value())
    return refusal("57P03", "the context of this session can't be signed, so this statement was not run",
                   "Connect again. An operator finds out more with `bartizan wall status`.", "wall.context");
  return allow;
}

/// What a Parse may not say beside its text.
std::unique_ptr<pgwire::ErrorReport> Relay::refuse_parse(std::string_view name, const Prepared& statement,
                                                         ByteView parameter_types) const {
  if (is_reserved(name))
    return error_report(pgwire::sqlstate::kInvalidName, "names beginning with bartizan or bz_ are reserved", {});
  if (name.size() > kLongestName)
    return error_report(pgwire::sqlstate::kInvalidName, "the name of the prepared statement is too long",
                        fmt::format("Use {} bytes at most.", kLongestName));
  ByteReaderView reader(parameter_types);
  const auto count = reader.be16();
  const auto& views = *consumer_->facts.wall_class->views;
  const bool plain = statement.text && statement.text->plain_parameters;
  for (std::size_t i = 0; count && i < *count; ++i) {
    const auto oid = reader.be32();
    if (!oid || (!is_permitted_parameter_type(*oid) && !views.types.contains(*oid)))
      return error_report(
          pgwire::sqlstate::kInsufficientPrivilege,
          fmt::format("the declared type of parameter ${} is not permitted for identities under a policy", i + 1),
          "Declare it as text, or leave its type to the server.");
    // A conversion that fails for some rows and not for others would tell of single ones.
    if (plain && !sql::is_plain_parameter_type(*oid))
      return error_report(
          pgwire::sqlstate::kInsufficientPrivilege,
          fmt::format("the declared type of parameter ${} is not permitted beside a table of aggregates alone", i + 1),
          "Leave its type to the server.");
  }
  return nullptr;
}

/// By which search_path a text is read hangs on replies that are not here yet.
bool Relay::waits_for_settings() const noexcept {
  return (consumer_->search_path_in_doubt || consumer_->tenant_in_doubt) && !replies_.empty();
}

Relay::Handled Relay::wait_for_replies(ServerRuns& to_server) {
  if (unsynced_ && !consumer_->replies_asked_for) {
    consumer_->replies_asked_for = true;
    to_server.make(Forward(), [](Bytes& out) {
      pgwire::MessageWriter writer(out);
      pgwire::write_empty(writer, pgwire::frontend::kFlush);
    });
  }
  return Handled::Stall;
}

bool Relay::context_stands(WallTime now) const noexcept {
  const ConsumerState& consumer = *consumer_;
  if (!consumer.context_sent || !consumer.signer.lasts(consumer.context_expires, now)) return false;
  // Where the context could not be set, what follows it up to Sync is skipped.
  if (!consumer.context_by_query && unsynced_ && consumer.context_segment == segment_) return true;
  // Before this segment began, or this Query, all was answered: the transaction is what it was then.
  return (unsynced_ ? consumer.settled_before_segment : replies_.empty()) &&
         transaction_ == pgwire::TransactionStatus::InTransaction;
}

/// entry is the newest of the queue.
void Relay::send_consumer_query(const Forward& forward, PendingReply& entry, bool context_stood,
                                ServerRuns& to_server) {
  ConsumerState& consumer = *consumer_;
  const ConsumerText& text = *entry.statement.text;
  const auto now = tools_.clock.wall();
  thread_local std::string composed;
  composed.clear();
  bool stands = context_stood;
  std::uint32_t results = 0;
  for (std::size_t i = 0; i < text.statements.size(); ++i) {
    const auto& statement = text.statements[i];
    if (!composed.empty()) composed.push_back(';');
    if (statement.needs_context && !stands) {
      // Without a context the server refuses the statement.
      if (const auto context = consumer.signer.sign(server_->context_key, now)) {
        composed.append(wall::set_context_sql(context->text)).push_back(';');
        if (!entry.concealed_results) entry.concealed_results = std::make_unique<std::vector<std::uint32_t>>();
        entry.concealed_results->push_back(results++);
        consumer.context_sent = true;
        consumer.context_by_query = true;
        consumer.context_expires = context->expires;
        stands = true;
      }
    }
    composed.append(statement.server_text);
    ++results;
    if (statement.drops_context) stands = false;
    doubt_settings(text, i);
  }
  if (!stands) consumer.context_sent = false;
  if (entry.concealed_results) {
    std::ranges::reverse(*entry.concealed_results);
    entry.concealed = entry.concealed_results->back() == 0;
  }
  to_server.make(forward, [&](Bytes& out) {
    pgwire::MessageWriter writer(out);
    pgwire::write_query(writer, composed);
  });
}

/// Ahead of a Bind or an Execute of the extended protocol. A statement of which nothing is known is
/// one of SQL's PREPARE, and may need it.
void Relay::put_context(const Prepared& statement, bool unnamed_portal_is_free, ServerRuns& to_server) {
  if (statement.text && !statement.text->needs_context) return;
  const auto now = tools_.clock.wall();
  if (context_stands(now)) return;
  ConsumerState& consumer = *consumer_;
  const auto context = consumer.signer.sign(server_->context_key, now);
  if (!context) return;  // the server refuses what comes without
  Prepared setter;
  setter.shared = context_statement();
  setter.by_shared_name = true;
  ensure_prepared(setter, {}, to_server);
  PendingReply& bind = push_hidden(Awaited::Bind);
  bind.context = true;
  bind.statement = setter;  // should it be gone, it is prepared anew
  PendingReply& execute = push_hidden(Awaited::Execute);
  execute.context = true;
  execute.concealed = true;
  const std::string_view portal = unnamed_portal_is_free ? std::string_view() : kContextName;
  if (!unnamed_portal_is_free) push_hidden(Awaited::ClosePortal).context = true;
  to_server.make(Forward(), [&](Bytes& out) {
    pgwire::MessageWriter writer(out);
    const std::array<std::optional<ByteView>, 1> parameters{as_bytes(context->text)};
    pgwire::write_bind(writer, portal, kContextName, {}, parameters, {});
    pgwire::write_execute(writer, portal, 0);
    if (!portal.empty()) pgwire::write_close(writer, pgwire::TargetKind::Portal, portal);
  });
  consumer.context_sent = true;
  consumer.context_by_query = false;
  consumer.context_segment = segment_;
  consumer.context_expires = context->expires;
}

/// An Execute of it is sent.
void Relay::follow_consumer_statement(const ConsumerText* text) noexcept {
  if (text == nullptr || text->drops_context) consumer_->context_sent = false;
  for (std::size_t i = 0; text != nullptr && i < text->statements.size(); ++i) doubt_settings(*text, i);
}

void Relay::doubt_settings(const ConsumerText& text, std::size_t i) noexcept {
  if (changes_setting(text, i, kSearchPath)) consumer_->search_path_in_doubt = true;
  if (changes_setting(text, i, kTenant)) consumer_->tenant_in_doubt = true;
  if (text.analysis.statements[i].pin == sql::PinReason::WithHoldCursor) consumer_->held_cursor = true;
}

/// The statement of front that ran is done, front still saying which.
void Relay::follow_consumer_result(const PendingReply& front, std::string_view tag) {
  const auto* text = front.statement.text.get();
  const std::size_t i = front.kind == Awaited::Query ? front.completed : 0;
  if (text == nullptr || i >= text->statements.size()) {
    ++consumer_->ran;
    return;
  }
  ConsumerState& consumer = *consumer_;
  const auto& statement = text->analysis.statements[i];
  using enum sql::Kind;
  const auto& setting = text->statements[i].setting;
  const bool reads_nothing = statement.kind == Begin || statement.kind == Set || statement.kind == SetLocal ||
                             statement.kind == Reset || setting.has_value();
  if (!reads_nothing) ++consumer.ran;
  for (KeptSetting* kept : {&consumer.search_path, &consumer.tenant}) {
    if (statement.kind == Commit || statement.kind == Rollback)
      tag == "COMMIT" ? kept->commit() : kept->rollback();
    else if (statement.kind == Savepoint)
      kept->savepoint(statement.name);
    else if (statement.kind == Release)
      kept->release(statement.name);
    else if (statement.kind == RollbackTo)
      kept->rollback_to(statement.name);
    else if (changes_setting(*text, i, kept == &consumer.tenant ? kTenant : kSearchPath))
      change(*kept, setting, tag);
  }
  if (statement.kind == Commit || statement.kind == Rollback) consumer.ran = 0;
  if (tag == "DISCARD ALL") consumer.held_cursor = false;
  follow_tenant();
}

/// transaction_ is what the server has just said; the front is what it ends.
void Relay::follow_consumer_ready() {
  ConsumerState& consumer = *consumer_;
  const bool last = replies_.size() <= 1;
  if (transaction_ == pgwire::TransactionStatus::Idle) {
    for (KeptSetting* kept : {&consumer.search_path, &consumer.tenant})
      consumer.failed ? kept->rollback() : kept->commit();
    if (last) consumer.search_path_in_doubt = consumer.tenant_in_doubt = false;
    consumer.ran = 0;
    follow_tenant();
  }
  consumer.failed = false;
  if (last) consumer.replies_asked_for = false;
  const bool of_open_segment = !consumer.context_by_query && unsynced_ && consumer.context_segment == segment_;
  // A second lock: whatever leads back into a transaction (BEGIN, ROLLBACK TO, AND CHAIN) drops the context by itself.
  if (transaction_ != pgwire::TransactionStatus::InTransaction && !of_open_segment) consumer.context_sent = false;
}

/// The result of a statement of ours is over.
void Relay::take_concealed_result(PendingReply& front) noexcept {
  front.concealed_results->pop_back();
  reach_next_result(front);
}

void Relay::reach_next_result(PendingReply& front) noexcept {
  ++front.results;
  front.concealed = !front.concealed_results->empty() && front.concealed_results->back() == front.results;
}

/// The tag of a SHOW that is answered by a SELECT of ours is SHOW's.
Relay::Handled Relay::complete_to_consumer(const Message& message, const PendingReply& front, ByteRuns& to_client) {
  const auto* text = front.statement.text.get();
  const std::size_t i = front.kind == Awaited::Query ? front.completed : 0;
  const bool shows = text != nullptr && i < text->statements.size() && text->statements[i].setting &&
                     text->statements[i].setting->action == sql::VirtualSetting::Action::Show;
  if (!shows) return relay_reply(message, to_client);
  const auto before = to_client.total_bytes();
  to_client.make([](Bytes& out) {
    pgwire::MessageWriter writer(out);
    pgwire::write_command_complete(writer, "SHOW");
  });
  bytes_to_client_ += to_client.total_bytes() - before;
  return Handled::Taken;
}

/// ErrorResponse or NoticeResponse. front: what has failed, or null.
Relay::Handled Relay::scrub_to_consumer(const Message& message, const PendingReply* front, ByteRuns& to_client) {
  if (!message.complete && message.whole.size() < kScrubbedBytes) return Handled::NeedMore;
  const auto before = to_client.total_bytes();
  to_client.make([&](Bytes& out) {
    if (message.header.type == pgwire::backend::kNoticeResponse) {
      if (message.complete) scrub_notice(message.payload(), out);
      return;
    }
    if (!message.complete) return scrub_unread_error(out);
    ScrubNames names{consumer_->facts.wall_class.get(), consumer_->facts.shown_user};
    const auto& interrupted = consumer_->facts.interrupted;
    names.interrupted = interrupted && is_cancelled(message.payload()) && interrupted();
    const auto renamed = front == nullptr ? std::nullopt : with_own_names(*front, message.payload());
    scrub_error(renamed ? as_bytes(*renamed) : message.payload(), names, out);
  });
  bytes_to_client_ += to_client.total_bytes() - before;
  return drop_reply(message);
}

}  // namespace bartizan::session
