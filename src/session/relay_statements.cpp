// The messages that carry, name or run a statement: what of them is sent, and what the server will
// owe for it.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "bartizan/audit/record.hpp"
#include "bartizan/pgwire/frontend_messages.hpp"
#include "bartizan/session/relay.hpp"
#include "consumer_names.hpp"
#include "consumer_state.hpp"
#include "sealed_values.hpp"

namespace bartizan::session {

namespace {

/// What stands in for a refused statement. It must fail in PostgreSQL's raw parser, whatever the
/// state of the transaction, and says in the server's log what it was.
constexpr std::string_view kRefusedText = "BARTIZAN REFUSED THIS STATEMENT";
/// Of a Parse in the place of a refused Execute: an Execute of ours could name a portal that the
/// client has made, and a Parse without a name would drop the client's unnamed statement.
constexpr std::string_view kRefusedName = "bartizan refused";

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
  writer.begin(pgwire::frontend::kParse);
  writer.cstring(parse.statement);
  writer.cstring(parse.query);
  writer.bytes(parameter_types);
  writer.end();
}

/// Whether one of these kinds, by which SQL gives names another meaning, may be among the statements.
bool may_be_among(const sql::Analysis* analysis, std::initializer_list<sql::Kind> kinds) noexcept {
  if (analysis == nullptr) return true;
  return std::ranges::any_of(analysis->statements, [&](const sql::Statement& statement) {
    return !statement.parsed || std::ranges::find(kinds, statement.kind) != kinds.end();
  });
}

}  // namespace

Relay::Handled Relay::end_too_long() {
  return end_fatal(pgwire::sqlstate::kProgramLimitExceeded,
                   fmt::format("the statement is longer than {} bytes", limits_.statement_bytes),
                   "Send large values as parameters or by COPY, or raise limits.statement_bytes.");
}

/// nullopt: only the server's replies can tell, and they are on their way.
std::optional<Prepared> Relay::meaning_of(const PreparedNames& names, const Renaming& renaming,
                                          std::string_view name) const {
  if (renaming.count > 0 && !name.empty()) {
    if (segment_ >= renaming.settled_in) return std::nullopt;
    return Prepared{};  // the server may keep its replies back until Sync: not to be waited for
  }
  return names.find(name, segment_);
}

/// For a Query or an Execute that goes to the server. A Query's replies are sent at its end, an
/// Execute's at the next Sync.
void Relay::mark_renaming(PendingReply& entry) {
  lex_certain_ = false;
  const auto* analysis = entry.statement.analysis.get();
  const auto mark = [&](bool& renames, Renaming& renaming) {
    renames = true;
    ++renaming.count;
    renaming.settled_in = std::max(renaming.settled_in, entry.kind == Awaited::Query ? segment_ : segment_ + 1);
  };
  if (may_be_among(analysis, {sql::Kind::Prepare, sql::Kind::Deallocate, sql::Kind::Discard}))
    mark(entry.renames, renaming_statements_);
  if (may_be_among(analysis, {sql::Kind::Declare, sql::Kind::Close, sql::Kind::Discard}))
    mark(entry.renames_portals, renaming_portals_);
}

