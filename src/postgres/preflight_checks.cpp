#include "preflight_checks.hpp"

#include <charconv>

namespace bartizan::postgres {
namespace {

constexpr int kOldestServer = 130000;
constexpr int kNewestTested = 189999;
constexpr long kFewConnections = 50;

}  // namespace

void CheckContext::add(Severity severity, std::string id, std::string what, std::string why, std::string what_to_do) {
  report.findings.push_back({severity, std::move(id), std::move(what), std::move(why), std::move(what_to_do)});
}

std::string CheckContext::ask(std::string_view sql) { return connection.scalar(sql, deadline).value_or(""); }

long CheckContext::ask_number(std::string_view sql) {
  const auto text = ask(sql);
  long number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

void check_version(CheckContext& context) {
  context.report.server_version = context.ask("SHOW server_version");
  const int version = context.connection.server_version();
  const auto what = "the server is PostgreSQL " + context.report.server_version;
  if (version < kOldestServer)
    context.add(Severity::Blocker, "server.version", what, "Bartizan is tested with 13 and later",
                "upgrade the server to a supported major version");
  else if (version > kNewestTested)
    context.add(Severity::Warning, "server.version", what, "it is newer than what Bartizan was tested with",
                "try it on a copy first, or wait for a release that names it");
  else
    context.add(Severity::Ok, "server.version", what);
  if (context.ask("SELECT pg_is_in_recovery()") == "t")
    context.add(Severity::Blocker, "server.standby", "the server is a standby", "nothing can be set up on a standby",
                "give the address of the primary");
}

void check_grade(CheckContext& context) {
  const bool create_role = context.ask("SELECT rolcreaterole FROM pg_roles WHERE rolname = current_user") == "t";
  const bool owner = context.ask(
                         "SELECT pg_has_role(current_user, datdba, 'MEMBER') FROM pg_database "
                         "WHERE datname = current_database()") == "t";
  if (context.superuser) {
    context.report.grade = Grade::Full;
    context.add(Severity::Ok, "grade.full", "the account is a superuser: the hardening can be complete");
  } else if (create_role && owner) {
    context.report.grade = Grade::Managed;
    context.add(Severity::Note, "grade.managed",
                "the account may create roles and owns the database, but is no superuser",
                "what only a superuser can take away from PUBLIC rests on the gateway's own checks",
                "use a superuser where the provider has one; doctor lists the duties that remain");
  } else {
    context.add(Severity::Blocker, "grade.insufficient",
                std::string("the account ") + (create_role ? "does not own the database" : "may not create roles"),
                "Bartizan needs roles of its own and rights on the schemas that it protects",
                "give an account with CREATEROLE that owns the database, or a superuser");
  }
}

void check_tls(CheckContext& context) {
  const bool offered = context.ask("SHOW ssl") == "on";
  const bool local = context.ask("SELECT inet_server_addr() IS NULL") == "t";
  if (context.connection.tls_in_use())
    context.add(Severity::Ok, "tls.on", "this connection is encrypted");
  else if (local)
    context.add(offered ? Severity::Ok : Severity::Note, "tls.local",
                "this connection is a local socket, which needs no encryption; TLS is " +
                    std::string(offered ? "on" : "off") + " for the network",
                offered ? "" : "a gateway on another machine would have to speak in the clear",
                offered ? "" : "set ssl = on with a certificate before moving the gateway off this machine");
  else
    context.add(Severity::Blocker, "tls.off", "this connection is not encrypted",
                "passwords' exchanges and rows could be read and changed on the way",
                offered ? "the server offers TLS: use sslmode=verify-full"
                        : "set ssl = on with ssl_cert_file and ssl_key_file, and use sslmode=verify-full");
}

void check_passwords(CheckContext& context) {
  if (context.ask("SHOW password_encryption") != "scram-sha-256")
    context.add(Severity::Warning, "auth.password_encryption", "new passwords are stored as MD5 hashes",
                "an MD5 hash is as good as the password to whoever reads it",
                "set password_encryption = 'scram-sha-256'");
  if (!context.superuser) {
    context.add(Severity::Note, "auth.verifiers_unseen", "password verifiers can't be read by this account",
                "users' passwords can't be taken over without them",
                "run preflight as a superuser, or set new passwords");
    return;
  }
  const auto md5 = context.ask_number("SELECT count(*) FROM pg_authid WHERE rolcanlogin AND rolpassword LIKE 'md5%'");
  const auto scram =
      context.ask_number("SELECT count(*) FROM pg_authid WHERE rolcanlogin AND rolpassword LIKE 'SCRAM-SHA-256$%'");
  context.add(Severity::Ok, "auth.scram_verifiers",
              std::to_string(scram) + " roles have SCRAM verifiers, which can be taken over");
  if (md5 > 0)
    context.add(Severity::Warning, "auth.md5_verifiers", std::to_string(md5) + " roles have MD5 password hashes",
                "Bartizan signs in by SCRAM only, so they can't be taken over",
                "set password_encryption = 'scram-sha-256' and have these users set their passwords again");
}

void check_roles(CheckContext& context) {
  const auto supers = context.ask_number(
      "SELECT count(*) FROM pg_roles WHERE rolcanlogin AND (rolsuper OR rolbypassrls) AND rolname <> current_user");
  if (supers > 0)
    context.add(Severity::Warning, "roles.unbounded",
                std::to_string(supers) + " other login roles are superusers or bypass row-level security",
                "what they do directly on the server is bound by no policy",
                "let them in through the gateway alone (pg_hba.conf), or take LOGIN or the attribute from them");
  const auto files = context.ask(
      "SELECT string_agg(DISTINCT m.rolname, ', ' ORDER BY m.rolname) FROM pg_auth_members a "
      "JOIN pg_roles g ON g.oid = a.roleid JOIN pg_roles m ON m.oid = a.member WHERE g.rolname IN "
      "('pg_execute_server_program', 'pg_read_server_files', 'pg_write_server_files') AND NOT m.rolsuper");
  if (!files.empty())
    context.add(Severity::Warning, "roles.server_files",
                "these roles can reach the server's files or run programs: " + files,
                "that is as much as being a superuser", "revoke these memberships");
}

void check_capacity(CheckContext& context) {
  const auto most = context.ask_number("SELECT setting FROM pg_settings WHERE name = 'max_connections'");
  const auto reserved = context.ask_number(
      "SELECT sum(setting::integer) FROM pg_settings WHERE name IN ('superuser_reserved_connections', 'reserved_connections')");
  const auto used = context.ask_number("SELECT sum(numbackends) FROM pg_stat_database");
  const auto left = most - reserved - used;
  const auto what =
      "max_connections is " + std::to_string(most) + ", of which " + std::to_string(left) + " are free now";
  if (left < kFewConnections)
    context.add(Severity::Warning, "capacity.connections", what, "every client session needs a connection of its own",
                "raise max_connections, or bound the gateway's clients to what is free");
  else
    context.add(Severity::Ok, "capacity.connections", what);
}

void check_extensions(CheckContext& context) {
  const auto outward = context.ask(
      "SELECT string_agg(extname, ', ' ORDER BY extname) FROM pg_extension WHERE extname IN "
      "('dblink', 'postgres_fdw', 'file_fdw', 'adminpack', 'pg_cron', 'http', 'pageinspect')");
  if (!outward.empty())
    context.add(Severity::Warning, "extensions.outward", "extensions that reach around policies: " + outward,
                "they open connections, files or raw pages of their own from inside the database",
                "drop those that are not needed; take EXECUTE on the rest from PUBLIC");
  const auto languages = context.ask(
      "SELECT string_agg(lanname, ', ' ORDER BY lanname) FROM pg_language WHERE NOT lanpltrusted "
      "AND lanname NOT IN ('internal', 'c')");
  if (!languages.empty())
    context.add(Severity::Warning, "extensions.untrusted_languages", "untrusted languages: " + languages,
                "their functions run with the server's own rights", "review the functions written in them");
  const auto all =
      context.ask("SELECT string_agg(extname || ' ' || extversion, ', ' ORDER BY extname) FROM pg_extension");
  context.add(Severity::Ok, "extensions.list", "extensions: " + all);
}

void check_replication(CheckContext& context) {
  const auto slots = context.ask("SELECT string_agg(slot_name, ', ' ORDER BY slot_name) FROM pg_replication_slots");
  if (!slots.empty())
    context.add(Severity::Note, "replication.slots", "replication slots: " + slots,
                "what reads them gets whole rows, past every policy",
                "make sure that each reader is known and bound by contract");
  const auto published = context.ask("SELECT string_agg(pubname, ', ' ORDER BY pubname) FROM pg_publication");
  if (!published.empty())
    context.add(Severity::Note, "replication.publications", "publications: " + published,
                "subscribers get whole rows, past every policy", "make sure that each subscriber is known");
}

void check_prepared_transactions(CheckContext& context) {
  const auto waiting = context.ask_number("SELECT count(*) FROM pg_prepared_xacts");
  if (waiting > 0)
    context.add(Severity::Warning, "transactions.prepared", std::to_string(waiting) + " prepared transactions wait",
                "they hold locks that setting up roles and views would wait for",
                "commit or roll back the ones that nobody will finish");
}

void check_hba(CheckContext& context) {
  if (!context.superuser) return;
  const auto loose = context.ask(
      "SELECT string_agg(line_number::text, ', ' ORDER BY line_number) FROM pg_hba_file_rules "
      "WHERE type LIKE 'host%' AND auth_method IN ('trust', 'password', 'md5', 'ident')");
  if (!loose.empty())
    context.add(Severity::Warning, "hba.weak", "pg_hba.conf admits network clients by weak means in lines " + loose,
                "whoever can connect directly goes past the gateway", "replace them by the lines that doctor prints");
  const auto admitted = context.ask_number(
      "SELECT count(*) FROM pg_hba_file_rules WHERE type IN ('host', 'hostnossl', 'hostnogssenc') AND auth_method <> 'reject' "
      "AND address NOT IN ('127.0.0.1', '::1', 'localhost')");
  if (admitted > 0)
    context.add(Severity::Warning, "hba.plaintext",
                std::to_string(admitted) + " lines of pg_hba.conf admit network clients without TLS",
                "a client that does not ask for TLS talks in the clear", "make them hostssl lines");
}

void check_settings(CheckContext& context) {
  const auto encoding =
      context.ask("SELECT pg_encoding_to_char(encoding) FROM pg_database WHERE datname = current_database()");
  if (encoding != "UTF8")
    context.add(Severity::Warning, "settings.encoding", "the database's encoding is " + encoding,
                "masks and detectors read text as UTF-8", "migrate the database to UTF8");
  if (context.ask("SHOW standard_conforming_strings") != "on")
    context.add(Severity::Warning, "settings.strings", "standard_conforming_strings is off",
                "backslashes in literals then change where they end", "set it to on");
  const auto statements = context.ask("SHOW log_statement");
  const auto duration = context.ask("SHOW log_min_duration_statement");
  if ((!statements.empty() && statements != "none") || (!duration.empty() && duration != "-1"))
    context.add(Severity::Note, "settings.statement_log", "the server's log holds statements",
                "literals in them are data, outside every policy",
                "set log_statement = none and log_min_duration_statement = -1: the gateway keeps the audit log");
}

}  // namespace bartizan::postgres
