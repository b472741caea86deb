#include "bartizan/store/audit_readers.hpp"

#include <array>

#include "records.hpp"

namespace bartizan::store {
namespace {

AuditReader parse(RowReader& row) {
  const auto identity = policy::IdentityId(row.uuid());
  return {identity, policy::TenantId(row.uuid())};
}

}  // namespace

Result<void> AuditReaders::add(const AuditReader& reader) {
  const std::array<Text, 3> parameters = {Uuid::random(transaction_.database().random()).to_string(),
                                          reader.tenant.get().to_string(), reader.identity.get().to_string()};
  BZ_CHECK(transaction_.query(
      "INSERT INTO bartizan.audit_readers (id, tenant_id, identity_id) VALUES ($1::uuid, $2::uuid, $3::uuid)",
      parameters));
  return {};
}

Result<void> AuditReaders::remove(policy::IdentityId identity) {
  const std::array<Text, 1> parameters = {identity.get().to_string()};
  BZ_TRY(const Rows rows,
         transaction_.query("DELETE FROM bartizan.audit_readers WHERE identity_id = $1::uuid", parameters));
  if (rows.affected() == 0) return fail(Errc::NotFound, "the identity is no reader of its tenant's audit log");
  return {};
}

Result<std::vector<Record<AuditReader>>> AuditReaders::list() {
  BZ_TRY(const Rows rows, transaction_.query("SELECT identity_id, tenant_id, " + kMetaColumns +
                                                 " FROM bartizan.audit_readers ORDER BY created_at, id",
                                             {}));
  return read_records(rows, parse);
}

Result<bool> AuditReaders::holds(const AuditReader& reader) {
  const std::array<Text, 2> parameters = {reader.identity.get().to_string(), reader.tenant.get().to_string()};
  BZ_TRY(const Rows rows,
         transaction_.query(
             "SELECT 1 FROM bartizan.audit_readers WHERE identity_id = $1::uuid AND tenant_id = $2::uuid", parameters));
  return !rows.empty();
}

}  // namespace bartizan::store
