#include "wall_base.hpp"

#include <string>
#include <vector>

#include "bartizan/base/bytes.hpp"
#include "bartizan/base/clock.hpp"
#include "bartizan/base/uuid.hpp"
#include "bartizan/wall/base_objects.hpp"
#include "bartizan/wall/context.hpp"
#include "wall_transaction.hpp"

namespace bartizan::postgres {
namespace {

/// Prefix and version of what is installed; empty prefix: nothing.
struct Installed {
  std::string prefix;
  std::string version;
  bool event_triggers = false;  ///< as a superuser makes it
};

Result<Installed> installed(WallTransaction& transaction) {
  BZ_TRY(const auto there, transaction.exec("SELECT to_regclass('bartizan.installed') IS NOT NULL, "
                                            "to_regnamespace('bartizan') IS NOT NULL, "
                                            "to_regprocedure('bartizan.lift()') IS NOT NULL"));
  if (there.at(0, 0) != "t") {
    if (there.at(0, 1) == "t") return fail(Errc::Conflict, "a schema named bartizan is there and not the wall's");
    return Installed{};
  }
  BZ_TRY(const auto rows, transaction.exec("SELECT prefix, base_version FROM bartizan.installed"));
  if (rows.size() != 1) return fail(Errc::Malformed, "bartizan.installed does not hold one row");
  return Installed{rows.at(0, 0).value_or(""), rows.at(0, 1).value_or(""), there.at(0, 2) == "t"};
}

/// Where the login is no superuser it must be a member of every role of the wall: one that somebody has taken away, or a
/// login in another's place, is put right if PostgreSQL lets it.
Result<void> join_roles(WallTransaction& transaction, const wall::Names& names, const wall::Installer& installer) {
  BZ_TRY(const auto rows, transaction.exec("SELECT r.rolname FROM pg_roles AS r WHERE starts_with(r.rolname, " +
                                           quote_literal(names.prefix()) + ") AND NOT pg_has_role(r.oid, 'USAGE')"));
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const auto role = rows.at(i, 0).value_or("");
    if (const auto joined = transaction.exec(installer.join_sql(role)); !joined)
      return fail(Errc::FailedPrecondition,
                  "the wall's login is no member of " + role + ", which another login made: " + joined.error().detail);
  }
  return {};
}

/// Where a superuser takes over: who kept the wall before has no part in it any more.
Result<void> dismiss_members(WallTransaction& transaction, const wall::Names& names) {
  BZ_TRY(const auto rows,
         transaction.exec("SELECT DISTINCT quote_ident(pg_get_userbyid(m.member)) FROM pg_auth_members AS m "
                          "WHERE m.roleid = '" +
                          names.wall_owner() + "'::regrole"));
  for (std::size_t i = 0; i < rows.size(); ++i)
    BZ_CHECK(transaction.exec("REVOKE " + names.wall_owner() + " FROM " + rows.at(i, 0).value_or("") + " CASCADE"));
  return {};
}

}  // namespace

Result<LoginReview> check_login(ControlConnection& connection, SteadyTime deadline) {
  BZ_TRY(auto review, review_login(connection, deadline));
  if (!review.able())
    return fail(Errc::FailedPrecondition,
                "the wall's login " + review.role + " lacks rights on this depot: " + review.complaint());
  return review;
}

Result<bool> ensure_base(ControlConnection& connection, const wall::Names& names, const wall::Installer& installer,
                         SteadyTime deadline) {
  BZ_TRY(auto transaction, WallTransaction::begin(connection, Isolation::Change, deadline));
  if (!installer.superuser) BZ_CHECK(join_roles(transaction, names, installer));
  BZ_TRY(const auto now, installed(transaction));
  if (!now.prefix.empty() && now.prefix != names.prefix())
    return fail(Errc::Conflict, "this database has the wall of another depot");
  if (!now.prefix.empty() && now.event_triggers && !installer.superuser)
    return fail(Errc::Conflict,
                "this database has a wall that a superuser made, and the wall's login is none: "
                "suspend the depot with a superuser's login first");
  const bool of_version = now.version == std::to_string(wall::kBaseVersion * 100 + connection.server_version() / 10000);
  const bool renew = !of_version || now.event_triggers != installer.superuser;
  if (renew) BZ_CHECK(transaction.exec(wall::base_objects_sql(names, installer)));
  if (renew && installer.superuser) BZ_CHECK(dismiss_members(transaction, names));
  BZ_CHECK(transaction.commit());
  return renew;
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

namespace {

// HMAC of what was made for this once, under the key that the server itself made and never shows: parameters may come to
// stand in its log, results do not.
constexpr std::string_view kPad =
    "SELECT encode(bartizan.hmac_sha256(k.key, convert_to(concat('bartizan context key ', $1::text), 'UTF8')), 'hex') "
    "FROM bartizan.secret_key AS k WHERE k.purpose = 'mask'";
constexpr std::string_view kInstall = R"sql(
WITH pad AS (
  SELECT bartizan.hmac_sha256(k.key, convert_to(concat('bartizan context key ', $1::text), 'UTF8')) AS bytes
    FROM bartizan.secret_key AS k WHERE k.purpose = 'mask'
), given AS (
  SELECT decode(string_agg(lpad(to_hex(get_byte(p.bytes, i) # get_byte(decode($2::text, 'hex'), i)), 2, '0'), '' ORDER BY i),
                'hex') AS key
    FROM pad AS p, generate_series(0, 31) AS i
)
INSERT INTO bartizan.secret_key AS k (purpose, key) SELECT 'context', g.key FROM given AS g
ON CONFLICT (purpose) DO UPDATE SET key = EXCLUDED.key WHERE k.key <> EXCLUDED.key RETURNING purpose
)sql";

using Parameters = std::vector<std::optional<std::string>>;

/// key, hidden under the server's pad for that once.
Result<std::string> hidden(ControlConnection& connection, const SecretBytes& key, const std::string& once,
                           SteadyTime deadline) {
  const Parameters parameters{once};
  BZ_TRY(const auto rows, connection.exec(kPad, parameters, deadline));
  auto pad = rows.size() == 1 ? hex_decode(rows.at(0, 0).value_or("")) : std::nullopt;
  if (!pad || pad->size() != key.size()) return fail(Errc::Malformed, "the wall's secret for tokens is none");
  Bytes bytes(key.reveal().begin(), key.reveal().end());
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] ^= (*pad)[i];
  secure_wipe(pad->data(), pad->size());
  return hex_encode(bytes);
}

}  // namespace

Result<bool> install_context_key(ControlConnection& connection, const SecretBytes& key, SteadyTime deadline) {
  if (key.size() != wall::kContextKeySize) return fail(Errc::InvalidArgument, "a context key has 32 bytes");
  BZ_TRY(auto transaction, WallTransaction::begin(connection, Isolation::Change, deadline));
  const auto once = Uuid::random(system_random()).to_string();
  BZ_TRY(auto masked, hidden(connection, key, once, deadline));
  const Parameters parameters{once, std::move(masked)};
  const auto changed = connection.exec(kInstall, parameters, deadline);
  BZ_CHECK(changed);
  // Rows of backends that are gone; all of them when the key they were made from is.
  BZ_CHECK(transaction.exec(changed->empty() ? "DELETE FROM bartizan.server_connection AS c WHERE NOT EXISTS "
                                               "(SELECT FROM pg_stat_activity AS a WHERE a.pid = c.pid)"
                                             : "DELETE FROM bartizan.server_connection"));
  BZ_CHECK(transaction.commit());
  return !changed->empty();
}

}  // namespace bartizan::postgres
