#include "bartizan/store/audit_ceilings.hpp"

#include <array>

#include "records.hpp"

namespace bartizan::store {
namespace {

const std::string kColumns = "tenant_id, days, " + kMetaColumns;

AuditCeiling parse(RowReader& row) {
  AuditCeiling ceiling;
  ceiling.tenant = tenant_of(row.uuid_or_null());
  ceiling.days = static_cast<int>(row.integer());
  return ceiling;
}

}  // namespace

Result<Record<AuditCeiling>> AuditCeilings::set(const AuditCeiling& ceiling) {
  const std::array<Text, 2> there = {uuid_text(ceiling.tenant), std::to_string(ceiling.days)};
  BZ_TRY(const Rows changed,
         transaction_.query("UPDATE bartizan.audit_ceilings SET days = $2::int WHERE tenant_id IS NOT "
                            "DISTINCT FROM $1::uuid RETURNING " +
                                kColumns,
                            there));
  if (changed.size() > 0) return read_record(changed, parse, "");
  const std::array<Text, 3> parameters = {Uuid::random(transaction_.database().random()).to_string(),
                                          uuid_text(ceiling.tenant), std::to_string(ceiling.days)};
  BZ_TRY(const Rows rows, transaction_.query("INSERT INTO bartizan.audit_ceilings (id, tenant_id, days) VALUES "
                                             "($1::uuid, $2::uuid, $3::int) RETURNING " +
                                                 kColumns,
                                             parameters));
  return read_record(rows, parse, "");
}

Result<std::vector<Record<AuditCeiling>>> AuditCeilings::list() {
  BZ_TRY(const Rows rows,
         transaction_.query("SELECT " + kColumns + " FROM bartizan.audit_ceilings ORDER BY tenant_id NULLS FIRST", {}));
  return read_records(rows, parse);
}

Result<Record<AuditCeiling>> AuditCeilings::remove(const std::optional<policy::TenantId>& tenant) {
  const std::array<Text, 1> parameters = {uuid_text(tenant)};
  BZ_TRY(const Rows rows, transaction_.query("DELETE FROM bartizan.audit_ceilings WHERE tenant_id IS NOT DISTINCT FROM "
                                             "$1::uuid RETURNING " +
                                                 kColumns,
                                             parameters));
  return read_record(rows, parse, "there is no such ceiling");
}

}  // namespace bartizan::store
