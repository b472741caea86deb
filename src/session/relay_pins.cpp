// Transaction pooling: what of a statement needs the session, and what can be brought along instead.
#include <algorithm>
#include <array>
#include <utility>

#include "bartizan/pgwire/backend_messages.hpp"
#include "bartizan/pgwire/frontend_messages.hpp"
#include "bartizan/session/relay.hpp"
#include "literal.hpp"

namespace bartizan::session {

namespace {

/// Under which commands of ours run between a client's messages; reserved as all shared names are.
constexpr std::string_view kOwnCommand = "bartizan_00000000000000000000000000000000";
constexpr std::string_view kApplicationName = "application_name";

/// By a serial column's default or by nextval somewhere within.
bool may_move_sequence(const sql::Statement& statement) noexcept {
  constexpr std::array kKinds = {sql::Kind::Select,  sql::Kind::Insert,  sql::Kind::Update,
                                 sql::Kind::Delete,  sql::Kind::Merge,   sql::Kind::CopyIn,
                                 sql::Kind::Execute, sql::Kind::Explain, sql::Kind::Unknown};
  return statement.effect == sql::Effect::Write && std::ranges::find(kKinds, statement.kind) != kKinds.end();
}

/// How texts are read from here on, until the transaction's end or for good. Settings of an
/// extension or an application, and those that are carried, are not of that kind.
bool may_change_meaning(const sql::Statement& statement) noexcept {
  if (!statement.parsed || statement.calls_unknown || statement.sets_path) return true;
  if (statement.transaction_control) return false;
  constexpr std::array kHarmless = {sql::Kind::Show,       sql::Kind::Fetch,  sql::Kind::Declare,  sql::Kind::Close,
                                    sql::Kind::Deallocate, sql::Kind::Listen, sql::Kind::Unlisten, sql::Kind::Lock,
                                    sql::Kind::Notify,     sql::Kind::Empty};
  if (std::ranges::find(kHarmless, statement.kind) != kHarmless.end())
    return statement.pin == sql::PinReason::SetUntracked;
  // Of known functions only set_config sets, and its effect is Session's.
  constexpr std::array kData = {sql::Kind::Select, sql::Kind::Insert, sql::Kind::Update, sql::Kind::Delete,
                                sql::Kind::Merge,  sql::Kind::CopyIn, sql::Kind::CopyOut};
  if (std::ranges::find(kData, statement.kind) != kData.end())
    return statement.effect == sql::Effect::Session || statement.pin != sql::PinReason::None ||
           statement.command_tag == "SELECT INTO";
  if (statement.kind == sql::Kind::Explain) return statement.effect != sql::Effect::Read;
  const bool sets =
      statement.kind == sql::Kind::Set || statement.kind == sql::Kind::SetLocal || statement.kind == sql::Kind::Reset;
  return !sets || (CarriedSettings::bit_of(statement.name) == 0 && statement.name != kApplicationName &&
                   statement.name.find('.') == std::string::npos && statement.name != "transaction" &&
                   statement.name != "constraints");
}

bool lists_prepared(const sql::Statement& statement) noexcept {
  return std::any_of(statement.relations.begin(), statement.relations.end(),
                     [](const sql::Relation& relation) { return relation.name == "pg_prepared_statements"; });
}

bool resets_all(const sql::Statement& statement) noexcept {
  return (statement.kind == sql::Kind::Reset || statement.kind == sql::Kind::Discard) && statement.name.empty();
}

/// Names a statement that a client may have prepared by protocol.
bool names_prepared(const sql::Statement& each) noexcept {
  const bool uses = each.kind == sql::Kind::Execute || each.kind == sql::Kind::Explain || each.kind == sql::Kind::Ddl;
  return each.parsed && !each.name.empty() && (uses || each.kind == sql::Kind::Deallocate) &&
         !is_shared_name(each.name);
}

}  // namespace

void Relay::pin(sql::PinReason reason) noexcept {
  if (pin_ == sql::PinReason::None) pin_ = reason;
}

sql::PinReason Relay::pin_for(const sql::Statement& statement) const noexcept {
  const bool carried = statement.kind == sql::Kind::Set && CarriedSettings::bit_of(statement.name) != 0;
  if (statement.pin != sql::PinReason::None && !carried) return statement.pin;
  // What a function that is not PostgreSQL's own leaves in the session is not known.
  if (statement.calls_unknown || statement.kind == sql::Kind::Call) return sql::PinReason::SessionFunction;
  if (lists_prepared(statement)) return sql::PinReason::SqlPrepare;
  const bool creates = statement.kind == sql::Kind::Ddl || statement.command_tag == "SELECT INTO" ||
                       (statement.kind == sql::Kind::Explain && statement.effect == sql::Effect::Write);
  if (creates && (path_set_ || pooling_.temporary_path)) return sql::PinReason::TempTable;
  // A consumer can't ask for currval or lastval.
  if (!consumer_ && pooling_.sequences_matter != nullptr && may_move_sequence(statement) &&
      pooling_.sequences_matter->load(std::memory_order_relaxed))
    return sql::PinReason::SequenceValue;
  return sql::PinReason::None;
}

/// False: what stands behind a name in it, only the server's replies can tell, which are on their way.
bool Relay::names_settled(const Prepared& statement) const {
  if (!statement.analysis) return true;
  return std::none_of(statement.analysis->statements.begin(), statement.analysis->statements.end(),
                      [&](const sql::Statement& each) {
                        if (lists_prepared(each) && !unsynced_ && !statements_.settled()) return true;
                        return names_prepared(each) && !statements_.find(each.name, segment_);
                      });
}

/// For a statement that is about to be sent: a session that is pinned by it finds on its server
/// connection what it would find on one of its own.
void Relay::prepare_pin(const Prepared& statement, bool in_query, ServerRuns& to_server) {
  if (statement.text && statement.text->refusal) return;  // it is not sent
  bool pins = !statement.analysis;
  bool lists = false;
  static const std::vector<sql::Statement> kNone;
  for (const auto& each : statement.analysis ? statement.analysis->statements : kNone) {
    if (each.reads_sequence && pooling_.sequences_matter != nullptr)
      pooling_.sequences_matter->store(true, std::memory_order_relaxed);
    pins = pins || pin_for(each) != sql::PinReason::None;
    lists = lists || lists_prepared(each);
  }
  const bool dynamic =
      std::ranges::any_of(statement.analysis ? statement.analysis->statements : kNone, [](const sql::Statement& each) {
        return !each.parsed || each.calls_unknown || each.kind == sql::Kind::Call || each.kind == sql::Kind::Do;
      });
  if (pins && !pinned()) {
    hides_shared_ = (dynamic || !statement.analysis) && server_->statements.size() > 0;
    owes_clearing_ = server_->sequences_of != 0 && (server_->sequences_of != pooling_.session ||
                                                    server_->sequences_mixed || sequences_on_ != server_);
  }
  lists = lists && statements_.settled() &&
          statements_.any_of_named([](const Prepared& each) { return each.by_shared_name; });
  if ((!owes_clearing_ && !lists && !hides_shared_) || transaction_ == pgwire::TransactionStatus::Failed) return;
  if (owes_clearing_) {
    execute_hidden("DISCARD SEQUENCES", in_query, true, to_server);
    owes_clearing_ = false;
    server_->sequences_of = 0;
    server_->sequences_mixed = false;
  }
  if (lists) {
    name_as_client(in_query, to_server);
  } else if (hides_shared_) {  // a function could run or show what others have prepared
    execute_hidden("DEALLOCATE ALL", in_query, false, to_server);
    server_->statements.forget_all();
  }
  hides_shared_ = false;
  if (in_query) sync_hidden(to_server);
}

/// The session's statements stand under the client's names from here on, and no others beside them.
void Relay::name_as_client(bool quiet, ServerRuns& to_server) {
  execute_hidden("DEALLOCATE ALL", quiet, false, to_server);
  server_->statements.forget_all();
  statements_.for_each_named([&](const std::string& name, Prepared& statement) {
    if (!statement.by_shared_name) return;
    statement.by_shared_name = false;
    push_hidden(Awaited::Parse).quiet = quiet;
    to_server.make(Forward(), [&](Bytes& out) { write_parse_as(out, *statement.shared, name); });
  });
}

/// For a statement that goes to the server.
void Relay::follow_state(const sql::Statement& statement) {
  // A consumer's context is set by a statement that stands on every server connection.
  if (consumer_ && (statement.kind == sql::Kind::Discard || statement.kind == sql::Kind::Deallocate))
    server_->statements.forget_all();
  follow_traces(statement);
  if (pooling_.shares == nullptr) return;
  if (may_change_meaning(statement)) meaning_certain_ = false;
  if (pinned()) return;
  if (statement.kind == sql::Kind::Set || statement.kind == sql::Kind::Reset)
    touched_ |= CarriedSettings::bit_of(statement.name);
  if (resets_all(statement)) touched_ |= carried_.set();
  if (may_move_sequence(statement)) {
    server_->sequences_mixed =
        server_->sequences_mixed || (server_->sequences_of != 0 && server_->sequences_of != pooling_.session);
    server_->sequences_of = pooling_.session;
    sequences_on_ = server_;
  }
  cursors_ = cursors_ || !statement.parsed || statement.calls_unknown || statement.kind == sql::Kind::Declare ||
             statement.kind == sql::Kind::Execute || statement.kind == sql::Kind::Do ||
             statement.kind == sql::Kind::Call;
  pin(pin_for(statement));
  path_set_ = path_set_ || statement.sets_path;
  // What stands there under shared names may go, also by the time that the next message is read.
  if (!statement.parsed || statement.kind == sql::Kind::Discard ||
      (statement.kind == sql::Kind::Deallocate && statement.name.empty()) ||
      (statement.kind == sql::Kind::Deallocate && is_shared_name(statement.name)))
    server_->statements.forget_all();
}

/// A command of ours in the midst of a client's messages: it belongs to the group that they are.
void Relay::execute_hidden(std::string_view text, bool quiet, bool clears, ServerRuns& to_server) {
  close_hidden(kOwnCommand, to_server);
  push_hidden(Awaited::Parse).quiet = quiet;
  push_hidden(Awaited::Bind).quiet = quiet;
  PendingReply& run = push_hidden(Awaited::Execute);
  run.quiet = quiet;
  run.clears = clears;
  push_hidden(Awaited::ClosePortal);
  push_hidden(Awaited::CloseStatement);
  to_server.make(Forward(), [&](Bytes& out) {
    pgwire::MessageWriter writer(out);
    pgwire::write_parse(writer, kOwnCommand, text);
    pgwire::write_bind(writer, kOwnCommand, kOwnCommand, {}, {}, {});
    pgwire::write_execute(writer, kOwnCommand, 0);
    pgwire::write_close(writer, pgwire::TargetKind::Portal, kOwnCommand);
    pgwire::write_close(writer, pgwire::TargetKind::Statement, kOwnCommand);
  });
}

/// Whether RESET, DISCARD ALL or SET … TO DEFAULT is the last that it does to application_name. The
/// server's own default is that of the pool, which the name is no part of.
bool Relay::resets_name(const Prepared& statement) const {
  if (own_name_.empty() || !statement.analysis) return false;
  bool resets = false;
  for (const auto& each : statement.analysis->statements) {
    if (each.kind == sql::Kind::Set && each.name == kApplicationName) resets = false;
    if (resets_all(each) || (each.kind == sql::Kind::Reset && each.name == kApplicationName)) resets = true;
  }
  return resets;
}

std::string Relay::name_command() const {
  std::string text = "SET application_name = ";
  append_literal(text, own_name_);
  return text;
}

/// ParameterStatus of application_name, reset by the client: it hears of the name that it started with.
Relay::Handled Relay::tell_own_name(const Message& message, ByteRuns& to_client) {
  if (settings_.find(kApplicationName) == own_name_) return drop_reply(message);
  settings_.put(kApplicationName, own_name_);
  const auto before = to_client.total_bytes();
  to_client.make([&](Bytes& out) {
    pgwire::MessageWriter writer(out);
    pgwire::write_parameter_status(writer, kApplicationName, own_name_);
  });
  bytes_to_client_ += to_client.total_bytes() - before;
  return drop_reply(message);
}

/// Behind what the server answers by ReadyForQuery: how the settings that were set stand now.
void Relay::ask_for_carried(ServerRuns& to_server) {
  if (touched_ == 0 || pinned()) return;
  PendingReply& entry = query_hidden(CarriedSettings::question(touched_), to_server);
  entry.quiet = true;
  entry.asked = std::exchange(touched_, 0);
}

/// DataRow of the answer.
Relay::Handled Relay::take_carried(const Message& message) {
  const PendingReply& front = replies_.front();
  if (front.asked == 0) return drop_reply(message);
  if (!message.complete) return Handled::NeedMore;
  const auto row = pgwire::decode_data_row(message.payload());
  if (!row) return mismatch(message.header.type);
  told_ = carried_;
  told_fits_ = true;
  std::size_t column = 0;
  for (const auto value : row->columns) {
    if (!value) return mismatch(message.header.type);
    const std::string_view text(reinterpret_cast<const char*>(value->data()), value->size());
    if (!told_.put(front.asked, column++, text)) told_fits_ = false;
  }
  return drop_reply(message);
}

/// ReadyForQuery of the answer. Within a transaction, which may be rolled back, it is no answer yet.
void Relay::settle_carried(const PendingReply& front) {
  if (front.failed || transaction_ != pgwire::TransactionStatus::Idle) {
    touched_ |= front.asked;
    return;
  }
  carried_ = told_;
  server_->carried = told_;
  if (!told_fits_) pin(sql::PinReason::SetUntracked);
}

/// Nothing is owed to the client, and no transaction is open.
bool Relay::only_own_commands() noexcept {
  for (std::size_t i = 0; i < replies_.size(); ++i)
    if (!replies_.at(i).hidden) return false;
  return transaction_ == pgwire::TransactionStatus::Idle && !discarding_ && !unsynced_;
}

bool Relay::settle_syncs(ServerRuns& to_server) {
  if (pooling_.shares == nullptr || server_ == nullptr || !idle() || ambiguous_syncs_ == 0 || !at_server_boundary())
    return false;
  query_hidden(";", to_server);
  return true;
}

/// Of a session that is not pinned: nothing can stand behind this name.
bool Relay::no_statement(std::string_view name) const noexcept {
  return pooling_.shares != nullptr && !pinned() && renaming_statements_.count == 0 &&
         name.size() <= PreparedNames::kMaxNameBytes;
}
bool Relay::no_portal(std::string_view name) const noexcept {
  return pooling_.shares != nullptr && !pinned() && renaming_portals_.count == 0 && !cursors_ &&
         name.size() <= PreparedNames::kMaxNameBytes && !portals_.full();
}

/// Bind may run functions while it plans.
void Relay::follow_planning(const Prepared& statement, ServerRuns& to_server) {
  if (pinned() || !statement.analysis) return;
  for (const auto& each : statement.analysis->statements) {
    if (!each.calls_unknown) continue;
    prepare_pin(statement, false, to_server);
    pin(sql::PinReason::SessionFunction);
    return;
  }
}

/// The client's statement of this name is no more: its text need not be kept.
void Relay::release_text(std::string_view name) {
  const auto* const closed = statements_.confirmed(name);
  if (closed != nullptr && closed->by_shared_name) release_bytes(*closed->shared);
}

void Relay::release_bytes(const SharedStatement& statement) noexcept {
  shared_bytes_ -= std::min(shared_bytes_, statement.text.size() + statement.parameter_types.size());
}

/// ReadyForQuery of what went ahead of the session's first message. Where the server's own defaults
/// have changed, the settings are not those that the client was told.
void Relay::settle_attach(ByteRuns& to_client) {
  server_->settings.for_each([&](std::string_view name, std::string_view value) {
    if (settings_.find(name) == value) return;
    follow(pgwire::ParameterStatus{name, value});
    if (consumer_ && !told_to_consumers(name)) return;
    const auto before = to_client.total_bytes();
    to_client.make([&](Bytes& out) {
      pgwire::MessageWriter writer(out);
      pgwire::write_parameter_status(writer, name, value);
    });
    bytes_to_client_ += to_client.total_bytes() - before;
  });
}

}  // namespace bartizan::session
