// Transaction pooling: whether anything of a session can stand on its server connection when it leaves
// it, beside what is followed. What can't be told to leave nothing counts as leaving something.
#include <algorithm>
#include <array>
#include <utility>

#include "bartizan/pgwire/backend_messages.hpp"
#include "bartizan/session/relay.hpp"

namespace bartizan::session {

namespace {

/// By themselves, and what runs unseen beside them apart, they leave nothing behind their transaction.
/// Not SET, though its reported and carried settings are followed: it is rare.
bool leaves_nothing(const sql::Statement& statement) noexcept {
  constexpr std::array kKinds = {sql::Kind::Select,     sql::Kind::Insert,   sql::Kind::Update,    sql::Kind::Delete,
                                 sql::Kind::Merge,      sql::Kind::CopyIn,   sql::Kind::CopyOut,   sql::Kind::Begin,
                                 sql::Kind::Commit,     sql::Kind::Rollback, sql::Kind::Savepoint, sql::Kind::Release,
                                 sql::Kind::RollbackTo, sql::Kind::SetLocal, sql::Kind::Show,      sql::Kind::Declare,
                                 sql::Kind::Fetch,      sql::Kind::Close,    sql::Kind::Lock,      sql::Kind::Notify,
                                 sql::Kind::Empty};
  if (!statement.parsed || statement.calls_unknown || statement.pin != sql::PinReason::None) return false;
  if (statement.command_tag == "SELECT INTO") return false;
  if (statement.kind == sql::Kind::Explain) return statement.effect == sql::Effect::Read;
  return std::ranges::find(kKinds, statement.kind) != kKinds.end();
}

/// Nor can they define anything. What calls a function that is not known may.
bool defines_nothing(const sql::Statement& statement) noexcept {
  constexpr std::array kKinds = {sql::Kind::Set,        sql::Kind::Reset,   sql::Kind::Discard,
                                 sql::Kind::Prepare,    sql::Kind::Listen,  sql::Kind::Unlisten,
                                 sql::Kind::Deallocate, sql::Kind::Declare, sql::Kind::Select};
  return statement.parsed && !statement.calls_unknown && statement.command_tag != "SELECT INTO" &&
         std::ranges::find(kKinds, statement.kind) != kKinds.end();
}

}  // namespace

bool Relay::needs_reset(const ServerState& server) const noexcept {
  if (server.last_session == 0 || server.last_session == pooling_.session) return false;
  // A consumer's views are not the catalogs' alone.
  return server.traces || pooling_.traits == nullptr || pooling_.always_reset || consumer_ != nullptr;
}

/// Behind what makes the server connection this session's.
void Relay::ask_for_traits(ServerRuns& to_server) {
  wrote_ = false;
  verdict_ = {};
  if (pooling_.traits == nullptr || pooling_.always_reset || consumer_) return;
  const auto now = tools_.clock.steady();
  verdict_ = pooling_.traits->verdict(now);
  const auto question = pooling_.traits->take_question(now);
  if (question.epoch == 0) return;
  PendingReply& entry = query_hidden(DepotTraits::text_of(question), to_server);
  entry.quiet = true;
  entry.traits = std::make_unique<DepotTraits::Question>(question);
}

/// DataRow of the answer.
Relay::Handled Relay::take_traits(const Message& message, const DepotTraits::Question& question) {
  if (!message.complete) return Handled::NeedMore;
  const auto row = pgwire::decode_data_row(message.payload());
  if (!row) return mismatch(message.header.type);
  std::array<std::string_view, 3> columns;
  std::size_t filled = question.whole ? 0 : 2;
  for (const auto value : row->columns) {
    if (filled >= columns.size() || !value) return mismatch(message.header.type);
    columns[filled++] = as_chars(*value);
  }
  if (filled != columns.size()) return mismatch(message.header.type);
  pooling_.traits->take_answer(question, {columns[0] == "t", columns[1] == "t", std::string(columns[2])},
                               tools_.clock.steady());
  return drop_reply(message);
}

/// For a statement that goes to the server, in whichever pool mode.
void Relay::follow_traces(const sql::Statement& statement) noexcept {
  if (leaves_nothing(statement)) {
    // COMMIT alone writes nothing: deferred triggers are those of a write before it.
    wrote_ = wrote_ || (statement.effect == sql::Effect::Write && !statement.transaction_control);
    return;
  }
  server_->traces = true;
  if (!defines_nothing(statement)) begin_definition();
}

void Relay::begin_definition() noexcept {
  if (pooling_.traits == nullptr || defining_) return;
  defining_ = true;
  pooling_.traits->begin_definition();
}

void Relay::end_definition() noexcept {
  if (std::exchange(defining_, false)) pooling_.traits->end_definition();
}

void Relay::detach() noexcept {
  ServerState* const server = std::exchange(server_, nullptr);
  if (server == nullptr || pooling_.shares == nullptr) return;
  const bool known =
      pooling_.traits != nullptr && !consumer_ && pooling_.traits->verdict(tools_.clock.steady()) == verdict_;
  if (!known || !verdict_.reads_leave_nothing() || (wrote_ && !verdict_.writes_leave_nothing())) server->traces = true;
}

}  // namespace bartizan::session