Relay::Handled Relay::on_query(const Message& message, ServerRuns& to_server) {
  if (message.header.length > limits_.statement_bytes) return end_too_long();
  if (!message.complete) return Handled::NeedMore;
  const auto query = pgwire::decode_query(message.payload());
  if (!query) return end_fatal(pgwire::sqlstate::kProtocolViolation, "invalid Query message");
  if (consumer_ && waits_for_settings()) return wait_for_replies(to_server);
  Prepared statement = analyse(query->query);
  if (observer_ != nullptr) statement.observed = observed(query->query);
  if (cells_) {
    if (cells_wait_for_names(statement)) return wait_for_names(to_server);
    read_cells(statement, query->query, {});
    if (cells_->waits_for_catalog()) return Handled::Stall;
  }
  if (consumer_) {
    if (changes_tenant(statement) && run_is_owed()) return wait_for_replies(to_server);
    judge_tenant(statement);
  }
  bool materialised = false;
  if (pooling_.shares != nullptr) {
    if (!names_settled(statement)) return Handled::Stall;
    // Within an open group its failure skips the Query, as it must.
    prepare_pin(statement, !unsynced_, to_server);
    materialised = materialise_named(statement, !unsynced_, to_server);
    statements_.erase({});  // a Query drops the statement without a name
    own_unnamed(false);
  }
  const bool context_stood = consumer_ && context_stands(tools_.clock.wall());
  if (consumer_) consumer_->context_by_query = true;  // no more in the segment's transaction
  unsynced_ = false;  // a Query ends what was open
  const bool resets = resets_name(statement);
  PendingReply& entry = replies_.push(Awaited::Query);
  entry.resets_name = resets;
  entry.materialised = materialised;
  entry.begun = tools_.clock.steady();
  entry.bytes_before = bytes_to_client_;
  entry.statement = std::move(statement);
  auto admission = admit_statements(entry.statement, audit::Event::Statement, entry);
  if (admission.forward) {
    mark_renaming(entry);
    if (consumer_)
      send_consumer_query(*admission.forward, entry, context_stood, to_server);
    else if (entry.statement.cells && entry.statement.cells->edited)
      to_server.make(*admission.forward, [&](Bytes& out) {
        pgwire::MessageWriter writer(out);
        pgwire::write_query(writer, entry.statement.cells->server_text);
      });
    else
      relay_with(*admission.forward, message, to_server);
    if (resets) query_hidden(name_command(), to_server).quiet = true;
    ask_for_carried(to_server);
  } else {
    if (materialised) pin(sql::PinReason::SqlPrepare);
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
    before = statement_of(parse->statement);
    if (!before) return Handled::Stall;
  }
  PendingReply entry;
  entry.kind = Awaited::Parse;
  entry.segment = segment_;
  entry.name = parse->statement;
  entry.statement = analyse(parse->query);
  if (observer_ != nullptr) entry.statement.observed = observed(parse->query);
  auto types = message.payload().subspan(parse->statement.size() + parse->query.size() + 2);
  if (cells_) {
    if (cells_wait_for_names(entry.statement)) return wait_for_names(to_server);
    read_cells(entry.statement, parse->query, types);
    if (cells_->waits_for_catalog()) return Handled::Stall;
  }
  auto admission = decide_only(entry.statement);
  if (admission.forward)
    if (auto refusal = refuse_name(entry.name, entry.statement, types))
      admission = refused(entry.statement, audit::Event::Statement, std::move(refusal));
  if (!admission.forward) {
    entry.refusal = std::move(admission.refusal);
    relay_refused_parse(std::move(entry), to_server);
    return Handled::Taken;
  }
  pgwire::Parse sent = *parse;
  const auto text = entry.statement.text;  // keeps what sent looks at
  if (consumer_) {
    sent.query = text->server_text;
    if (!entry.name.empty()) keep_without_text(entry.statement);
  }
  const auto cells = entry.statement.cells;  // likewise
  const bool edited = cells && (cells->edited || !cells->parameters.empty());
  if (edited) {
    if (!consumer_) sent.query = cells->server_text;
    types = cells->server_types;
  }
  if (before && before->by_shared_name && !read_as_now(*before)) before = as_read_now(*before);
  if (before && before->by_shared_name) {
    relay_duplicate_parse(std::move(entry), *before, sent, types, *admission.forward, to_server);
    return Handled::Taken;
  }
  if (!native()) entry.statement = share(std::move(entry.statement), sent, types);
  statements_.announce(entry.name, entry.statement, segment_);
  if (entry.statement.by_shared_name) {
    relay_shared_parse(std::move(entry), *admission.forward, to_server);
    return Handled::Taken;
  }
  if (entry.name.empty()) {
    own_unnamed(true);
    entry.serial = unnamed_serial_;
  }
  replies_.push(Awaited::Parse) = std::move(entry);
  if (consumer_ || edited)
    to_server.make(*admission.forward, [&](Bytes& out) { write_parse_of(out, sent, types); });
  else
    relay_with(*admission.forward, message, to_server);
  return Handled::Taken;
}

/// What a Parse may not say beside its text.
std::unique_ptr<pgwire::ErrorReport> Relay::refuse_name(std::string_view name, const Prepared& statement,
                                                        ByteView parameter_types) const {
  if (pooling_.shares != nullptr && is_shared_name(name)) return reserved_name(name);
  return consumer_ ? refuse_parse(name, statement, parameter_types) : nullptr;
}

/// In its place goes one that fails there, under the same name.
void Relay::relay_refused_parse(PendingReply entry, ServerRuns& to_server) {
  entry.statement = {};
  statements_.announce(entry.name, entry.statement, segment_);
  const std::string_view name = is_shared_name(entry.name) ? kNoStatement : std::string_view(entry.name);
  to_server.make(Forward(), [&](Bytes& out) {
    pgwire::MessageWriter writer(out);
    pgwire::write_parse(writer, name, kRefusedText);
  });
  replies_.push(Awaited::Parse) = std::move(entry);
}

