#include "bartizan/store/audit_holds.hpp"

#include <array>

#include "records.hpp"

namespace bartizan::store {
namespace {

const std::string kColumns = "case_name, tenant_id, reason, released, " + kMetaColumns;

AuditHold parse(RowReader& row) {
  AuditHold hold;
  hold.case_name = row.text();
  hold.tenant = tenant_of(row.uuid_or_null());
  hold.reason = row.text();
  hold.released = row.text_or_null();
  return hold;
}

}  // namespace

Result<Record<AuditHold>> AuditHolds::add(const AuditHold& hold) {
  const std::array<Text, 4> parameters = {Uuid::random(transaction_.database().random()).to_string(),
                                          uuid_text(hold.tenant), hold.case_name, hold.reason};
  BZ_TRY(const Rows rows,
         transaction_.query("INSERT INTO bartizan.audit_holds (id, tenant_id, case_name, reason) VALUES "
                            "($1::uuid, $2::uuid, $3, $4) RETURNING " +
                                kColumns,
                            parameters));
  return read_record(rows, parse, "");
}

Result<std::vector<Record<AuditHold>>> AuditHolds::list() {
  BZ_TRY(const Rows rows,
         transaction_.query("SELECT " + kColumns + " FROM bartizan.audit_holds ORDER BY created_at, id", {}));
  return read_records(rows, parse);
}

Result<Record<AuditHold>> AuditHolds::release(const std::string& case_name, const std::string& reason) {
  const std::array<Text, 2> parameters = {case_name, reason};
  BZ_TRY(const Rows rows, transaction_.query("UPDATE bartizan.audit_holds SET released = $2 WHERE case_name = $1 AND "
                                             "released IS NULL RETURNING " +
                                                 kColumns,
                                             parameters));
  return read_record(rows, parse, "no hold of case '" + case_name + "' that is in force");
}

}  // namespace bartizan::store
