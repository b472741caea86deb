// Encrypted columns: texts and values on their way to the server, rows on their way back
// (cells::SessionCells does it; here stands which message is whose). A session of a depot without
// encrypted columns pays a null check.
//
// Whatever can't be done is refused where it is asked for. A cell that does not open is found when its
// row comes, and then the session ends: behind a row that was not sent nothing may follow, and a
// transaction that went on would be one whose client has been told that it failed.
#include <fmt/format.h>

#include "bartizan/base/log.hpp"
#include "bartizan/pgwire/backend_messages.hpp"
#include "bartizan/pgwire/frontend_messages.hpp"
#include "bartizan/session/relay.hpp"
#include "consumer_settings.hpp"
#include "consumer_state.hpp"

namespace bartizan::session {

namespace be = pgwire::backend;
namespace fe = pgwire::frontend;

namespace {

constexpr std::string_view kRefusedText = "BARTIZAN REFUSED THIS STATEMENT";
constexpr std::string_view kRefusedName = "bartizan refused";
/// A row or a piece of COPY that is read whole.
constexpr std::size_t kLongestRow = std::size_t{64} << 20;
constexpr std::size_t kLongestReport = 64 * 1024;
constexpr pgwire::SqlState kDataCorrupted = *pgwire::SqlState::parse("XX001");

pgwire::ErrorReport report_of(const policy::Refuse& refuse) {
  pgwire::ErrorReport report;
  report.sqlstate =
      pgwire::SqlState::parse({refuse.sqlstate.data(), 5}).value_or(pgwire::sqlstate::kInsufficientPrivilege);
  report.message = refuse.message;
  report.hint = refuse.hint;
  return report;
}

}  // namespace

cells::ReadSettings Relay::read_settings() const {
  cells::ReadSettings settings;
  settings.lex = lex_;
  settings.client_encoding = settings_.find("client_encoding");
  settings.date_style = settings_.find("DateStyle");
  settings.time_zone = settings_.find("TimeZone");
  return settings;
}

/// EXECUTE and FETCH: what their names stand for hangs on replies that are not here yet.
bool Relay::cells_wait_for_names(const Prepared& statement) const noexcept {
  if (!cells::SessionCells::asks_names(statement.analysis.get())) return false;
  return renaming_statements_.count > 0 || renaming_portals_.count > 0 || !statements_.settled() || !portals_.settled();
}

Relay::Handled Relay::wait_for_names(ServerRuns& to_server) {
  if (unsynced_ && !cell_replies_asked_for_) {
    cell_replies_asked_for_ = true;
    to_server.make(Forward(), [](Bytes& out) {
      pgwire::MessageWriter writer(out);
      pgwire::write_empty(writer, fe::kFlush);
    });
  }
  return Handled::Stall;
}

void Relay::read_cells(Prepared& statement, std::string_view text, ByteView parameter_types) {
  statement.cells_known = true;
  if (!consumer_) {
    statement.cells = cells_->read(text, parameter_types, statement.analysis.get(), read_settings());
    record_detokenized(statement);
    return;
  }
  // Layer 1's text, by which its views are read; what it refuses stays refused.
  if (statement.text == nullptr || statement.text->refusal || statement.text->server_text.empty()) return;
  statement.cells =
      cells_->read(statement.text->server_text, parameter_types, statement.analysis.get(), read_settings());
  record_detokenized(statement);
  if (!statement.cells || statement.cells->refusal || !statement.cells->edited) return;
  if (statement.cells->statements.size() != statement.text->statements.size()) {
    auto refused = std::make_shared<cells::CellText>();
    refused->refusal = refusal("0A000", "a text on encrypted columns holds what can't be told apart",
                               "Send each statement by itself.", "cells.statement");
    statement.cells = std::move(refused);
    return;
  }
  auto made = std::make_shared<ConsumerText>(*statement.text);
  made->server_text = statement.cells->server_text;
  for (std::size_t i = 0; i < made->statements.size(); ++i)
    made->statements[i].server_text = statement.cells->statements[i].server_text;
  statement.analysis = {made, &made->analysis};
  statement.text = std::move(made);
}

/// The first text of a session that exchanges a column's tokens has a record of it, before it is sent.
void Relay::record_detokenized(Prepared& statement) {
  if (!statement.cells || statement.cells->refusal) return;
  for (const auto& column : cells_->first_detokenized(*statement.cells)) {
    std::string members = R"("tag":"DETOKENIZE","effect":"read")";
    audit::append_member(members, "column", column);
    const auto ticket = begin(audit::Event::Statement, members);
    if (ticket) {
      audit::Outcome outcome;
      outcome.status = audit::Status::Ok;
      std::copy_n("00000", 5, outcome.sqlstate.begin());
      tools_.log.finish(*ticket, outcome);
      continue;
    }
    auto refused = std::make_shared<cells::CellText>();
    refused->refusal = refusal("58030", "the audit log can't take the use of a right to detokenize, so it is refused",
                               "Try again; operators find the reason in Bartizan's log.", "cells.audit");
    statement.cells = std::move(refused);
    return;
  }
}

/// One of SQL's PREPARE.
void Relay::recall_statement(Prepared& statement, std::string_view name) const {
  auto found = cells_->statement_of(std::string(name));
  if (!found) return;
  statement.cells = std::move(*found);
  statement.cells_known = true;
}

/// One of SQL's DECLARE.
void Relay::recall_portal(Prepared& statement, std::string_view name) const {
  auto found = cells_->portal_of(std::string(name));
  if (!found) return;
  statement.cells = std::move(*found);
  statement.cells_known = true;
}

/// An Execute of what the protocol has not bound: only if it is known to hold no cells.
void Relay::refuse_portal(Prepared& statement, std::string_view name) const {
  recall_portal(statement, name);
  if (statement.cells_known && !statement.cells) return;
  auto refused = std::make_shared<cells::CellText>();
  policy::Refuse refuse;
  const bool cursor = statement.cells != nullptr;
  refuse.sqlstate = cursor ? std::array{'0', 'A', '0', '0', '0'} : std::array{'3', '4', '0', '0', '0'};
  refuse.message = cursor ? fmt::format("cursor \"{}\" with encrypted columns can't be run as a portal", name)
                          : fmt::format("portal \"{}\" does not exist", name);
  if (cursor) refuse.hint = "Use FETCH.";
  refuse.reasons = {"cells.portal"};
  refused->refusal = std::move(refuse);
  statement.cells = std::move(refused);
}

Relay::Handled Relay::refuse_bind(std::string_view portal, const Prepared& statement, pgwire::ErrorReport report,
                                  ServerRuns& to_server) {
  record_refusal(statement, audit::Event::Statement, report, {"cells"});
  PendingReply& entry = replies_.push(Awaited::Bind);
  entry.name = portal;
  entry.refusal = std::make_unique<pgwire::ErrorReport>(std::move(report));
  portals_.announce(entry.name, {}, segment_);
  to_server.make(Forward(), [](Bytes& out) {
    pgwire::MessageWriter writer(out);
    pgwire::write_parse(writer, kRefusedName, kRefusedText);
  });
  return Handled::Taken;
}

/// REQUIRES: the message is whole, and the statement has cells.
Relay::Handled Relay::bind_cells(const Message& message, const pgwire::BindNames& names, Prepared statement,
                                 std::string_view server_name, ServerRuns& to_server) {
  const auto bind = pgwire::decode_bind(message.payload());
  if (!bind) return end_fatal(pgwire::sqlstate::kProtocolViolation, "invalid Bind message");
  if (statement.cells->refusal)
    return refuse_bind(names.portal, statement, report_of(*statement.cells->refusal), to_server);
  auto formats = std::make_shared<std::vector<std::int16_t>>();
  for (std::size_t i = 0; i < bind->result_formats.size(); ++i) formats->push_back(bind->result_formats[i]);
  statement.formats = std::move(formats);
  Bytes made;
  const bool rewritten = statement.cells->rewrites_bind();
  if (rewritten) {
    const auto done = cells_->bind(*statement.cells, *bind, server_name, read_settings(), made);
    if (!done) return refuse_bind(names.portal, statement, cells::SessionCells::report_of(done.error()), to_server);
  }
  PendingReply& entry = replies_.push(Awaited::Bind);
  entry.name = names.portal;
  entry.statement = std::move(statement);
  if (server_name != names.statement) entry.called = names.statement;
  portals_.announce(entry.name, entry.statement, segment_);
  if (rewritten) {
    to_server.make(Forward(), [&](Bytes& out) { out.insert(out.end(), made.begin(), made.end()); });
    return Handled::Taken;
  }
  if (server_name == names.statement) {
    relay_with(Forward(), message, to_server);
    return Handled::Taken;
  }
  to_server.make(Forward(), [&](Bytes& out) {
    const std::size_t length = message.header.length - names.statement.size() + server_name.size();
    out.push_back(static_cast<std::byte>(fe::kBind));
    out.resize(out.size() + 4);
    store_be32(out.data() + out.size() - 4, static_cast<std::uint32_t>(length));
    for (const auto text : {names.portal, server_name}) {
      const auto bytes = as_bytes(text);
      out.insert(out.end(), bytes.begin(), bytes.end());
      out.push_back(std::byte{0});
    }
    const auto rest =
        message.whole.subspan(pgwire::kFrameHeaderBytes + names.portal.size() + names.statement.size() + 2);
    out.insert(out.end(), rest.begin(), rest.end());
  });
  return Handled::Taken;
}

/// CopyData, CopyDone, CopyFail. What comes before it is known whose they are waits.
Relay::Handled Relay::copy_from_client(const Message& message, ServerRuns& to_server) {
  if (!copy_in_) return replies_.empty() && !unsynced_ ? drop(message) : Handled::Stall;
  PendingReply& front = replies_.front();
  if (front.refusal) {  // it has failed, and the server knows
    return drop(message);
  }
  const char type = message.header.type;
  if (!cells_->copies()) {
    if (type != fe::kCopyData) {
      if (!message.complete) return Handled::NeedMore;
      copy_in_ = false;
    }
    relay_with(Forward(), message, to_server);
    return Handled::Taken;
  }
  if (message.header.length > kLongestRow)
    return end_fatal(pgwire::sqlstate::kProgramLimitExceeded, "a message of COPY is too long");
  if (!message.complete) return Handled::NeedMore;
  if (type == fe::kCopyFail) {
    copy_in_ = false;
    cells_->end_copy();
    relay_with(Forward(), message, to_server);
    return Handled::Taken;
  }
  Bytes made;
  const auto done = type == fe::kCopyData ? cells_->copy(message.payload(), made) : cells_->finish_copy(made);
  if (!done) {
    auto report = cells::SessionCells::report_of(done.error());
    report.message = "COPY: " + report.message;
    cells_->end_copy();
    front.refusal = std::make_unique<pgwire::ErrorReport>(std::move(report));
    to_server.make(Forward(), [](Bytes& out) {
      pgwire::MessageWriter writer(out);
      writer.begin(fe::kCopyFail);
      writer.cstring("BARTIZAN REFUSED THIS COPY");
      writer.end();
    });
    return Handled::Taken;
  }
  to_server.make(Forward(), [&](Bytes& out) {
    out.insert(out.end(), made.begin(), made.end());
    if (type != fe::kCopyDone) return;
    pgwire::MessageWriter writer(out);
    pgwire::write_empty(writer, fe::kCopyDone);
  });
  if (type == fe::kCopyDone) copy_in_ = false;
  return Handled::Taken;
}

bool Relay::begin_cell_copy(PendingReply& front) {
  cells_->end_copy();
  if (!front.statement.cells_known) return false;
  // What was sent behind the COPY has gone through the planner, but not through the cells.
  return !front.statement.cells ||
         cells_->begin_copy(*front.statement.cells, front.completed, read_settings()).has_value();
}

Relay::Handled Relay::row_with_cells(const Message& message, PendingReply& front, ByteRuns& to_client) {
  if (message.header.length > kLongestRow)
    return end_fatal(pgwire::sqlstate::kProgramLimitExceeded, "a row with encrypted columns is too long");
  if (!message.complete) return Handled::NeedMore;
  ++front.rows;
  const std::size_t i = front.kind == Awaited::Query ? front.completed : 0;
  const auto* const of = front.statement.cells->statement(i);
  if (of != nullptr && of->columns.empty()) return relay_reply(message, to_client);
  const auto before = to_client.total_bytes();
  Result<void> done;
  to_client.make([&](Bytes& out) {
    done = cells_->row(*front.statement.cells, i, front.statement.formats, read_settings(), message.payload(), out);
  });
  if (!done) return end_for_cell(front, done.error(), to_client);
  bytes_to_client_ += to_client.total_bytes() - before;
  return Handled::Taken;
}

Relay::Handled Relay::describe_with_cells(const Message& message, PendingReply& front, ByteRuns& to_client) {
  if (!message.complete) return Handled::NeedMore;
  const char type = message.header.type;
  const std::size_t i = front.kind == Awaited::Query ? front.completed : 0;
  const auto before = to_client.total_bytes();
  Result<void> done;
  to_client.make([&](Bytes& out) {
    done = type == be::kRowDescription ? cells_->describe_row(*front.statement.cells, i, message.payload(), out)
                                       : cells_->describe_parameters(*front.statement.cells, message.payload(), out);
  });
  if (!done) return mismatch(type);
  bytes_to_client_ += to_client.total_bytes() - before;
  complete_front_if_done(type);
  return Handled::Taken;
}

/// CopyOutResponse, CopyData, CopyDone.
Relay::Handled Relay::copy_to_client(const Message& message, PendingReply& front, ByteRuns& to_client) {
  const char type = message.header.type;
  if (type == be::kCopyOutResponse) {
    if (!begin_cell_copy(front)) return mismatch(type);
    return relay_reply(message, to_client);
  }
  if (!cells_->copies()) {
    const auto handled = relay_reply(message, to_client);
    complete_front_if_done(type);
    return handled;
  }
  if (message.header.length > kLongestRow)
    return end_fatal(pgwire::sqlstate::kProgramLimitExceeded, "a message of COPY is too long");
  if (!message.complete) return Handled::NeedMore;
  const auto before = to_client.total_bytes();
  Result<void> done;
  to_client.make([&](Bytes& out) {
    done = type == be::kCopyData ? cells_->copy(message.payload(), out) : cells_->finish_copy(out);
    if (done && type == be::kCopyDone) out.insert(out.end(), message.whole.begin(), message.whole.end());
  });
  if (!done) return end_for_cell(front, done.error(), to_client);
  bytes_to_client_ += to_client.total_bytes() - before;
  complete_front_if_done(type);
  return Handled::Taken;
}

/// ErrorResponse or NoticeResponse, of which the server may have made more than a client may see.
Relay::Handled Relay::scrub_cells(const Message& message, const PendingReply* front, ByteRuns& to_client) {
  if (!message.complete && message.whole.size() < kLongestReport) return Handled::NeedMore;
  const bool touched = front != nullptr && front->statement.cells;
  if (!touched) {
    if (message.header.type == be::kErrorResponse && front != nullptr) return relay_error(message, *front, to_client);
    return relay_reply(message, to_client);
  }
  const auto before = to_client.total_bytes();
  to_client.make([&](Bytes& out) {
    const auto renamed = with_own_names(*front, message.payload());
    const ByteView payload = message.complete ? (renamed ? as_bytes(*renamed) : message.payload()) : ByteView();
    if (!message.complete) {
      pgwire::MessageWriter writer(out);
      pgwire::ErrorReport report;
      report.message = "an error of the server's that is too long to be read";
      pgwire::write_error_response(writer, report);
      return;
    }
    cells::SessionCells::scrub(message.header.type, payload, front->statement.cells->edited, out);
  });
  bytes_to_client_ += to_client.total_bytes() - before;
  return drop_reply(message);
}

/// A row or a piece of COPY that can't be given out: one error whatever the reason, one record.
Relay::Handled Relay::end_for_cell(PendingReply& front, const Error& error, ByteRuns& to_client) {
  end_fatal(kDataCorrupted, "an encrypted value does not open",
            "It was changed or moved in the database, or its key is not to be had: an operator finds the column in the "
            "audit log.");
  if (error.code == Errc::Unsupported) {  // of the session's settings, not of the cell
    auto report = cells::SessionCells::report_of(error);
    report_->sqlstate = report.sqlstate;
    report_->message = std::move(report.message);
    report_->hint = std::move(report.hint);
  } else {
    std::string members = R"("tag":"CELL REFUSED","effect":"read")";
    audit::append_member(members, "column", cells_->wrong_column());
    if (const auto ticket = begin(audit::Event::Statement, members)) {
      audit::Outcome outcome;
      outcome.status = audit::Status::Failed;
      std::copy_n(report_->sqlstate.view().begin(), 5, outcome.sqlstate.begin());
      tools_.log.finish(*ticket, outcome);
    }
    BZ_LOG(Error, "cells.does_not_open", {"column", cells_->wrong_column()});
  }
  std::copy_n(report_->sqlstate.view().begin(), 5, front.sqlstate.begin());
  finish_statement(front, audit::Status::Failed);
  ++figures_.failed;
  to_client.make([&](Bytes& out) {
    pgwire::MessageWriter writer(out);
    pgwire::write_error_response(writer, *report_);
  });
  reported_ = true;
  return Handled::Fatal;
}

/// A statement is done, front still saying which.
void Relay::follow_cells(const PendingReply& front) {
  cells_->end_copy();
  const auto* const analysis = front.statement.analysis.get();
  const std::size_t i = front.kind == Awaited::Query ? front.completed : 0;
  if (analysis == nullptr || i >= analysis->statements.size()) return;
  cells_->follow(front.statement.cells.get(), i, &analysis->statements[i]);
}

/// What the protocol's names stand for, as SQL's EXECUTE and FETCH may use them.
void Relay::follow_cell_names(const PendingReply& front, char type) {
  if (front.name.empty()) return;
  if (type == be::kParseComplete && front.kind == Awaited::Parse)
    cells_->put_statement(front.name, front.statement.cells);
  if (type == be::kBindComplete) cells_->put_portal(front.name, front.statement.cells);
  if (type == be::kCloseComplete && front.kind == Awaited::CloseStatement) cells_->forget_statement(front.name);
  if (type == be::kCloseComplete && front.kind == Awaited::ClosePortal) cells_->forget_portal(front.name);
}

}  // namespace bartizan::session
