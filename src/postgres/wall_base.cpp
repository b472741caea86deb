#include "wall_base.hpp"

#include <string>
#include <vector>

#include "bartizan/base/bytes.hpp"
#include "bartizan/wall/base_objects.hpp"
#include "bartizan/wall/context.hpp"
#include "wall_transaction.hpp"

namespace bartizan::postgres {
namespace {

constexpr int kOldestServer = 140000;

/// Prefix and version of what is installed; empty prefix: nothing.
struct Installed {
  std::string prefix;
  std::string version;
};

Result<Installed> installed(WallTransaction& transaction) {
  BZ_TRY(const auto there, transaction.exec("SELECT to_regclass('bartizan.installed') IS NOT NULL, "
                                            "to_regnamespace('bartizan') IS NOT NULL"));
  if (there.at(0, 0) != "t") {
    if (there.at(0, 1) == "t") return fail(Errc::Conflict, "a schema named bartizan is there and not the wall's");
    return Installed{};
  }
  BZ_TRY(const auto rows, transaction.exec("SELECT prefix, base_version FROM bartizan.installed"));
  if (rows.size() != 1) return fail(Errc::Malformed, "bartizan.installed does not hold one row");
  return Installed{rows.at(0, 0).value_or(""), rows.at(0, 1).value_or("")};
}

}  // namespace

Result<void> check_login(ControlConnection& connection, SteadyTime deadline) {
  if (connection.server_version() < kOldestServer)
    return fail(Errc::FailedPrecondition, "the wall needs PostgreSQL 14 or later");
  BZ_TRY(const auto super,
         connection.scalar("SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user", deadline));
  if (super != "t")
    return fail(Errc::FailedPrecondition, "the wall's login on this depot must be a superuser (grade full)");
  return {};
}

Result<bool> ensure_base(ControlConnection& connection, const wall::Names& names, SteadyTime deadline) {
  BZ_TRY(auto transaction, WallTransaction::begin(connection, Isolation::Change, deadline));
  BZ_TRY(const auto now, installed(transaction));
  if (!now.prefix.empty() && now.prefix != names.prefix())
    return fail(Errc::Conflict, "this database has the wall of another depot");
  if (now.version == std::to_string(wall::kBaseVersion * 100 + connection.server_version() / 10000)) return false;
  BZ_CHECK(transaction.exec(wall::base_objects_sql(names)));
  BZ_CHECK(transaction.commit());
  return true;
}

Result<SecretBytes> mask_secret(ControlConnection& connection, SteadyTime deadline) {
  BZ_TRY(auto text, connection.scalar("SELECT pg_catalog.encode(key, 'hex') FROM bartizan.secret_key "
                                      "WHERE purpose = 'mask'",
                                      deadline));
  auto bytes = hex_decode(text);
  secure_wipe(text.data(), text.size());
  if (!bytes) return fail(Errc::Malformed, "the wall's secret for tokens is none");
  SecretBytes secret{ByteView(*bytes)};
  secure_wipe(bytes->data(), bytes->size());
  return secret;
}

Result<bool> install_context_key(ControlConnection& connection, const SecretBytes& key, SteadyTime deadline) {
  if (key.size() != wall::kContextKeySize) return fail(Errc::InvalidArgument, "a context key has 32 bytes");
  BZ_TRY(auto transaction, WallTransaction::begin(connection, Isolation::Change, deadline));
  std::vector<std::optional<std::string>> parameters{hex_encode(key.reveal())};
  const auto changed = connection.exec(
      "INSERT INTO bartizan.secret_key AS k (purpose, key) VALUES ('context', decode($1, 'hex')) "
      "ON CONFLICT (purpose) DO UPDATE SET key = EXCLUDED.key WHERE k.key <> EXCLUDED.key RETURNING purpose",
      parameters, deadline);
  secure_wipe(parameters.front()->data(), parameters.front()->size());
  BZ_CHECK(changed);
  // Rows of backends that are gone; all of them when the key they were made from is.
  BZ_CHECK(transaction.exec(changed->empty() ? "DELETE FROM bartizan.server_connection AS c WHERE NOT EXISTS "
                                               "(SELECT FROM pg_stat_activity AS a WHERE a.pid = c.pid)"
                                             : "DELETE FROM bartizan.server_connection"));
  BZ_CHECK(transaction.commit());
  return !changed->empty();
}

}  // namespace bartizan::postgres
