#include "bartizan/store/grants.hpp"

#include <array>

#include "records.hpp"

namespace bartizan::store {
namespace {

const std::string kColumns =
    "id, identity_id, role_id, depot_id, login, bartizan.micros(valid_until), past_wall, act_for_any, array_to_string(act_for, ','), " +
    kMetaColumns;

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
  grant.act_for_any = row.boolean();
  const auto tenants = row.text();
  for (std::string_view rest = tenants; !rest.empty();) {
    const auto comma = rest.find(',');
    if (const auto id = Uuid::parse(rest.substr(0, comma))) grant.act_for.emplace_back(*id);
    rest = comma == std::string_view::npos ? std::string_view() : rest.substr(comma + 1);
  }
  return grant;
}

}  // namespace

Result<Record<policy::Grant>> Grants::add(policy::Grant grant) {
  ensure_id(grant.id, transaction_.database().random());
  const auto* identity = std::get_if<policy::IdentityId>(&grant.grantee);
  const auto* role = std::get_if<policy::RoleId>(&grant.grantee);
  std::string tenants = "{";
  for (const auto& tenant : grant.act_for) tenants += (tenants.size() > 1 ? "," : "") + tenant.get().to_string();
  const std::array<Text, 9> parameters = {grant.id.get().to_string(),
                                          identity != nullptr ? Text(identity->get().to_string()) : std::nullopt,
                                          role != nullptr ? Text(role->get().to_string()) : std::nullopt,
                                          grant.depot.get().to_string(),
                                          grant.login,
                                          micros_text(grant.valid_until),
                                          grant.past_wall ? "true" : "false",
                                          grant.act_for_any ? "true" : "false",
                                          tenants + "}"};
  BZ_TRY(
      const Rows rows,
      transaction_.query(
          "INSERT INTO bartizan.grants (id, identity_id, role_id, depot_id, login, valid_until, past_wall, act_for_any,"
          " act_for)"
          " VALUES ($1::uuid, $2::uuid, $3::uuid, $4::uuid, $5, bartizan.moment($6::bigint), $7::boolean, $8::boolean, $9::uuid[])"
          " RETURNING " +
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
