// Takes people over from an existing server with their SCRAM verifiers, so that they keep their
// passwords. Only a superuser of that server may read pg_authid. An md5 hash can't be turned
// into a verifier: its owner has to set a new password.
#include <charconv>
#include <set>

#include "bartizan/base/log.hpp"
#include "bartizan/identity/scram_verifier.hpp"
#include "bartizan/postgres/control_connection.hpp"
#include "bartizan/store/identities.hpp"
#include "bartizan/store/tenants.hpp"
#include "depot_connection.hpp"
#include "services.hpp"

namespace bartizan::control {
namespace {

constexpr std::chrono::seconds kDeadline{30};
constexpr const char* kQuery =
    "SELECT rolname, rolcanlogin, rolpassword,"
    " CASE WHEN rolvaliduntil = 'infinity' THEN NULL WHEN rolvaliduntil < 'epoch' THEN 0"
    " ELSE (EXTRACT(epoch FROM rolvaliduntil) * 1000000)::pg_catalog.int8 END"
    " FROM pg_catalog.pg_authid WHERE rolname !~ '^pg_' ORDER BY rolname LIMIT 100001";
constexpr std::size_t kMaxRoles = 100'000;

struct Source {
  postgres::Endpoint endpoint;
  std::string ca_pem;
  SecretBytes password;
};

Result<Source> take_source(Args& args) {
  Source source;
  BZ_TRY(source.endpoint.host, args.text("host", 253));
  BZ_TRY(const auto port, args.integer_or_none("port", 1, 65535));
  BZ_TRY(auto database, args.name_or_none("database", NameKind::PostgreSql));
  BZ_TRY(source.endpoint.user, args.name("user", NameKind::PostgreSql));
  BZ_TRY(auto password, args.secret_or_none("password"));
  BZ_TRY(auto ca_pem, args.text_or_none("tls_ca_pem", std::size_t{1} << 20));
  source.endpoint.port = static_cast<std::uint16_t>(port.value_or(5432));
  source.endpoint.database = database.value_or("postgres");
  if (password) source.password = std::move(*password);
  source.ca_pem = ca_pem.value_or("");
  return source;
}

Result<postgres::Rows> read_roles(Call& call, Source& source) {
  const auto deadline = call.context.clock.steady() + kDeadline;
  BZ_TRY(const auto ca, PemFile::of(source.ca_pem));
  source.endpoint.ssl_root_cert = ca.path();
  BZ_TRY(auto connection, postgres::ControlConnection::connect(source.endpoint, source.password, deadline));
  auto rows = connection.exec(kQuery, deadline);
  if (!rows && rows.error().code == Errc::PermissionDenied) {
    call.hint = "sign in as a superuser of that server: pg_authid is closed to others";
  }
  return rows;
}

/// nullopt: not a moment.
std::optional<WallTime> parse_micros(std::string_view text) {
  std::int64_t micros = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), micros);
  if (parsed.ec != std::errc{} || parsed.ptr != text.data() + text.size()) return std::nullopt;
  return WallTime(std::chrono::microseconds(micros));
}

/// Empty: it can be taken over.
std::string_view why_not(std::string_view name, bool can_login, const std::optional<std::string>& verifier) {
  if (!can_login) return "it cannot log in";
  if (!verifier) return "it has no password";
  if (verifier->starts_with("md5")) return "its password is an md5 hash; set a new one";
  if (!identity::ScramVerifier::parse(*verifier)) return "its password is no SCRAM-SHA-256 verifier";
  if (!validate_name(NameKind::Identity, name)) return "its name can't be an identity's";
  return {};
}

struct Plan {
  std::vector<policy::Identity> wanted;
  Items skipped;

  /// The names are another server's words.
  void skip(std::string_view name, std::string_view reason) {
    const bool speakable = validate_name(NameKind::PostgreSql, name).has_value();
    skipped.push_back(Members{{"name", speakable ? name : "(unprintable)"}, {"reason", reason}});
  }
};

Plan make_plan(const postgres::Rows& rows) {
  Plan plan;
  for (std::size_t row = 0; row < rows.size(); ++row) {
    const auto& name = rows.at(row, 0).value_or("");
    const auto& verifier = rows.at(row, 2);
    const auto reason = why_not(name, rows.at(row, 1) == "t", verifier);
    if (!reason.empty()) {
      plan.skip(name, reason);
      continue;
    }
    policy::Identity identity;
    identity.name = name;
    identity.scram_verifier = SecretBytes(std::string_view(*verifier));
    if (const auto& until = rows.at(row, 3)) {
      identity.valid_until = parse_micros(*until);
      if (!identity.valid_until) {
        plan.skip(name, "its end is not understood");
        continue;
      }
    }
    plan.wanted.push_back(std::move(identity));
  }
  return plan;
}

}  // namespace

Result<Document> import_roles(Call& call, Args& args) {
  BZ_TRY(auto source, take_source(args));
  BZ_TRY(const auto tenant_name, args.name_or_none("tenant", NameKind::Resource));
  BZ_TRY(const bool dry_run, args.flag("dry_run"));
  BZ_CHECK(args.finish());
  BZ_TRY(const auto rows, read_roles(call, source));
  if (rows.size() > kMaxRoles) return fail(Errc::TooLarge, "more than 100,000 roles");
  auto plan = make_plan(rows);

  BZ_TRY(auto transaction, call.write());
  store::Identities identities(transaction);
  std::optional<policy::TenantId> tenant;
  if (tenant_name) {
    auto found = store::Tenants(transaction).find(*tenant_name);
    if (!found) return tl::unexpected<Error>(with_list_hint(call, std::move(found).error(), "tenant"));
    tenant = found->value.id;
  }
  BZ_TRY(const auto present, identities.names());
  std::set<std::string, std::less<>> taken;
  for (const auto& [id, name] : present) taken.insert(name);
  Items imported;
  for (policy::Identity& identity : plan.wanted) {
    if (taken.contains(identity.name)) {
      plan.skip(identity.name, "there is an identity of that name already");
      continue;
    }
    imported.emplace_back(identity.name);
    if (dry_run) continue;
    identity.tenant = tenant;
    BZ_CHECK(identities.create(std::move(identity)));
  }
  if (!dry_run) BZ_CHECK(transaction.commit());
  BZ_LOG(Info, "control.roles_imported", {"imported", imported.size()}, {"skipped", plan.skipped.size()},
         {"dry_run", dry_run});
  return Document(Members{{"imported", std::move(imported)}, {"skipped", std::move(plan.skipped)}});
}

}  // namespace bartizan::control
