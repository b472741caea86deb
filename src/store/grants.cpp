#include "bartizan/store/grants.hpp"

#include <array>

#include "records.hpp"

namespace bartizan::store {
namespace {

const std::string kColumns =
    "id, identity_id, role_id, depot_id, login, bartizan.micros(valid_until), past_wall, " + kMetaColumns;

policy::Grant parse(RowReader& row) {
  policy::Grant grant;
  grant.id = policy::GrantId(row.uuid());
  const auto identity = row.uuid_or_null();
  const auto role = row.uuid_or_null();
  if (identity) {
    grant.grantee = policy::IdentityId(*identity);
  } else {
    grant.grantee = policy::RoleId(role.value_or(Uuid{}));
  }
  grant.depot = policy::DepotId(row.uuid());
  grant.login = row.text();
  grant.valid_until = row.time_or_null();
  grant.past_wall = row.boolean();
  return grant;
}

}  // namespace

Result<Record<policy::Grant>> Grants::add(policy::Grant grant) {
  ensure_id(grant.id, transaction_.database().random());
  const auto* identity = std::get_if<policy::IdentityId>(&grant.grantee);
  const auto* role = std::get_if<policy::RoleId>(&grant.grantee);
  const std::array<Text, 7> parameters = {grant.id.get().to_string(),
                                          identity != nullptr ? Text(identity->get().to_string()) : std::nullopt,
                                          role != nullptr ? Text(role->get().to_string()) : std::nullopt,
                                          grant.depot.get().to_string(),
                                          grant.login,
                                          micros_text(grant.valid_until),
                                          grant.past_wall ? "true" : "false"};
  BZ_TRY(
      const Rows rows,
      transaction_.query(
          "INSERT INTO bartizan.grants (id, identity_id, role_id, depot_id, login, valid_until, past_wall)"
          " VALUES ($1::uuid, $2::uuid, $3::uuid, $4::uuid, $5, bartizan.moment($6::bigint), $7::boolean) RETURNING " +
              kColumns,
          parameters));
  return read_record(rows, parse, "");
}

Result<Record<policy::Grant>> Grants::find(policy::GrantId id) {
  const std::array<Text, 1> parameters = {id.get().to_string()};
  BZ_TRY(const Rows rows,
         transaction_.query("SELECT " + kColumns + " FROM bartizan.grants WHERE id = $1::uuid", parameters));
  return read_record(rows, parse, "no grant " + id.get().to_string());
}

Result<std::vector<Record<policy::Grant>>> Grants::list() {
  BZ_TRY(const Rows rows,
         transaction_.query("SELECT " + kColumns + " FROM bartizan.grants ORDER BY created_at, id", {}));
  return read_records(rows, parse);
}

Result<void> Grants::remove(policy::GrantId id, std::int64_t version) {
  return remove_row(transaction_, "grants", id.get(), version);
}

}  // namespace bartizan::store
