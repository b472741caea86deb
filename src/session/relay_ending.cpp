// How what was asked of the server ends: by an error, by ReadyForQuery, or unanswered.
#include <algorithm>

#include "bartizan/pgwire/backend_messages.hpp"
#include "bartizan/session/relay.hpp"
#include "consumer_state.hpp"

namespace bartizan::session {

namespace {

/// An ErrorResponse is read whole up to this; of a longer one its first fields are enough.
constexpr std::size_t kReportPrefixBytes = 16 * 1024;
constexpr std::size_t kRenamedReportBytes = 1024 * 1024;
constexpr std::size_t kConsumerReportBytes = 64 * 1024;

/// invalid_sql_statement_name and "cached plan must not change result type": what was thought to
/// stand on the server is prepared anew before its next use.
bool doubts_prepared(pgwire::SqlState sqlstate) noexcept {
  return sqlstate == pgwire::sqlstate::kUndefinedPreparedStatement ||
         sqlstate == pgwire::sqlstate::kFeatureNotSupported;
}

struct ErrorHead {
  std::string_view severity;
  std::string_view sqlstate;
};

/// From the fields at the front of an ErrorResponse, of which the rest may be missing.
ErrorHead head_of_error(ByteView prefix) noexcept {
  ErrorHead head;
  std::string_view localised;
  ByteReaderView reader(prefix);
  for (auto code = reader.u8(); code && *code != 0; code = reader.u8()) {
    const auto value = reader.cstring();
    if (!value) break;
    if (*code == 'S' && localised.empty()) localised = *value;
    if (*code == 'V' && head.severity.empty()) head.severity = *value;
    if (*code == 'C' && head.sqlstate.empty()) head.sqlstate = *value;
  }
  if (head.severity.empty()) head.severity = localised;  // servers before 9.6
  return head;
}

}  // namespace

/// The last ticket of a Query whose end could not be read may stand for several statements: its
/// outcome is that of all, known at ReadyForQuery.
bool Relay::runs_on(const PendingReply& entry) noexcept {
  if (entry.kind != Awaited::Query || !entry.has_ticket) return false;
  const auto* analysis = entry.statement.analysis.get();
  return analysis == nullptr ||
         (entry.completed + 1 >= analysis->statements.size() && !analysis->statements.back().parsed);
}

Relay::Handled Relay::on_error_response(const Message& message, ByteRuns& to_client) {
  // What may speak of a shared name is read whole, so that the client's can take its place.
  const bool renames = !replies_.empty() && replies_.front().statement.by_shared_name;
  const std::size_t enough = consumer_ || cells_ ? kConsumerReportBytes
                             : renames           ? kRenamedReportBytes
                                                 : kReportPrefixBytes;
  if (!message.complete && message.whole.size() < enough) return Handled::NeedMore;
  if (message.complete && !pgwire::decode_report(message.payload())) return mismatch(message.header.type);
  const auto head = head_of_error(message.payload());
  const bool fatal = head.severity == "FATAL" || head.severity == "PANIC";
  if (replay_.state != Replay::State::None) {
    if (!fatal && !replies_.empty() && replays(replies_.front(), head.sqlstate)) {
      make_replay();
      return drop_reply(message);
    }
    replay_ = {};
  }
  server_said_fatal_ = server_said_fatal_ || fatal;
  ++figures_.failed;
  copy_in_ = false;
  if (replies_.empty()) {
    // Unasked errors are those that end the connection: an administrator's, a time-out's, a crash's.
    if (!fatal) return mismatch(message.header.type);
    if (consumer_) return scrub_to_consumer(message, nullptr, to_client);
    if (cells_) return scrub_cells(message, nullptr, to_client);
    return relay_reply(message, to_client);
  }
  PendingReply& front = replies_.front();
  if (front.failed && !fatal) return mismatch(message.header.type);
  // Of the hidden messages some may fail; without the others the session is not what it has to be.
  const bool may_fail = front.quiet || front.context || front.kind == Awaited::Parse || front.kind == Awaited::Execute;
  if (front.hidden && !may_fail && !fatal) return mismatch(message.header.type);
  const bool replaced = front.refusal && !fatal;
  // Of a server that gives none, or nonsense: internal_error.
  const auto sqlstate = replaced ? front.refusal->sqlstate
                                 : pgwire::SqlState::parse(head.sqlstate).value_or(pgwire::sqlstate::kInternalError);
  std::copy_n(sqlstate.view().begin(), 5, front.sqlstate.begin());
  if (!front.copying && front.kind != Awaited::Sync) ambiguous_syncs_ = 0;
  if (replaced) {
    const auto before = to_client.total_bytes();
    to_client.make([&](Bytes& out) {
      pgwire::MessageWriter writer(out);
      pgwire::write_error_response(writer, *front.refusal);
    });
    bytes_to_client_ += to_client.total_bytes() - before;
    dropping_from_server_ = message.header.total_bytes() - message.whole.size();
  } else if (front.quiet && !fatal) {
    drop_reply(message);
  } else if (consumer_) {
    scrub_to_consumer(message, &front, to_client);
  } else if (cells_) {
    scrub_cells(message, &front, to_client);
  } else {
    relay_error(message, front, to_client);
  }
  if (consumer_) consumer_->failed = true;
  if (front.statement.by_shared_name && server_ != nullptr && doubts_prepared(sqlstate))
    server_->statements.forget_all();
  if (front.materialised) pin(sql::PinReason::SqlPrepare);
  finish_statement(front, front.refusal ? audit::Status::Refused : audit::Status::Failed);
  front.failed = true;
  if (front.kind == Awaited::Execute && ambiguous_syncs_ > 0 && !sync_follows())
    return end_fatal(pgwire::sqlstate::kProtocolViolation, "expected Sync after a COPY that failed");
  if (front.kind != Awaited::Query && front.kind != Awaited::FunctionCall && front.kind != Awaited::Sync)
    skip_to_sync();
  return Handled::Taken;
}

/// Behind a COPY that fails with Syncs sent into it, any of which may have ended the skipping: only
/// what stands behind a further Sync is run for certain.
bool Relay::sync_follows() noexcept {
  std::size_t i = 1;
  while (i < replies_.size() && replies_.at(i).kind == Awaited::CopyEnd) ++i;
  return i >= replies_.size() || replies_.at(i).kind == Awaited::Sync;
}

/// The server ignores what was sent up to the next Sync, also what has not been sent yet.
void Relay::skip_to_sync() {
  while (!replies_.empty() && replies_.front().kind != Awaited::Sync) pop_front(audit::Status::NotRun);
  discarding_ = replies_.empty();
}

Relay::Handled Relay::on_ready_for_query(const Message& message, ByteRuns& to_client) {
  if (!message.complete) return Handled::NeedMore;
  const auto ready = pgwire::decode_ready_for_query(message.payload());
  if (!ready) return mismatch(message.header.type);
  bool awaited = false;
  if (!replies_.empty()) {
    const PendingReply& front = replies_.front();
    const bool by_itself = front.kind == Awaited::Query || front.kind == Awaited::FunctionCall;
    awaited = front.kind == Awaited::Sync || (by_itself && (front.answered || front.failed));
  }
  if (!awaited) {
    if (ambiguous_syncs_ == 0) return mismatch(message.header.type);
    --ambiguous_syncs_;
    discarding_ = false;
    if (replies_.empty()) unsynced_ = false;
  }
  transaction_ = ready->status;
  if (consumer_) follow_consumer_ready();
  if (transaction_ == pgwire::TransactionStatus::Idle) portals_.clear_named();
  const bool ours = awaited && replies_.front().hidden;
  if (ours && replies_.front().asked != 0) settle_carried(replies_.front());
  if (ours && replies_.front().attaches) settle_attach(to_client);
  const auto handled = ours ? drop_reply(message) : relay_reply(message, to_client);
  if (awaited) {
    const PendingReply& front = replies_.front();
    pop_front(front.failed ? audit::Status::NotRun : runs_on(front) ? audit::Status::Ok : audit::Status::Unknown);
  }
  if (transaction_ == pgwire::TransactionStatus::Idle && replies_.empty()) {
    meaning_certain_ = true;
    if (!unsynced_) end_definition();
    path_set_ = false;
    cursors_ = false;
    // Sent ahead of the end of its transaction, so it has not been asked for behind that.
    if (touched_ != 0 && !unsynced_) pin(sql::PinReason::SetUntracked);
  }
  // Changed settings are told before ReadyForQuery.
  if (replies_.empty()) lex_certain_ = true;
  if (replies_.empty()) cell_replies_asked_for_ = false;
  return handled;
}

void Relay::pop_front(audit::Status unfinished) {
  PendingReply& front = replies_.front();
  finish_entry(front, unfinished);
  if (front.kind == Awaited::Parse) {
    if (!front.answered) end_unfinished_parse(front);
    if (!front.hidden) statements_.settle(front.name);
  }
  if (front.kind == Awaited::CloseStatement && !front.hidden && pooling_.shares != nullptr)
    statements_.settle(front.name);
  if (front.kind == Awaited::Bind && !front.hidden) portals_.settle(front.name);
  if (front.materialised && !front.answered) pin(sql::PinReason::SqlPrepare);
  if (front.hidden && !front.answered) {
    owes_clearing_ = owes_clearing_ || front.clears;
    if (front.kind == Awaited::CloseStatement && front.statement.shared && server_ != nullptr)
      server_->statements.owe_close(std::move(front.statement.shared));
  }
  if (front.renames) --renaming_statements_.count;
  if (front.renames_portals) --renaming_portals_.count;
  ++answered_;
  replies_.pop();
  while (!replies_.empty() && replies_.front().kind == Awaited::CopyEnd) replies_.pop();
}

void Relay::abandon() {
  while (!replies_.empty()) {
    const bool sent = replies_.size() > unsent_;
    pop_front(server_said_fatal_ || !sent ? audit::Status::NotRun : audit::Status::Unknown);
  }
}

}  // namespace bartizan::session
