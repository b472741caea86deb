#include "bartizan/sql/analysis.hpp"

#include <algorithm>
#include <array>

namespace bartizan::sql {

Effect Analysis::effect() const noexcept {
  auto strongest = Effect::Read;
  for (const auto& statement : statements) strongest = std::max(strongest, statement.effect);
  return strongest;
}

PinReason Analysis::pin() const noexcept {
  for (const auto& statement : statements) {
    if (statement.pin != PinReason::None) return statement.pin;
  }
  return PinReason::None;
}

bool Analysis::parsed() const noexcept {
  return std::all_of(statements.begin(), statements.end(), [](const Statement& s) { return s.parsed; });
}

bool Analysis::transaction_control() const noexcept {
  return std::any_of(statements.begin(), statements.end(), [](const Statement& s) { return s.transaction_control; });
}

std::size_t Analysis::bytes() const noexcept {
  const auto heap = [](const std::string& s) { return s.capacity() < sizeof(std::string) / 2 ? 0 : s.capacity() + 1; };
  std::size_t total = sizeof(Analysis) + statements.capacity() * sizeof(Statement);
  for (const auto& statement : statements) {
    total += heap(statement.name) + statement.relations.capacity() * sizeof(Relation);
    for (const auto& relation : statement.relations) total += heap(relation.schema) + heap(relation.name);
  }
  return total;
}

std::string_view to_string(Kind kind) noexcept {
  switch (kind) {
    case Kind::Select: return "select";
    case Kind::Insert: return "insert";
    case Kind::Update: return "update";
    case Kind::Delete: return "delete";
    case Kind::Merge: return "merge";
    case Kind::CopyIn: return "copy_in";
    case Kind::CopyOut: return "copy_out";
    case Kind::CopyServer: return "copy_server";
    case Kind::Begin: return "begin";
    case Kind::Commit: return "commit";
    case Kind::Rollback: return "rollback";
    case Kind::Savepoint: return "savepoint";
    case Kind::Release: return "release";
    case Kind::RollbackTo: return "rollback_to";
    case Kind::PrepareTransaction: return "prepare_transaction";
    case Kind::CommitPrepared: return "commit_prepared";
    case Kind::RollbackPrepared: return "rollback_prepared";
    case Kind::Set: return "set";
    case Kind::SetLocal: return "set_local";
    case Kind::Reset: return "reset";
    case Kind::Show: return "show";
    case Kind::Discard: return "discard";
    case Kind::Prepare: return "prepare";
    case Kind::Execute: return "execute";
    case Kind::Deallocate: return "deallocate";
    case Kind::Declare: return "declare";
    case Kind::Fetch: return "fetch";
    case Kind::Close: return "close";
    case Kind::Listen: return "listen";
    case Kind::Unlisten: return "unlisten";
    case Kind::Notify: return "notify";
    case Kind::Explain: return "explain";
    case Kind::Lock: return "lock";
    case Kind::Do: return "do";
    case Kind::Call: return "call";
    case Kind::Ddl: return "ddl";
    case Kind::Grant: return "grant";
    case Kind::Utility: return "utility";
    case Kind::Empty: return "empty";
    case Kind::Unknown: return "unknown";
  }
  return "unknown";
}

std::string_view to_string(Effect effect) noexcept {
  switch (effect) {
    case Effect::Read: return "read";
    case Effect::Session: return "session";
    case Effect::Write: return "write";
  }
  return "write";
}

std::string_view to_string(PinReason pin) noexcept {
  switch (pin) {
    case PinReason::None: return "none";
    case PinReason::TempTable: return "temp_table";
    case PinReason::SqlPrepare: return "sql_prepare";
    case PinReason::Listen: return "listen";
    case PinReason::AdvisoryLock: return "advisory_lock";
    case PinReason::WithHoldCursor: return "with_hold_cursor";
    case PinReason::SetUntracked: return "set_untracked";
    case PinReason::SequenceValue: return "sequence_value";
    case PinReason::Load: return "load";
    case PinReason::SessionFunction: return "session_function";
    case PinReason::Unknown: return "unknown";
  }
  return "unknown";
}

bool setting_is_reported(std::string_view name) noexcept {
  // Those of PostgreSQL 13 and later (GUC_REPORT) that a client may SET. session_authorization
  // and role are not here: who it is must never be carried from one connection to another.
  static constexpr std::array<std::string_view, 6> kReported = {
      "application_name", "client_encoding", "datestyle", "intervalstyle", "standard_conforming_strings", "timezone"};
  return std::find(kReported.begin(), kReported.end(), name) != kReported.end();
}

}  // namespace bartizan::sql
