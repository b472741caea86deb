#include "bartizan/store/roles.hpp"

#include <array>

#include "records.hpp"

namespace bartizan::store {
namespace {

const std::string kColumns = "id, name, " + kMetaColumns;

policy::Role parse(RowReader& row) {
  policy::Role role;
  role.id = policy::RoleId(row.uuid());
  role.name = row.text();
  return role;
}

}  // namespace

Result<Record<policy::Role>> Roles::create(policy::Role role) {
  ensure_id(role.id, transaction_.database().random());
  const std::array<Text, 2> parameters = {role.id.get().to_string(), role.name};
  BZ_TRY(const Rows rows,
         transaction_.query("INSERT INTO bartizan.roles (id, name) VALUES ($1::uuid, $2) RETURNING " + kColumns,
                            parameters));
  return read_record(rows, parse, "");
}

Result<Record<policy::Role>> Roles::find(std::string_view name) {
  const std::array<Text, 1> parameters = {std::string(name)};
  BZ_TRY(const Rows rows,
         transaction_.query("SELECT " + kColumns + " FROM bartizan.roles WHERE name = $1", parameters));
  return read_record(rows, parse, "no role '" + std::string(name) + "'");
}

Result<std::vector<Record<policy::Role>>> Roles::list() {
  BZ_TRY(const Rows rows, transaction_.query("SELECT " + kColumns + " FROM bartizan.roles ORDER BY name", {}));
  return read_records(rows, parse);
}

Result<void> Roles::remove(policy::RoleId id, std::int64_t version) {
  return remove_row(transaction_, "roles", id.get(), version);
}

Result<void> Roles::assign(policy::RoleId role, policy::IdentityId identity) {
  const std::array<Text, 3> parameters = {Uuid::random(transaction_.database().random()).to_string(),
                                          role.get().to_string(), identity.get().to_string()};
  BZ_CHECK(transaction_.query(
      "INSERT INTO bartizan.role_members (id, role_id, identity_id) VALUES ($1::uuid, $2::uuid, $3::uuid)",
      parameters));
  return {};
}

Result<void> Roles::unassign(policy::RoleId role, policy::IdentityId identity) {
  const std::array<Text, 2> parameters = {role.get().to_string(), identity.get().to_string()};
  BZ_TRY(const Rows rows,
         transaction_.query("DELETE FROM bartizan.role_members WHERE role_id = $1::uuid AND identity_id = $2::uuid",
                            parameters));
  if (rows.affected() == 0) return fail(Errc::NotFound, "the identity is not in the role");
  return {};
}

Result<std::vector<policy::RoleMember>> Roles::members() {
  BZ_TRY(
      const Rows rows,
      transaction_.query("SELECT role_id, identity_id FROM bartizan.role_members ORDER BY role_id, identity_id", {}));
  std::vector<policy::RoleMember> out;
  out.reserve(static_cast<std::size_t>(rows.size()));
  for (int i = 0; i < rows.size(); ++i) {
    RowReader row(rows, i);
    const auto role = policy::RoleId(row.uuid());
    out.push_back({role, policy::IdentityId(row.uuid())});
    if (!row.ok()) return unexpected_row();
  }
  return out;
}

}  // namespace bartizan::store
