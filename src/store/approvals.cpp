#include "bartizan/store/approvals.hpp"

#include <array>

#include "records.hpp"

namespace bartizan::store {
namespace {

const std::string kColumns =
    "id, change, depot_id, depot_version, reason, bartizan.micros(expires_at), state, approved_by, " + kMetaColumns;

Approval parse(RowReader& row) {
  Approval approval;
  approval.id = row.uuid();
  approval.change = row.text();
  approval.depot = policy::DepotId(row.uuid());
  approval.depot_version = row.integer();
  approval.reason = row.text();
  approval.expires_at = row.time();
  approval.state = row.text();
  approval.approved_by = row.text_or_null();
  return approval;
}

}  // namespace

Result<Record<Approval>> Approvals::add(Approval approval) {
  if (approval.id.is_nil()) approval.id = Uuid::random(transaction_.database().random());
  const std::array<Text, 6> parameters = {approval.id.to_string(),
                                          approval.change,
                                          approval.depot.get().to_string(),
                                          std::to_string(approval.depot_version),
                                          approval.reason,
                                          micros_text(approval.expires_at)};
  BZ_TRY(const Rows rows,
         transaction_.query("INSERT INTO bartizan.approvals (id, change, depot_id, depot_version, reason, expires_at)"
                            " VALUES ($1::uuid, $2, $3::uuid, $4::bigint, $5, bartizan.moment($6::bigint)) RETURNING " +
                                kColumns,
                            parameters));
  return read_record(rows, parse, "");
}

Result<std::vector<Record<Approval>>> Approvals::list() {
  BZ_TRY(const Rows rows,
         transaction_.query("SELECT " + kColumns + " FROM bartizan.approvals ORDER BY created_at DESC, id", {}));
  return read_records(rows, parse);
}

Result<Record<Approval>> Approvals::find(const Uuid& id) {
  const std::array<Text, 1> parameters = {id.to_string()};
  BZ_TRY(const Rows rows,
         transaction_.query("SELECT " + kColumns + " FROM bartizan.approvals WHERE id = $1::uuid", parameters));
  return read_record(rows, parse, "no such approval has been asked for");
}

Result<Record<Approval>> Approvals::approve(const Uuid& id, const std::string& by) {
  const std::array<Text, 2> parameters = {id.to_string(), by};
  BZ_TRY(const Rows rows,
         transaction_.query("UPDATE bartizan.approvals SET state = 'approved', approved_by = $2 WHERE id = $1::uuid"
                            " AND state = 'waiting' AND created_by <> $2 RETURNING " +
                                kColumns,
                            parameters));
  if (rows.empty()) return fail(Errc::FailedPrecondition, "it does not wait for the approval of this administrator");
  return read_record(rows, parse, "");
}

Result<Record<Approval>> Approvals::withdraw(const Uuid& id) {
  const std::array<Text, 1> parameters = {id.to_string()};
  BZ_TRY(const Rows rows, transaction_.query("UPDATE bartizan.approvals SET state = 'withdrawn' WHERE id = $1::uuid"
                                             " AND state = 'waiting' RETURNING " +
                                                 kColumns,
                                             parameters));
  if (rows.empty()) return fail(Errc::FailedPrecondition, "it does not wait for an approval any more");
  return read_record(rows, parse, "");
}

}  // namespace bartizan::store
