// One database of [databases] to a depot.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "depot_rules.hpp"
#include "names.hpp"

namespace bartizan::migrate {
namespace {

constexpr std::string_view kNoDefaults =
    "depots have no session defaults: set it for the role, ALTER ROLE … IN DATABASE … SET …, or in the client";

struct PairRule {
  std::string_view key;
  Verdict verdict;
  std::string_view outcome;
};

constexpr std::array kPairRules = {
    PairRule{"application_name", Verdict::Refused, kNoDefaults},
    PairRule{"auth_dbname", Verdict::Changed, "users are taken over by bartizan import roles --database"},
    PairRule{"auth_query", Verdict::Changed, "users are taken over by bartizan import roles"},
    PairRule{"auth_user", Verdict::Changed, "users are taken over by bartizan import roles"},
    PairRule{"client_encoding", Verdict::Refused, kNoDefaults},
    PairRule{"connect_query", Verdict::Refused, "nothing is run on new server connections; set defaults for the role"},
    PairRule{"datestyle", Verdict::Refused, kNoDefaults},
    PairRule{"load_balance_hosts", Verdict::Refused, "a depot has one server"},
    PairRule{"max_db_client_connections", Verdict::Refused, "clients are not limited by depot"},
    PairRule{"timezone", Verdict::Refused, kNoDefaults},
};

/// Those that map_database() deals with itself.
constexpr std::array kOwnRules = {
    PairRule{"dbname", Verdict::Mapped, "the depot's database"},
    PairRule{"host", Verdict::Mapped, "the depot's host"},
    PairRule{"port", Verdict::Mapped, "the depot's port"},
    PairRule{"user", Verdict::Mapped, "the depot's only login: every session runs as it"},
    PairRule{"password", Verdict::Mapped, "the login's password"},
};

template <std::size_t Size>
const PairRule* find_rule(const std::array<PairRule, Size>& rules, std::string_view key) {
  const auto found = std::ranges::find(rules, key, &PairRule::key);
  return found == rules.end() ? nullptr : &*found;
}

void note_pairs(Draft& draft, const IniEntry& entry, const Pairs& pairs) {
  for (const auto& [key, value] : pairs) {
    const PairRule* rule = find_rule(kOwnRules, key);
    if (rule == nullptr) rule = find_rule(kPairRules, key);
    if (&value != find_pair(pairs, key)) {
      draft.note_pair(entry, key, value, Verdict::Unneeded, "given again further on");
    } else if (key == "password" && find_pair(pairs, "user") == nullptr) {
      draft.note_pair(entry, key, value, Verdict::Unneeded, "not used by PgBouncer without user, and not here");
    } else if (rule != nullptr) {
      draft.note_pair(entry, key, value, rule->verdict, std::string(rule->outcome));
    } else if (!is_pool_key(key)) {
      draft.note_pair(entry, key, value, Verdict::Refused, "not a parameter of PgBouncer that is known here");
    }
  }
}

struct Endpoint {
  std::string host;
  std::int64_t port = 5432;
};

std::optional<Endpoint> endpoint_of(Draft& draft, const IniEntry& entry, const Pairs& pairs) {
  Endpoint out;
  const std::string* host = find_pair(pairs, "host");
  out.host = host != nullptr ? *host : draft.global_text("unix_socket_dir", "/tmp");
  std::string why;
  if (out.host.empty() || out.host.front() == '@') why = "neither a host nor a unix socket's folder";
  if (out.host.find(',') != std::string::npos)
    why = "several hosts: make a depot of one, or put a balancer before them";
  if (!is_utf8(out.host)) why = "not UTF-8";
  if (const std::string* port = find_pair(pairs, "port")) {
    const auto number = read_count(*port);
    if (!number || *number < 1 || *number > 65535) why = "the port is none";
    out.port = number.value_or(0);
  }
  if (why.empty()) return out;
  draft.note_pair(entry, "host", out.host, Verdict::Refused, std::move(why));
  return std::nullopt;
}

/// The server's CA, from the file that server_tls_ca_file names; empty: none, which is a chore.
Result<std::string> ca_pem(Draft& draft, const FileReader& reader, const std::string& depot, const std::string& host) {
  const std::string file = draft.global_text("server_tls_ca_file", "");
  if (file.empty()) {
    draft.chore(
        fmt::format("Depot {} would trust the system's CAs alone. Give PostgreSQL a certificate that names {}, "
                    "set server_tls_ca_file to the file of its CA, and import again.",
                    depot, host));
    return std::string();
  }
  BZ_TRY(std::string pem, reader(path_beside(draft.main_file(), file)));
  if (!is_utf8(pem) || pem.find("-----BEGIN CERTIFICATE-----") == std::string::npos)
    return fail(Errc::InvalidArgument, file + ": holds no PEM certificate");
  return pem;
}

std::string why_refused(const IniEntry& entry, const std::string& database, const std::string& forced) {
  if (entry.key == "*")
    return "there is no depot for names that are not listed: bartizan depot create NAME for each database in use";
  if (entry.key == "pgbouncer") return "the name is PgBouncer's console";
  if (!is_resource_name(entry.key))
    return "a depot's name is made of letters, digits and . - _ and begins with a letter, digit or _";
  if (!is_postgresql_name(database)) return "the database's name can't be one of PostgreSQL's";
  if (!forced.empty() && !is_postgresql_name(forced)) return "the user's name can't be one of PostgreSQL's";
  return {};
}

/// A login with the password that stands in the entry, or in the userlist.
void request_forced_login(Draft& draft, const std::string& depot, const std::string& login, const Pairs& pairs,
                          const std::vector<User>& users) {
  AdminRequest request{"depot.login", {}};
  request.arguments.emplace_back("name", depot);
  request.arguments.emplace_back("login", login);
  const auto listed = std::ranges::find(users, login, &User::name);
  if (const std::string* password = find_pair(pairs, "password"); password != nullptr && !password->empty()) {
    request.arguments.emplace_back("password", SecretBytes(std::string_view(*password)));
  } else if (listed != users.end() && listed->kind == UserSecret::Password) {
    request.arguments.emplace_back("password", listed->secret.clone());
  } else {
    draft.chore(fmt::format("The password of login {} at depot {} is not known here:", login, depot),
                {fmt::format("bartizan depot login {} {}", depot, login)});
  }
  draft.request(std::move(request));
}

}  // namespace

std::optional<Database> map_database(Draft& draft, const IniEntry& entry, const FileReader& reader,
                                     const std::vector<User>& users) {
  const auto pairs = read_connection_string(entry.value);
  if (!pairs) {
    draft.note_pair(entry, {}, {}, Verdict::Refused, pairs.error().detail);
    return std::nullopt;
  }
  const std::string* dbname = find_pair(*pairs, "dbname");
  const std::string* user = find_pair(*pairs, "user");
  const std::string database = dbname != nullptr ? *dbname : entry.key;
  Database out{entry.key, user != nullptr ? *user : std::string()};
  if (auto why = why_refused(entry, database, out.forced_user); !why.empty()) {
    draft.note_pair(entry, {}, {}, Verdict::Refused, std::move(why));
    return std::nullopt;
  }
  const auto endpoint = endpoint_of(draft, entry, *pairs);
  if (!endpoint) return std::nullopt;

  AdminRequest request{"depot.create", {}};
  request.arguments.emplace_back("name", out.depot);
  request.arguments.emplace_back("host", endpoint->host);
  request.arguments.emplace_back("port", endpoint->port);
  request.arguments.emplace_back("database", database);
  if (endpoint->host.front() != '/') {
    const auto pem = ca_pem(draft, reader, out.depot, endpoint->host);
    if (!pem) {
      draft.note_pair(entry, {}, {}, Verdict::Refused, "server_tls_ca_file: " + pem.error().detail);
      return std::nullopt;
    }
    if (!pem->empty()) request.arguments.emplace_back("tls_ca_pem", *pem);
  }
  draft.request(std::move(request));
  note_pairs(draft, entry, *pairs);
  const auto people =
      std::ranges::count_if(users, [&draft](const User& one) { return why_no_identity(draft, one).empty(); });
  map_pool(draft, entry, *pairs, out.depot, out.forced_user.empty() ? static_cast<std::size_t>(people) : 1);
  if (!out.forced_user.empty()) request_forced_login(draft, out.depot, out.forced_user, *pairs, users);
  return out;
}

}  // namespace bartizan::migrate
