// Analysis, decision and audit of statements: where a Forward comes from.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>

#include "bartizan/session/observed.hpp"
#include "bartizan/session/relay.hpp"
#include "consumer_state.hpp"

namespace bartizan::session {

Forward admit(const policy::Allow&, audit::Ticket) noexcept { return {}; }

namespace {

/// Sixteen digits: what a format string does, at a fraction of its cost for every statement.
void append_hex(std::string& out, std::uint64_t value) {
  std::array<char, 16> digits{};
  for (std::size_t i = digits.size(); i-- > 0; value >>= 4) digits[i] = "0123456789abcdef"[value & 0xf];
  out.append(digits.data(), digits.size());
}

/// The audit members that describe one statement: names of relations, never literals.
void describe(std::string& out, const sql::Statement& statement, const sql::Digest& digest,
              const ConsumerStatement* rewritten = nullptr) {
  out.append("\"tag\":\"").append(statement.command_tag);
  out.append("\",\"effect\":\"").append(sql::to_string(statement.effect));
  out.append("\",\"digest\":\"");
  append_hex(out, digest.hi);
  append_hex(out, digest.lo);
  out.push_back('"');
  if (rewritten != nullptr) {
    if (!rewritten->audit.empty()) out.append(",").append(rewritten->audit);
    return;
  }
  if (statement.relations.empty()) return;
  out.append(",\"relations\":[");
  bool first = true;
  thread_local std::string member;
  for (const auto& relation : statement.relations) {
    member.clear();
    if (!relation.schema.empty()) audit::append_member(member, "schema", relation.schema);
    audit::append_member(member, "name", relation.name);
    audit::append_member(member, "access", relation.access == sql::Access::Write ? "write" : "read");
    out.append(first ? "{" : ",{").append(member).append("}");
    first = false;
  }
  out.push_back(']');
}

std::unique_ptr<pgwire::ErrorReport> report_of(const policy::Refuse& refuse) {
  auto report = std::make_unique<pgwire::ErrorReport>();
  report->sqlstate =
      pgwire::SqlState::parse({refuse.sqlstate.data(), 5}).value_or(pgwire::sqlstate::kInsufficientPrivilege);
  report->message = refuse.message;
  report->hint = refuse.hint;
  return report;
}

std::unique_ptr<pgwire::ErrorReport> audit_unavailable() {
  auto report = std::make_unique<pgwire::ErrorReport>();
  report->sqlstate = pgwire::sqlstate::kIoError;
  report->message = "the audit log can't take this statement, so it was not run";
  report->hint = "Try again; operators find the reason in Bartizan's log under audit.write_failed.";
  return report;
}

std::unique_ptr<pgwire::ErrorReport> shared_name_used() {
  auto report = std::make_unique<pgwire::ErrorReport>();
  report->sqlstate = pgwire::sqlstate::kUndefinedPreparedStatement;
  report->message = "prepared statement names that begin with \"bartizan_\" are the gateway's own";
  report->hint = "Name the statement as you have prepared it.";
  return report;
}

/// SQL's commands for prepared statements must not reach what stands under shared names.
bool names_shared(const Prepared& statement) noexcept {
  return statement.analysis && std::ranges::any_of(statement.analysis->statements, [](const sql::Statement& each) {
           return is_shared_name(each.name);
         });
}

policy::Refuse function_call_refused() {
  policy::Refuse refuse;
  refuse.message =
      "function calls by the fast-path protocol are not permitted for identities under a policy, nor in a database with "
      "encrypted columns";
  refuse.hint = "Call the function in a SELECT.";
  refuse.reasons = {"wall.function_call"};
  return refuse;
}

const sql::Analysis& unknown_analysis() {
  static const sql::Analysis unknown{{sql::Statement{}}};
  return unknown;
}

}  // namespace

Prepared Relay::analyse(std::string_view text) {
  if (consumer_) return rewritten(text);
  sql::AnalyseOptions options;
  options.lex = lex_;
  auto found = tools_.analyses.analyse(text, options);
  // In a depot with encrypted columns nothing may switch that.
  if (lex_certain_ || cells_ || text.find('\\') == std::string_view::npos) return Prepared(std::move(found));
  // A statement still under way may switch what a backslash means, or of which characters it is a
  // part: only where that makes no difference is the text known.
  for (int other = 1; other < 4; ++other) {
    options.lex = lex_;
    if ((other & 1) != 0) options.lex.standard_conforming_strings = !options.lex.standard_conforming_strings;
    if ((other & 2) != 0) options.lex.ascii_safe_encoding = !options.lex.ascii_safe_encoding;
    if (*found.analysis != *tools_.analyses.analyse(text, options).analysis) return Prepared(found.digest);
  }
  return Prepared(std::move(found));
}

Result<audit::Ticket> Relay::begin(audit::Event event, std::string_view statement) {
  return tools_.log.begin({event, tools_.clock.wall(), who_, statement});
}

policy::Decision Relay::decide(const Prepared& statement) const {
  if (tools_.stale.load(std::memory_order_relaxed)) {
    policy::Refuse refuse;
    refuse.sqlstate = {'5', '7', 'P', '0', '3'};
    refuse.message = "Bartizan's control database is away, so this statement was not run";
    refuse.hint = "Try again shortly.";
    refuse.reasons = {"control.stale"};
    return refuse;
  }
  const sql::Analysis& analysis = statement.analysis ? *statement.analysis : unknown_analysis();
  const auto now = tools_.clock.wall();
  auto decision = policy::decide(subject_, analysis, now);
  if (consumer_ && std::holds_alternative<policy::Allow>(decision)) decision = decide_for_consumer(statement, now);
  if (statement.cells && statement.cells->refusal && std::holds_alternative<policy::Allow>(decision))
    decision = *statement.cells->refusal;
  // Whoever made the decision: none allows more than the log's mode does.
  if (auto* allow = std::get_if<policy::Allow>(&decision))
    allow->barrier = std::max(allow->barrier, policy::required_barrier(analysis, subject_.barriers));
  return decision;
}

Relay::Admission Relay::refused(const Prepared& statement, audit::Event event,
                                std::unique_ptr<pgwire::ErrorReport> report, const std::vector<std::string>& reasons) {
  record_refusal(statement, event, *report, reasons);
  return {std::nullopt, std::move(report)};
}

Relay::Admission Relay::decide_only(const Prepared& statement) {
  const auto decision = decide(statement);
  if (const auto* refuse = std::get_if<policy::Refuse>(&decision)) {
    auto report = report_of(*refuse);
    if (statement.text) report->position = statement.text->position;
    if (statement.cells) report->position = statement.cells->position;
    return refused(statement, audit::Event::Statement, std::move(report), refuse->reasons);
  }
  return {admit(std::get<policy::Allow>(decision), audit::Ticket{}), nullptr};
}

Relay::Admission Relay::admit_statements(const Prepared& statement, audit::Event event, PendingReply& entry) {
  if (pooling_.shares != nullptr && names_shared(statement)) return refused(statement, event, shared_name_used());
  const sql::Analysis& analysis = statement.analysis ? *statement.analysis : unknown_analysis();
  const auto decision = decide(statement);
  if (const auto* refuse = std::get_if<policy::Refuse>(&decision)) {
    auto report = report_of(*refuse);
    if (statement.text) report->position = statement.text->position;
    if (statement.cells) report->position = statement.cells->position;
    return refused(statement, event, std::move(report), refuse->reasons);
  }
  thread_local std::string text;
  for (std::size_t i = 0; i < analysis.statements.size(); ++i) {
    text.clear();
    describe(text, analysis.statements[i], statement.digest, statement.text ? &statement.text->statements[i] : nullptr);
    if (statement.values) text.append(",").append(*statement.values);
    if (statement.observed) append_observed(text, *statement.observed, i, analysis.statements.size());
    auto ticket = begin(event, text);
    if (!ticket) {
      ++figures_.refused;
      return {std::nullopt, audit_unavailable()};
    }
    ++figures_.statements;
    if (i == 0) {
      entry.ticket = *ticket;
      entry.has_ticket = true;
    } else {
      if (!entry.tickets) entry.tickets = std::make_unique<std::vector<audit::Ticket>>();
      entry.tickets->push_back(*ticket);
    }
  }
  if (statement.observed) count_observed(*statement.observed);
  entry.barrier = std::get<policy::Allow>(decision).barrier;
  // Without an analysis it may be anything: a cursor of SQL's, or what a name means that was not kept.
  if (!statement.missing)
    for (const auto& each : analysis.statements) follow_state(each);
  return {admit(std::get<policy::Allow>(decision), entry.ticket), nullptr};
}

Relay::Admission Relay::admit_function_call(std::uint32_t oid, PendingReply& entry) {
  const auto decision = consumer_ || cells_ ? policy::Decision(function_call_refused()) : decide(Prepared{});
  if (const auto* refuse = std::get_if<policy::Refuse>(&decision)) {
    return refused(Prepared{}, audit::Event::FunctionCall, report_of(*refuse), refuse->reasons);
  }
  std::string what = fmt::format("\"function_oid\":{}", oid);
  if (observer_ != nullptr) what.append(R"(,"observed":{"decision":"deny","sqlstate":"42501"})");
  auto ticket = begin(audit::Event::FunctionCall, what);
  if (!ticket) {
    ++figures_.refused;
    return {std::nullopt, audit_unavailable()};
  }
  ++figures_.statements;
  entry.ticket = *ticket;
  entry.has_ticket = true;
  entry.barrier = std::get<policy::Allow>(decision).barrier;
  pin(sql::PinReason::Unknown);
  begin_definition();
  return {admit(std::get<policy::Allow>(decision), *ticket), nullptr};
}

void Relay::record_refusal(const Prepared& statement, audit::Event event, const pgwire::ErrorReport& report,
                           const std::vector<std::string>& reasons) {
  ++figures_.refused;
  std::string text;
  describe(text, statement.analysis ? statement.analysis->statements.front() : unknown_analysis().statements.front(),
           statement.digest);
  std::string why;
  for (const auto& reason : reasons) why.append(why.empty() ? "" : ", ").append(reason);
  if (!why.empty()) audit::append_member(text, "reason", why);
  const auto ticket = begin(event, text);
  if (!ticket) return;  // refused either way
  audit::Outcome outcome;
  outcome.status = audit::Status::Refused;
  std::copy_n(report.sqlstate.view().begin(), 5, outcome.sqlstate.begin());
  tools_.log.finish(*ticket, outcome);
}

/// The statement of entry that runs now is done.
void Relay::finish_statement(PendingReply& entry, audit::Status status) {
  if (!entry.has_ticket) return;
  audit::Outcome outcome;
  outcome.status = status;
  if (status != audit::Status::Ok) outcome.sqlstate = entry.sqlstate;
  outcome.rows = entry.rows;
  outcome.bytes = bytes_to_client_ - entry.bytes_before;
  outcome.duration = std::chrono::duration_cast<std::chrono::microseconds>(tools_.clock.steady() - entry.begun);
  tools_.log.finish(entry.ticket, outcome);
  if (entry.barrier == policy::Barrier::BeforeForward && tools_.log.unwritable()) outcome_in_doubt_ = true;
  figures_.rows += entry.rows;
  entry.rows = 0;
  entry.bytes_before = bytes_to_client_;
  ++entry.completed;
  const std::size_t next = entry.completed;
  entry.has_ticket = entry.tickets && next <= entry.tickets->size();
  if (entry.has_ticket) entry.ticket = (*entry.tickets)[next - 1];
}

/// What has no outcome yet gets this one.
void Relay::finish_entry(PendingReply& entry, audit::Status unfinished) {
  while (entry.has_ticket) finish_statement(entry, unfinished);
}

}  // namespace bartizan::session