Relay::Handled Relay::on_bind(const Message& message, ServerRuns& to_server) {
  const auto names = pgwire::decode_bind_names(message.payload());
  if (!names) {
    if (!message.complete && message.whole.size() < kNamePrefixBytes) return Handled::NeedMore;
    return end_fatal(pgwire::sqlstate::kProtocolViolation, "invalid Bind message");
  }
  if (consumer_ && (is_reserved(names->portal) || is_reserved(names->statement))) return end_reserved_name();
  if (tools_.values != nullptr && !message.complete && message.header.payload_bytes() <= kMostSealedBind)
    return Handled::NeedMore;
  auto statement = statement_of(names->statement);
  if (!statement) return Handled::Stall;
  if (cells_ && !statement->cells_known) {
    if (!message.complete) return Handled::NeedMore;
    recall_statement(*statement, names->statement);
    if (!statement->cells_known) {
      pgwire::ErrorReport report;
      report.sqlstate = pgwire::sqlstate::kUndefinedPreparedStatement;
      report.message = fmt::format("prepared statement \"{}\" does not exist", names->statement);
      return refuse_bind(names->portal, *statement, std::move(report), to_server);
    }
  }
  if (statement->cells && message.header.length > limits_.statement_bytes) return end_too_long();
  if (statement->cells && !message.complete) return Handled::NeedMore;
  if (consumer_ && waits_for_tenant()) return wait_for_replies(to_server);
  if (consumer_) put_context(*statement, names->portal.empty(), to_server);
  // What belongs into encrypted columns stands nowhere else, not even sealed.
  if (tools_.values != nullptr && !statement->cells)
    statement->values = sealed_values(*tools_.values, audit::member_text(who_, "tenant"), message.payload(),
                                      message.header.payload_bytes(), message.complete, tools_.clock.wall());
  if (pooling_.shares != nullptr) return relay_bind(message, *names, *statement, to_server);
  if (statement->cells) return bind_cells(message, *names, std::move(*statement), names->statement, to_server);
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
  auto statement = meaning_of(portals_, renaming_portals_, execute->portal);
  if (!statement) return Handled::Stall;
  if (consumer_) {
    if (waits_for_tenant() || (changes_tenant(*statement) && run_is_owed())) return wait_for_replies(to_server);
    judge_tenant(*statement);
  }
  if (!statement->analysis && statement->digest == sql::Digest{} && !execute->portal.empty())
    statement->missing = statement->missing || no_portal(execute->portal);
  if (cells_ && !statement->cells_known) refuse_portal(*statement, execute->portal);
  bool materialised = false;
  if (pooling_.shares != nullptr) {
    if (!names_settled(*statement)) return Handled::Stall;
    if (!statement->missing) prepare_pin(*statement, false, to_server);
    materialised = materialise_named(*statement, false, to_server);
  }
  if (consumer_) put_context(*statement, false, to_server);
  const bool resets = resets_name(*statement);
  PendingReply& entry = replies_.push(Awaited::Execute);
  entry.materialised = materialised;
  entry.begun = tools_.clock.steady();
  entry.bytes_before = bytes_to_client_;
  entry.statement = std::move(*statement);
  auto admission = admit_statements(entry.statement, audit::Event::Execute, entry);
  if (admission.forward) {
    mark_renaming(entry);
    if (consumer_) follow_consumer_statement(entry.statement.text.get());
    relay_with(*admission.forward, message, to_server);
    if (resets) execute_hidden(name_command(), false, false, to_server);
  } else {
    if (materialised) pin(sql::PinReason::SqlPrepare);
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
    auto statement = statement_of(describe->name);
    if (!statement) return Handled::Stall;
    const bool known = statement->shared != nullptr;
    if (!read_as_now(*statement)) statement = as_read_now(*statement);
    const bool none = known && !statement->shared;
    if (!none) ensure_prepared(*statement, describe->name, to_server);
    if (statement->by_shared_name || none || is_shared_name(describe->name)) {
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
  Prepared of_cells;
  if (cells_) {
    auto found = of_statement ? statement_of(describe->name) : meaning_of(portals_, renaming_portals_, describe->name);
    if (!found) return Handled::Stall;
    if (!found->cells_known && of_statement) recall_statement(*found, describe->name);
    if (!found->cells_known && !of_statement) recall_portal(*found, describe->name);
    of_cells.cells = std::move(found->cells);
    of_cells.formats = std::move(found->formats);
  }
  replies_.push(of_statement ? Awaited::DescribeStatement : Awaited::DescribePortal).statement = std::move(of_cells);
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

}  // namespace bartizan::session
