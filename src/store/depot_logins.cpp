#include <array>

#include "bartizan/base/log.hpp"
#include "bartizan/store/depots.hpp"
#include "records.hpp"

namespace bartizan::store {
namespace {

constexpr std::size_t kScramKeyBytes = 32;

SecretKind kind_of(const policy::LoginSecret& secret) {
  if (std::holds_alternative<SecretBytes>(secret)) return SecretKind::Password;
  return std::holds_alternative<policy::ScramKeys>(secret) ? SecretKind::Scram : SecretKind::None;
}

const char* word_of(SecretKind kind) {
  switch (kind) {
    case SecretKind::None: return "none";
    case SecretKind::Password: return "password";
    case SecretKind::Scram: return "scram";
  }
  return "none";
}

std::optional<SecretKind> parse_kind(std::string_view word) {
  for (const auto kind : {SecretKind::None, SecretKind::Password, SecretKind::Scram}) {
    if (word == word_of(kind)) return kind;
  }
  return std::nullopt;
}

SealedPlace place_of(const Uuid& id) { return {"depot_logins", "secret", id}; }
SealedPlace key_place_of(const Uuid& id) { return {"depot_logins", "private_key", id}; }

Result<SecretBytes> plaintext_of(const policy::LoginSecret& secret) {
  if (const auto* password = std::get_if<SecretBytes>(&secret)) return password->clone();
  const auto& keys = std::get<policy::ScramKeys>(secret);
  if (keys.client_key.size() != kScramKeyBytes || keys.server_key.size() != kScramKeyBytes) {
    return fail(Errc::InvalidArgument, "a SCRAM-SHA-256 key has 32 octets");
  }
  SecretBytes both(2 * kScramKeyBytes);
  std::copy_n(keys.client_key.reveal().begin(), kScramKeyBytes, both.reveal_mutable().begin());
  std::copy_n(keys.server_key.reveal().begin(), kScramKeyBytes, both.reveal_mutable().begin() + kScramKeyBytes);
  return both;
}

Result<policy::LoginSecret> secret_of(SecretKind kind, const Uuid& id, const std::optional<Bytes>& sealed,
                                      const RootKey& key) {
  if (kind == SecretKind::None) return policy::LoginSecret(policy::NoSecret{});
  if (!sealed) return fail(Errc::Crypto, "a login's secret is missing");
  BZ_TRY(SecretBytes plaintext, key.open(place_of(id), *sealed));
  if (kind == SecretKind::Password) return policy::LoginSecret(std::move(plaintext));
  if (plaintext.size() != 2 * kScramKeyBytes) return fail(Errc::Crypto, "a login's SCRAM keys have the wrong length");
  return policy::LoginSecret(policy::ScramKeys{SecretBytes(plaintext.reveal().first(kScramKeyBytes)),
                                               SecretBytes(plaintext.reveal().last(kScramKeyBytes))});
}

struct SealedLogin {
  policy::DepotLoginId id;
  policy::DepotId depot;
  std::string role_name;
  SecretKind kind = SecretKind::None;
  std::optional<Bytes> secret;
  std::string certificate_pem;
  std::optional<Bytes> private_key;
};

Result<std::vector<SealedLogin>> read_sealed(const Rows& rows) {
  std::vector<SealedLogin> out;
  for (int i = 0; i < rows.size(); ++i) {
    RowReader row(rows, i);
    SealedLogin login;
    login.id = policy::DepotLoginId(row.uuid());
    login.depot = policy::DepotId(row.uuid());
    login.role_name = row.text();
    const auto kind = parse_kind(row.text());
    login.secret = row.bytes_or_null();
    login.certificate_pem = row.text();
    login.private_key = row.bytes_or_null();
    if (!row.ok() || !kind) return unexpected_row();
    login.kind = *kind;
    out.push_back(std::move(login));
  }
  return out;
}

const std::string kSealedColumns = "id, depot_id, role_name, secret_kind, secret, certificate_pem, private_key";

Result<policy::DepotLogin> unseal(SealedLogin login, const RootKey& key) {
  BZ_TRY(auto secret, secret_of(login.kind, login.id.get(), login.secret, key));
  policy::DepotLogin opened{login.id, login.depot, std::move(login.role_name), std::move(secret)};
  if (login.private_key) {
    BZ_TRY(auto key_pem, key.open(key_place_of(login.id.get()), *login.private_key));
    opened.certificate = policy::ClientCertificate{std::move(login.certificate_pem), std::move(key_pem)};
  }
  return opened;
}

}  // namespace

Result<void> DepotLogins::put(policy::DepotId depot, std::string_view role_name, const policy::LoginSecret& secret) {
  auto& database = transaction_.database();
  // The row's id is part of what is sealed, so an existing row's comes first.
  const std::array<Text, 2> key = {depot.get().to_string(), std::string(role_name)};
  BZ_TRY(const Rows found,
         transaction_.query("SELECT id FROM bartizan.depot_logins WHERE depot_id = $1::uuid AND role_name = $2", key));
  const auto id = found.empty() ? Uuid::random(database.random()) : RowReader(found, 0).uuid();
  Text sealed;
  if (kind_of(secret) != SecretKind::None) {
    BZ_TRY(const SecretBytes plaintext, plaintext_of(secret));
    BZ_TRY(const Bytes bytes, database.root_key().seal(place_of(id), plaintext, database.random()));
    sealed = bytea_text(bytes);
  }
  const std::array<Text, 5> row = {id.to_string(), depot.get().to_string(), std::string(role_name),
                                   word_of(kind_of(secret)), sealed};
  auto written = transaction_.query(
      "INSERT INTO bartizan.depot_logins (id, depot_id, role_name, secret_kind, secret) VALUES ($1::uuid, $2::uuid, $3, $4, $5::bytea)"
      " ON CONFLICT (depot_id, role_name) DO UPDATE SET secret_kind = EXCLUDED.secret_kind, secret = EXCLUDED.secret",
      row);
  if (!written && written.error().code == Errc::FailedPrecondition) return fail(Errc::NotFound, "no such depot");
  BZ_CHECK(std::move(written));
  return {};
}

Result<void> DepotLogins::put_certificate(policy::DepotId depot, std::string_view role_name,
                                          const std::optional<policy::ClientCertificate>& certificate) {
  auto& database = transaction_.database();
  const std::array<Text, 2> key = {depot.get().to_string(), std::string(role_name)};
  BZ_TRY(const Rows found,
         transaction_.query("SELECT id FROM bartizan.depot_logins WHERE depot_id = $1::uuid AND role_name = $2", key));
  if (found.empty()) return fail(Errc::NotFound, "the depot has no login '" + std::string(role_name) + "'");
  const auto id = RowReader(found, 0).uuid();
  std::array<Text, 3> row = {id.to_string(), std::string(), std::nullopt};
  if (certificate) {
    BZ_TRY(const Bytes sealed, database.root_key().seal(key_place_of(id), certificate->key_pem, database.random()));
    row[1] = certificate->chain_pem;
    row[2] = bytea_text(sealed);
  }
  BZ_CHECK(transaction_.query(
      "UPDATE bartizan.depot_logins SET certificate_pem = $2, private_key = $3::bytea WHERE id = $1::uuid", row));
  return {};
}

Result<std::vector<Record<DepotLoginEntry>>> DepotLogins::list(policy::DepotId depot) {
  const std::array<Text, 1> parameters = {depot.get().to_string()};
  BZ_TRY(const Rows rows,
         transaction_.query("SELECT id, depot_id, role_name, secret_kind, certificate_pem, " + kMetaColumns +
                                " FROM bartizan.depot_logins WHERE depot_id = $1::uuid ORDER BY role_name",
                            parameters));
  return read_records(rows, [](RowReader& row) {
    DepotLoginEntry entry;
    entry.id = policy::DepotLoginId(row.uuid());
    entry.depot = policy::DepotId(row.uuid());
    entry.role_name = row.text();
    entry.kind = parse_kind(row.text()).value_or(SecretKind::None);
    entry.certificate_pem = row.text();
    return entry;
  });
}

Result<policy::DepotLogin> DepotLogins::open(policy::DepotId depot, std::string_view role_name) {
  const std::array<Text, 2> parameters = {depot.get().to_string(), std::string(role_name)};
  BZ_TRY(const Rows rows,
         transaction_.query(
             "SELECT " + kSealedColumns + " FROM bartizan.depot_logins WHERE depot_id = $1::uuid AND role_name = $2",
             parameters));
  BZ_TRY(auto logins, read_sealed(rows));
  if (logins.empty()) return fail(Errc::NotFound, "the depot has no login '" + std::string(role_name) + "'");
  return unseal(std::move(logins.front()), transaction_.database().root_key());
}

Result<std::vector<policy::DepotLogin>> DepotLogins::open_all() {
  BZ_TRY(const Rows rows,
         transaction_.query("SELECT " + kSealedColumns + " FROM bartizan.depot_logins ORDER BY id", {}));
  BZ_TRY(auto sealed, read_sealed(rows));
  std::vector<policy::DepotLogin> out;
  out.reserve(sealed.size());
  for (SealedLogin& login : sealed) {
    const auto id = login.id.get().to_string();
    auto opened = unseal(std::move(login), transaction_.database().root_key());
    if (opened) {
      out.push_back(std::move(*opened));
    } else {
      BZ_LOG(Error, "store.secret_unreadable", {"table", "depot_logins"}, {"id", id});
    }
  }
  return out;
}

Result<void> DepotLogins::remove(policy::DepotId depot, std::string_view role_name) {
  const std::array<Text, 2> parameters = {depot.get().to_string(), std::string(role_name)};
  BZ_TRY(
      const Rows rows,
      transaction_.query("DELETE FROM bartizan.depot_logins WHERE depot_id = $1::uuid AND role_name = $2", parameters));
  if (rows.affected() == 0) return fail(Errc::NotFound, "the depot has no login '" + std::string(role_name) + "'");
  return {};
}

}  // namespace bartizan::store
