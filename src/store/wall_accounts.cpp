#include "bartizan/store/wall_accounts.hpp"

#include <array>

#include "records.hpp"

namespace bartizan::store {
namespace {

SealedPlace password_place(const Uuid& id) { return {"wall_accounts", "password", id}; }
SealedPlace key_place(const Uuid& id) { return {"wall_accounts", "private_key", id}; }

const std::string kAccountColumns = "depot_id, role_name, grade, server_version, certificate_pem, ";

WallAccount parse(RowReader& row) {
  WallAccount account;
  account.depot = policy::DepotId(row.uuid());
  account.role_name = row.text();
  account.grade = row.text();
  account.server_version = row.integer();
  account.certificate_pem = row.text();
  return account;
}

}  // namespace

Result<std::vector<Record<WallAccount>>> WallAccounts::list() {
  BZ_TRY(const Rows rows,
         transaction_.query(
             "SELECT " + kAccountColumns + kMetaColumns + " FROM bartizan.wall_accounts ORDER BY depot_id", {}));
  return read_records(rows, parse);
}

Result<Record<WallAccount>> WallAccounts::find(policy::DepotId depot) {
  const std::array<Text, 1> parameters = {depot.get().to_string()};
  BZ_TRY(const Rows rows, transaction_.query("SELECT " + kAccountColumns + kMetaColumns +
                                                 " FROM bartizan.wall_accounts WHERE depot_id = $1::uuid",
                                             parameters));
  return read_record(rows, parse, "the depot has no login for its wall");
}

Result<policy::DepotLogin> WallAccounts::open(policy::DepotId depot) {
  const std::array<Text, 1> parameters = {depot.get().to_string()};
  BZ_TRY(const Rows rows, transaction_.query("SELECT id, role_name, password, certificate_pem, private_key"
                                             " FROM bartizan.wall_accounts WHERE depot_id = $1::uuid",
                                             parameters));
  if (rows.empty()) return fail(Errc::NotFound, "the depot has no login for its wall");
  RowReader row(rows, 0);
  const auto id = row.uuid();
  policy::DepotLogin login{{}, depot, row.text(), policy::NoSecret{}};
  const auto password = row.bytes_or_null();
  auto certificate = row.text();
  const auto private_key = row.bytes_or_null();
  if (!row.ok()) return unexpected_row();
  const auto& root = transaction_.database().root_key();
  if (password) {
    BZ_TRY(auto opened, root.open(password_place(id), *password));
    login.secret = std::move(opened);
  }
  if (private_key) {
    BZ_TRY(auto opened, root.open(key_place(id), *private_key));
    login.certificate = policy::ClientCertificate{std::move(certificate), std::move(opened)};
  }
  return login;
}

Result<void> WallAccounts::put(const policy::DepotLogin& login, std::string_view grade, std::int64_t server_version) {
  auto& database = transaction_.database();
  const auto depot = login.depot.get().to_string();
  const std::array<Text, 1> of_depot = {depot};
  // The row's id is part of what is sealed, so an existing row's comes first.
  BZ_TRY(const Rows found,
         transaction_.query("SELECT id FROM bartizan.wall_accounts WHERE depot_id = $1::uuid", of_depot));
  const auto id = found.empty() ? Uuid::random(database.random()) : RowReader(found, 0).uuid();
  std::array<Text, 8> row = {id.to_string(), depot,        login.role_name,    std::nullopt,
                             std::string(),  std::nullopt, std::string(grade), std::to_string(server_version)};
  if (const auto* password = std::get_if<SecretBytes>(&login.secret)) {
    BZ_TRY(const Bytes sealed, database.root_key().seal(password_place(id), *password, database.random()));
    row[3] = bytea_text(sealed);
  }
  if (login.certificate) {
    BZ_TRY(const Bytes sealed, database.root_key().seal(key_place(id), login.certificate->key_pem, database.random()));
    row[4] = login.certificate->chain_pem;
    row[5] = bytea_text(sealed);
  }
  auto written = transaction_.query(
      "INSERT INTO bartizan.wall_accounts (id, depot_id, role_name, password, certificate_pem, private_key, grade,"
      " server_version) VALUES ($1::uuid, $2::uuid, $3, $4::bytea, $5, $6::bytea, $7, $8::int)"
      " ON CONFLICT (depot_id) DO UPDATE SET role_name = EXCLUDED.role_name, password = EXCLUDED.password,"
      " certificate_pem = EXCLUDED.certificate_pem, private_key = EXCLUDED.private_key, grade = EXCLUDED.grade,"
      " server_version = EXCLUDED.server_version",
      row);
  if (!written && written.error().code == Errc::FailedPrecondition) return fail(Errc::NotFound, "no such depot");
  BZ_CHECK(std::move(written));
  return {};
}

Result<void> WallAccounts::note_grade(policy::DepotId depot, std::string_view grade, std::int64_t server_version) {
  const std::array<Text, 3> parameters = {depot.get().to_string(), std::string(grade), std::to_string(server_version)};
  BZ_CHECK(
      transaction_.query("UPDATE bartizan.wall_accounts SET grade = $2, server_version = $3::int"
                         " WHERE depot_id = $1::uuid AND (grade, server_version) IS DISTINCT FROM ($2, $3::int)",
                         parameters));
  return {};
}

Result<void> WallAccounts::remove(policy::DepotId depot) {
  const std::array<Text, 1> parameters = {depot.get().to_string()};
  BZ_TRY(const Rows rows,
         transaction_.query("DELETE FROM bartizan.wall_accounts WHERE depot_id = $1::uuid", parameters));
  if (rows.affected() == 0) return fail(Errc::NotFound, "the depot has no login for its wall");
  return {};
}

}  // namespace bartizan::store
