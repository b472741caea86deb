#include "bartizan/store/tenants.hpp"

#include <array>

#include "records.hpp"

namespace bartizan::store {
namespace {

const std::string kColumns = "id, name, region, " + kMetaColumns;

policy::Tenant parse(RowReader& row) {
  policy::Tenant tenant;
  tenant.id = policy::TenantId(row.uuid());
  tenant.name = row.text();
  tenant.region = row.text();
  return tenant;
}

}  // namespace

Result<Record<policy::Tenant>> Tenants::create(policy::Tenant tenant) {
  ensure_id(tenant.id, transaction_.database().random());
  const std::array<Text, 3> parameters = {tenant.id.get().to_string(), tenant.name, tenant.region};
  BZ_TRY(const Rows rows,
         transaction_.query(
             "INSERT INTO bartizan.tenants (id, name, region) VALUES ($1::uuid, $2, $3) RETURNING " + kColumns,
             parameters));
  return read_record(rows, parse, "");
}

Result<Record<policy::Tenant>> Tenants::find(std::string_view name) {
  const std::array<Text, 1> parameters = {std::string(name)};
  BZ_TRY(const Rows rows,
         transaction_.query("SELECT " + kColumns + " FROM bartizan.tenants WHERE name = $1", parameters));
  return read_record(rows, parse, "no tenant '" + std::string(name) + "'");
}

Result<std::vector<Record<policy::Tenant>>> Tenants::list() {
  BZ_TRY(const Rows rows, transaction_.query("SELECT " + kColumns + " FROM bartizan.tenants ORDER BY name", {}));
  return read_records(rows, parse);
}

Result<void> Tenants::remove(policy::TenantId id, std::int64_t version) {
  return remove_row(transaction_, "tenants", id.get(), version);
}

}  // namespace bartizan::store
