#include "bartizan/store/wall_secrets.hpp"

#include <array>

#include "bartizan/base/log.hpp"
#include "records.hpp"

namespace bartizan::store {
namespace {

SealedPlace key_place(const Uuid& id) { return {"wall_keys", "context_key", id}; }
SealedPlace password_place(const Uuid& id) { return {"wall_logins", "password", id}; }
SealedPlace verifier_place(const Uuid& id) { return {"wall_logins", "verifier", id}; }

/// The id of the row that the query finds, or a fresh one: it is part of what is sealed.
Result<Uuid> id_of(Transaction& transaction, const std::string& query, std::span<const Text> parameters) {
  BZ_TRY(const Rows rows, transaction.query(query, parameters));
  return rows.empty() ? Uuid::random(transaction.database().random()) : RowReader(rows, 0).uuid();
}

}  // namespace

Result<SecretBytes> WallSecrets::context_key(policy::DepotId depot) {
  const std::array<Text, 1> parameters = {depot.get().to_string()};
  BZ_TRY(const Rows rows,
         transaction_.query("SELECT id, context_key FROM bartizan.wall_keys WHERE depot_id = $1::uuid", parameters));
  if (rows.empty()) return fail(Errc::NotFound, "the depot has no context key");
  RowReader row(rows, 0);
  const auto id = row.uuid();
  const auto sealed = row.bytes_or_null();
  if (!row.ok() || !sealed) return unexpected_row();
  return transaction_.database().root_key().open(key_place(id), *sealed);
}

Result<void> WallSecrets::put_context_key(policy::DepotId depot, const SecretBytes& key) {
  auto& database = transaction_.database();
  const std::array<Text, 1> of_depot = {depot.get().to_string()};
  BZ_TRY(const auto id, id_of(transaction_, "SELECT id FROM bartizan.wall_keys WHERE depot_id = $1::uuid", of_depot));
  BZ_TRY(const Bytes sealed, database.root_key().seal(key_place(id), key, database.random()));
  const std::array<Text, 3> parameters = {id.to_string(), depot.get().to_string(), bytea_text(sealed)};
  BZ_CHECK(transaction_.query(
      "INSERT INTO bartizan.wall_keys (id, depot_id, context_key) VALUES ($1::uuid, $2::uuid, $3::bytea)"
      " ON CONFLICT (depot_id) DO UPDATE SET context_key = EXCLUDED.context_key",
      parameters));
  return {};
}

Result<std::vector<WallLogin>> WallSecrets::logins(policy::DepotId depot) {
  const std::array<Text, 1> parameters = {depot.get().to_string()};
  BZ_TRY(const Rows rows, transaction_.query("SELECT id, role_name, password, verifier FROM bartizan.wall_logins"
                                             " WHERE depot_id = $1::uuid ORDER BY role_name",
                                             parameters));
  const auto& key = transaction_.database().root_key();
  std::vector<WallLogin> out;
  for (int i = 0; i < rows.size(); ++i) {
    RowReader row(rows, i);
    const auto id = row.uuid();
    auto role_name = row.text();
    const auto password = row.bytes_or_null();
    const auto verifier = row.bytes_or_null();
    if (!row.ok() || !password || !verifier) return unexpected_row();
    auto opened = key.open(password_place(id), *password);
    auto opened_verifier = key.open(verifier_place(id), *verifier);
    if (!opened || !opened_verifier) {
      BZ_LOG(Error, "store.secret_unreadable", {"table", "wall_logins"}, {"id", id.to_string()});
      continue;
    }
    out.push_back({std::move(role_name), std::move(*opened), std::move(*opened_verifier)});
  }
  return out;
}

Result<void> WallSecrets::put_login(policy::DepotId depot, const WallLogin& login) {
  auto& database = transaction_.database();
  const std::array<Text, 2> of_role = {depot.get().to_string(), login.role_name};
  BZ_TRY(
      const auto id,
      id_of(transaction_, "SELECT id FROM bartizan.wall_logins WHERE depot_id = $1::uuid AND role_name = $2", of_role));
  BZ_TRY(const Bytes password, database.root_key().seal(password_place(id), login.password, database.random()));
  BZ_TRY(const Bytes verifier, database.root_key().seal(verifier_place(id), login.verifier, database.random()));
  const std::array<Text, 5> parameters = {id.to_string(), depot.get().to_string(), login.role_name,
                                          bytea_text(password), bytea_text(verifier)};
  BZ_CHECK(transaction_.query(
      "INSERT INTO bartizan.wall_logins (id, depot_id, role_name, password, verifier)"
      " VALUES ($1::uuid, $2::uuid, $3, $4::bytea, $5::bytea)"
      " ON CONFLICT (depot_id, role_name) DO UPDATE SET password = EXCLUDED.password, verifier = EXCLUDED.verifier",
      parameters));
  return {};
}

Result<void> WallSecrets::keep_only(policy::DepotId depot, const std::set<std::string>& roles) {
  std::string list = "{";
  for (const auto& role : roles) list.append(list.size() == 1 ? "\"" : ",\"").append(role).append("\"");
  // Class roles are named by us: letters, digits and '_' alone.
  const std::array<Text, 2> parameters = {depot.get().to_string(), list + "}"};
  BZ_CHECK(transaction_.query(
      "DELETE FROM bartizan.wall_logins WHERE depot_id = $1::uuid AND role_name <> ALL ($2::text[])", parameters));
  return {};
}

}  // namespace bartizan::store
