// Client to server: which message may be sent now, and what the server will owe for it.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "bartizan/pgwire/frontend_messages.hpp"
#include "bartizan/session/relay.hpp"
#include "consumer_names.hpp"
#include "consumer_state.hpp"

namespace bartizan::session {

using pgwire::frontend::kBind;
using pgwire::frontend::kClose;
using pgwire::frontend::kCopyData;
using pgwire::frontend::kCopyDone;
using pgwire::frontend::kCopyFail;
using pgwire::frontend::kDescribe;
using pgwire::frontend::kExecute;
using pgwire::frontend::kFlush;
using pgwire::frontend::kFunctionCall;
using pgwire::frontend::kParse;
using pgwire::frontend::kQuery;
using pgwire::frontend::kSync;
using pgwire::frontend::kTerminate;

namespace {

/// What stands in for a refused statement. It must fail in PostgreSQL's raw parser, whatever the
/// state of the transaction, and says in the server's log what it was.
constexpr std::string_view kRefusedText = "BARTIZAN REFUSED THIS STATEMENT";
/// Of a Parse in the place of a refused Execute: an Execute of ours could name a portal that the
/// client has made, and a Parse without a name would drop the client's unnamed statement.
constexpr std::string_view kRefusedName = "bartizan refused";

/// Enough for the names in front of a Bind whose values stream.
constexpr std::size_t kNamePrefixBytes = 64 * 1024;

/// Under such names the statements of all sessions stand on the pool's servers.
std::unique_ptr<pgwire::ErrorReport> reserved_name(std::string_view name) {
  auto report = std::make_unique<pgwire::ErrorReport>();
  report->sqlstate = pgwire::sqlstate::kInvalidName;
  report->message = fmt::format("prepared statement name \"{}\" is reserved", name);
  report->hint = "Choose one that does not begin with \"bartizan_\".";
  return report;
}

void write_parse_of(Bytes& out, const pgwire::Parse& parse, ByteView parameter_types) {
  pgwire::MessageWriter writer(out);
  writer.begin(kParse);
  writer.cstring(parse.statement);
  writer.cstring(parse.query);
  writer.bytes(parameter_types);
  writer.end();
}

bool belongs_into_copy(char type) noexcept {
  return type == kCopyData || type == kCopyDone || type == kCopyFail || type == kFlush || type == kSync ||
         type == kTerminate;
}

/// Kinds by which SQL gives a prepared statement's or a portal's name another meaning.
bool may_rename(const sql::Analysis* analysis) noexcept {
  if (analysis == nullptr) return true;
  return std::any_of(analysis->statements.begin(), analysis->statements.end(), [](const sql::Statement& statement) {
    return !statement.parsed || statement.kind == sql::Kind::Prepare || statement.kind == sql::Kind::Deallocate ||
           statement.kind == sql::Kind::Discard || statement.kind == sql::Kind::Declare ||
           statement.kind == sql::Kind::Close;
  });
}

}  // namespace

Relay::Relay(policy::Subject subject, std::string who, RelayTools tools, RelayLimits limits, Pooling pooling,
             std::unique_ptr<Consumer> consumer)
    : subject_(std::move(subject)), who_(std::move(who)), tools_(tools), limits_(limits), pooling_(pooling) {
  if (consumer) become_consumer(std::move(*consumer));
  if (pooling_.shares != nullptr) return;
  own_server_ = std::make_unique<ServerState>();
  server_ = own_server_.get();
  if (consumer_) server_->context_key = consumer_->facts.connection_key;
}

Relay::~Relay() = default;

Relay::Handled Relay::end_fatal(pgwire::SqlState sqlstate, std::string text, std::string hint) {
  pgwire::ErrorReport report;
  report.severity = pgwire::Severity::Fatal;
  report.sqlstate = sqlstate;
  report.message = std::move(text);
  report.hint = std::move(hint);
  report_ = std::move(report);
  return Handled::Fatal;
}

Step Relay::on_client(ByteView input, ServerRuns& to_server) {
  Step step;
  if (holding_back() && !release_held_back(to_server)) {
    step.verdict = Verdict::AwaitDurable;
    return step;
  }
  while (step.consumed < input.size()) {
    const ByteView rest = input.subspan(step.consumed);
    if (relaying_to_server_ > 0) {
      if (holding_back()) break;
      const auto part = rest.first(std::min<std::uint64_t>(rest.size(), relaying_to_server_));
      to_server.relay(Forward(), part);
      relaying_to_server_ -= part.size();
      step.consumed += part.size();
      continue;
    }
    if (dropping_from_client_ > 0) {
      const auto part = std::min<std::uint64_t>(rest.size(), dropping_from_client_);
      dropping_from_client_ -= part;
      step.consumed += part;
      continue;
    }
    if (replies_.size() >= limits_.pending_replies) {
      step.verdict = holding_back() ? Verdict::AwaitDurable : Verdict::Stalled;
      return step;
    }
    Message message;
    switch (pgwire::peek_frame(rest, message.header)) {
      case pgwire::FrameStatus::NeedMore: step.verdict = waiting_verdict(); return step;
      case pgwire::FrameStatus::Malformed:
        end_fatal(pgwire::sqlstate::kProtocolViolation, "invalid message length");
        step.verdict = holding_back() ? Verdict::AwaitDurable : Verdict::Fatal;
        return step;
      case pgwire::FrameStatus::Ok: break;
    }
    if (server_ == nullptr && message.header.type != kTerminate) {
      // None is held for a message of which more has to come, but for those that may be long.
      const char type = message.header.type;
      const bool whole = rest.size() >= message.header.total_bytes();
      const bool streams = type == kBind || type == kCopyData || type == kFunctionCall;
      if (!whole && !streams && message.header.length <= limits_.statement_bytes) return step;
      step.verdict = Verdict::NeedServer;
      return step;
    }
    message.complete = rest.size() >= message.header.total_bytes();
    message.whole = message.complete ? rest.first(message.header.total_bytes()) : rest;
    switch (client_message(message, to_server)) {
      case Handled::Taken: step.consumed += message.whole.size(); break;
      case Handled::NeedMore: step.verdict = waiting_verdict(); return step;
      case Handled::Stall: step.verdict = Verdict::Stalled; return step;
      case Handled::Await: step.verdict = Verdict::AwaitDurable; return step;
      case Handled::Fatal: step.verdict = Verdict::Fatal; return step;
    }
    if (message.header.type == kTerminate) {
      step.verdict = Verdict::Finished;
      return step;
    }
  }
  step.verdict = waiting_verdict();
  return step;
}

Relay::Handled Relay::handle_client_message(const Message& message, ServerRuns& to_server) {
  const char type = message.header.type;
  const std::uint32_t longest = pgwire::max_frontend_length(type);
  if (longest == 0 || type == pgwire::frontend::kPassword)
    return end_fatal(
        pgwire::sqlstate::kProtocolViolation,
        fmt::format("invalid frontend message type {}", static_cast<unsigned>(static_cast<unsigned char>(type))));
  if (message.header.length > longest) return end_fatal(pgwire::sqlstate::kProtocolViolation, "invalid message length");
  // COPY FROM STDIN fails by any other message, and PostgreSQL ends the session by it; whether the
  // message is then eaten or, if the COPY has failed before, run can't be known from here.
  if (copy_in_ && !belongs_into_copy(type))
    return end_fatal(
        pgwire::sqlstate::kProtocolViolation,
        fmt::format("unexpected message type 0x{:02X} during COPY from stdin", static_cast<unsigned char>(type)));
  // After an error in the extended protocol the server skips everything up to Sync; so do we.
  if (discarding_ && type != kSync && type != kTerminate) {
    if (ambiguous_syncs_ > 0 && !belongs_into_copy(type))
      return end_fatal(pgwire::sqlstate::kProtocolViolation, "expected Sync after a COPY that failed");
    return drop(message);
  }
  // Whatever its statements say: until Sync they are one transaction, and replies may be told by Flush.
  if (type == kParse || type == kBind || type == kExecute || type == kDescribe || type == kClose) {
    if (consumer_ && !unsynced_) consumer_->settled_before_segment = replies_.empty();
    unsynced_ = true;
  }
  switch (type) {
    case kQuery: return on_query(message, to_server);
    case kParse: return on_parse(message, to_server);
    case kBind: return on_bind(message, to_server);
    case kExecute: return on_execute(message, to_server);
    case kDescribe: return on_describe(message, to_server);
    case kClose: return on_close(message, to_server);
    case kFunctionCall: return on_function_call(message, to_server);
    case kSync: return on_sync(message, to_server);
    case kCopyData:
    case kCopyDone:
    case kCopyFail: return on_copy_message(message, to_server);
    default: return relay_protocol(message, to_server);  // Flush, Terminate
  }
}

Relay::Handled Relay::drop(const Message& message) {
  dropping_from_client_ = message.header.total_bytes() - message.whole.size();
  return Handled::Taken;
}

void Relay::relay_with(const Forward& forward, const Message& message, ServerRuns& to_server) {
  to_server.relay(forward, message.whole);
  relaying_to_server_ = message.header.total_bytes() - message.whole.size();
}

Relay::Handled Relay::relay_protocol(const Message& message, ServerRuns& to_server) {
  if (!message.complete) return Handled::NeedMore;
  if (message.header.type == kTerminate && (server_ == nullptr || releasable())) return Handled::Taken;
  // The server would answer such a Flush by an error, though nothing is awaited for it.
  if (message.header.type == kFlush && message.header.payload_bytes() != 0)
    return end_fatal(pgwire::sqlstate::kProtocolViolation, "invalid Flush message");
  relay_with(Forward(), message, to_server);
  return Handled::Taken;
}

Relay::Handled Relay::end_too_long() {
  return end_fatal(pgwire::sqlstate::kProgramLimitExceeded,
                   fmt::format("the statement is longer than {} bytes", limits_.statement_bytes),
                   "Send large values as parameters or by COPY, or raise limits.statement_bytes.");
}

/// nullopt: only the server's replies can tell, and they are on their way.
std::optional<Prepared> Relay::meaning_of(const PreparedNames& names, std::string_view name) const {
  if (renaming_ > 0 && !name.empty()) {
    if (segment_ >= renaming_settled_in_) return std::nullopt;
    return Prepared{};  // the server may keep its replies back until Sync: not to be waited for
  }
  return names.find(name, segment_);
}

/// For a Query or an Execute that goes to the server. A Query's replies are sent at its end, an
/// Execute's at the next Sync.
void Relay::mark_renaming(PendingReply& entry) {
  lex_certain_ = false;
  if (!may_rename(entry.statement.analysis.get())) return;
  entry.renames = true;
  ++renaming_;
  renaming_settled_in_ = std::max(renaming_settled_in_, entry.kind == Awaited::Query ? segment_ : segment_ + 1);
}

bool Relay::ask_for_due_replies(ServerRuns& to_server) {
  // A COPY waits for data that will not come; in the middle of a message nothing may be put in.
  if (replies_.empty() || copy_in_ || relaying_to_server_ > 0) return false;
  to_server.make(Forward(), [](Bytes& out) {
    pgwire::MessageWriter writer(out);
    pgwire::write_empty(writer, kFlush);
  });
  return true;
}

Relay::Handled Relay::on_query(const Message& message, ServerRuns& to_server) {
  if (message.header.length > limits_.statement_bytes) return end_too_long();
  if (!message.complete) return Handled::NeedMore;
  const auto query = pgwire::decode_query(message.payload());
  if (!query) return end_fatal(pgwire::sqlstate::kProtocolViolation, "invalid Query message");
  if (consumer_ && waits_for_settings()) return wait_for_replies(to_server);
  Prepared statement = analyse(query->query);
  if (pooling_.shares != nullptr) {
    // Within an open group its failure skips the Query, as it must.
    materialise_named(statement, !unsynced_, to_server);
    statements_.erase({});  // a Query drops the statement without a name
    own_unnamed(false);
  }
  const bool context_stood = consumer_ && context_stands(tools_.clock.wall());
  if (consumer_) consumer_->context_by_query = true;  // no more in the segment's transaction
  unsynced_ = false;  // a Query ends what was open
  PendingReply& entry = replies_.push(Awaited::Query);
  entry.begun = tools_.clock.steady();
  entry.bytes_before = bytes_to_client_;
  entry.statement = std::move(statement);
  auto admission = admit_statements(entry.statement, audit::Event::Statement, entry);
  if (admission.forward) {
    mark_renaming(entry);
    if (consumer_)
      send_consumer_query(*admission.forward, entry, context_stood, to_server);
    else
      relay_with(*admission.forward, message, to_server);
  } else {
    entry.refusal = std::move(admission.refusal);
    to_server.make(Forward(), [](Bytes& out) {
      pgwire::MessageWriter writer(out);
      pgwire::write_query(writer, kRefusedText);
    });
  }
  return Handled::Taken;
}

Relay::Handled Relay::on_parse(const Message& message, ServerRuns& to_server) {
  if (message.header.length > limits_.statement_bytes) return end_too_long();
  if (!message.complete) return Handled::NeedMore;
  const auto parse = pgwire::decode_parse(message.payload());
  if (!parse) return end_fatal(pgwire::sqlstate::kProtocolViolation, "invalid Parse message");
  if (consumer_ && waits_for_settings()) return wait_for_replies(to_server);
  std::optional<Prepared> before;
  if (pooling_.shares != nullptr && !parse->statement.empty()) {
    before = meaning_of(statements_, parse->statement);
    if (!before) return Handled::Stall;
  }
  PendingReply entry;
  entry.kind = Awaited::Parse;
  entry.segment = segment_;
  entry.name = parse->statement;
  entry.statement = analyse(parse->query);
  auto admission = decide_only(entry.statement);
  const auto types = message.payload().subspan(parse->statement.size() + parse->query.size() + 2);
  if (pooling_.shares != nullptr && admission.forward && is_shared_name(entry.name))
    admission = {std::nullopt, reserved_name(entry.name)};
  if (consumer_ && admission.forward)
    if (auto refusal = refuse_parse(entry.name, types)) admission = {std::nullopt, std::move(refusal)};
  if (!admission.forward) {
    entry.statement = {};
    entry.refusal = std::move(admission.refusal);
    statements_.announce(entry.name, entry.statement, segment_);
    replies_.push(Awaited::Parse) = std::move(entry);
    to_server.make(Forward(), [&](Bytes& out) {
      pgwire::MessageWriter writer(out);
      pgwire::write_parse(writer, is_shared_name(parse->statement) ? kNoStatement : parse->statement, kRefusedText);
    });
    return Handled::Taken;
  }
  pgwire::Parse sent = *parse;
  const auto text = entry.statement.text;  // keeps what sent looks at
  if (consumer_) {
    sent.query = text->server_text;
    if (!entry.name.empty()) keep_without_text(entry.statement);
  }
  if (before && before->by_shared_name) {
    relay_duplicate_parse(std::move(entry), *before, sent, types, *admission.forward, to_server);
    return Handled::Taken;
  }
  if (!native()) {
    entry.statement = share(std::move(entry.statement), sent, types);
  }
  statements_.announce(entry.name, entry.statement, segment_);
  if (entry.statement.by_shared_name) {
    relay_shared_parse(std::move(entry), *admission.forward, to_server);
    return Handled::Taken;
  }
  if (entry.name.empty()) own_unnamed(true);
  replies_.push(Awaited::Parse) = std::move(entry);
  if (consumer_)
    to_server.make(*admission.forward, [&](Bytes& out) { write_parse_of(out, sent, types); });
  else
    relay_with(*admission.forward, message, to_server);
  return Handled::Taken;
}

Relay::Handled Relay::on_bind(const Message& message, ServerRuns& to_server) {
  const auto names = pgwire::decode_bind_names(message.payload());
  if (!names) {
    if (!message.complete && message.whole.size() < kNamePrefixBytes) return Handled::NeedMore;
    return end_fatal(pgwire::sqlstate::kProtocolViolation, "invalid Bind message");
  }
  if (consumer_ && (is_reserved(names->portal) || is_reserved(names->statement))) return end_reserved_name();
  auto statement = meaning_of(statements_, names->statement);
  if (!statement) return Handled::Stall;
  if (consumer_) put_context(*statement, names->portal.empty(), to_server);
  if (pooling_.shares != nullptr) return relay_bind(message, *names, *statement, to_server);
  PendingReply& entry = replies_.push(Awaited::Bind);
  entry.name = names->portal;
  entry.statement = std::move(*statement);
  portals_.announce(entry.name, entry.statement, segment_);
  relay_with(Forward(), message, to_server);
  return Handled::Taken;
}

Relay::Handled Relay::on_execute(const Message& message, ServerRuns& to_server) {
  if (!message.complete) return Handled::NeedMore;
  const auto execute = pgwire::decode_execute(message.payload());
  if (!execute) return end_fatal(pgwire::sqlstate::kProtocolViolation, "invalid Execute message");
  if (consumer_ && is_reserved(execute->portal)) return end_reserved_name();
  auto statement = meaning_of(portals_, execute->portal);
  if (!statement) return Handled::Stall;
  if (pooling_.shares != nullptr) materialise_named(*statement, false, to_server);
  if (consumer_) put_context(*statement, false, to_server);
  PendingReply& entry = replies_.push(Awaited::Execute);
  entry.begun = tools_.clock.steady();
  entry.bytes_before = bytes_to_client_;
  entry.statement = std::move(*statement);
  auto admission = admit_statements(entry.statement, audit::Event::Execute, entry);
  if (admission.forward) {
    mark_renaming(entry);
    if (consumer_) follow_consumer_statement(entry.statement.text.get());
    relay_with(*admission.forward, message, to_server);
  } else {
    entry.refusal = std::move(admission.refusal);
    to_server.make(Forward(), [](Bytes& out) {
      pgwire::MessageWriter writer(out);
      pgwire::write_parse(writer, kRefusedName, kRefusedText);
    });
  }
  return Handled::Taken;
}

Relay::Handled Relay::on_describe(const Message& message, ServerRuns& to_server) {
  if (!message.complete) return Handled::NeedMore;
  const auto describe = pgwire::decode_describe(message.payload());
  if (!describe) return end_fatal(pgwire::sqlstate::kProtocolViolation, "invalid Describe message");
  if (consumer_ && is_reserved(describe->name)) return end_reserved_name();
  const bool of_statement = describe->kind == pgwire::TargetKind::Statement;
  if (of_statement && pooling_.shares != nullptr) {
    const auto statement = meaning_of(statements_, describe->name);
    if (!statement) return Handled::Stall;
    ensure_prepared(*statement, describe->name, to_server);
    if (statement->by_shared_name || is_shared_name(describe->name)) {
      PendingReply& entry = replies_.push(Awaited::DescribeStatement);
      entry.statement = *statement;
      entry.called = describe->name;
      to_server.make(Forward(), [&](Bytes& out) {
        pgwire::MessageWriter writer(out);
        pgwire::write_describe(writer, pgwire::TargetKind::Statement,
                               statement->by_shared_name ? statement->shared->server_name : kNoStatement);
      });
      return Handled::Taken;
    }
  }
  replies_.push(of_statement ? Awaited::DescribeStatement : Awaited::DescribePortal);
  relay_with(Forward(), message, to_server);
  return Handled::Taken;
}

Relay::Handled Relay::on_close(const Message& message, ServerRuns& to_server) {
  if (!message.complete) return Handled::NeedMore;
  const auto close = pgwire::decode_close(message.payload());
  if (!close) return end_fatal(pgwire::sqlstate::kProtocolViolation, "invalid Close message");
  if (consumer_ && is_reserved(close->name)) return end_reserved_name();
  const bool of_statement = close->kind == pgwire::TargetKind::Statement;
  PendingReply& entry = replies_.push(of_statement ? Awaited::CloseStatement : Awaited::ClosePortal);
  entry.name = close->name;
  if (of_statement && pooling_.shares != nullptr) {
    const auto closed = statements_.find(entry.name, segment_);
    if (closed && closed->by_shared_name && !entry.name.empty())
      shared_bytes_ -= std::min(shared_bytes_, closed->shared->text.size() + closed->shared->parameter_types.size());
    statements_.announce(entry.name, {}, segment_);
  }
  if (of_statement && is_shared_name(close->name)) {
    to_server.make(Forward(), [](Bytes& out) {
      pgwire::MessageWriter writer(out);
      pgwire::write_close(writer, pgwire::TargetKind::Statement, kNoStatement);
    });
    return Handled::Taken;
  }
  if (of_statement && close->name.empty()) own_unnamed(false);
  relay_with(Forward(), message, to_server);
  return Handled::Taken;
}

Relay::Handled Relay::on_function_call(const Message& message, ServerRuns& to_server) {
  if (message.payload().size() < 4 && !message.complete) return Handled::NeedMore;
  ByteReaderView reader(message.payload());
  const auto oid = reader.be32();
  if (!oid) return end_fatal(pgwire::sqlstate::kProtocolViolation, "invalid FunctionCall message");
  unsynced_ = false;
  if (consumer_) consumer_->context_by_query = true;
  PendingReply& entry = replies_.push(Awaited::FunctionCall);
  entry.begun = tools_.clock.steady();
  entry.bytes_before = bytes_to_client_;
  auto admission = admit_function_call(*oid, entry);
  if (!admission.forward) {
    // Not in the extended protocol: a Query that fails answers alike.
    entry.refusal = std::move(admission.refusal);
    entry.kind = Awaited::Query;
    to_server.make(Forward(), [](Bytes& out) {
      pgwire::MessageWriter writer(out);
      pgwire::write_query(writer, kRefusedText);
    });
    return drop(message);
  }
  lex_certain_ = false;
  relay_with(*admission.forward, message, to_server);
  return Handled::Taken;
}

Relay::Handled Relay::on_copy_message(const Message& message, ServerRuns& to_server) {
  // Outside of a COPY PostgreSQL ignores it; the server connection may be another's soon. A
  // consumer has no COPY FROM.
  if (consumer_) return drop(message);
  if (pooling_.shares != nullptr && replies_.empty() && !unsynced_) return drop(message);
  if (message.header.type != kCopyData) {
    if (!message.complete) return Handled::NeedMore;
    if (copy_in_)
      copy_in_ = false;
    else if (!replies_.empty())
      replies_.push(Awaited::CopyEnd);
  }
  relay_with(Forward(), message, to_server);
  return Handled::Taken;
}

Relay::Handled Relay::on_sync(const Message& message, ServerRuns& to_server) {
  if (!message.complete) return Handled::NeedMore;
  if (message.header.payload_bytes() != 0)
    return end_fatal(pgwire::sqlstate::kProtocolViolation, "invalid Sync message");
  ++segment_;
  if (copy_in_) {
    ++ambiguous_syncs_;
  } else {
    replies_.push(Awaited::Sync);
    discarding_ = false;
    unsynced_ = false;
  }
  relay_with(Forward(), message, to_server);
  return Handled::Taken;
}

}  // namespace bartizan::session
