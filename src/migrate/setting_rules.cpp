#include "setting_rules.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "depot_rules.hpp"
#include "fixed_rules.hpp"
#include "names.hpp"

namespace bartizan::migrate {
namespace {

struct NumberRule {
  std::string_view key;
  std::string_view setting;
};

struct TimeRule {
  std::string_view key;
  std::string_view setting;
  Verdict verdict = Verdict::Mapped;
  std::string_view remark{};
  std::string_view instead_of_zero{};  ///< where zero means "never" there and is not taken here
};

constexpr std::array kNumbers = {
    NumberRule{"listen_backlog", "listen.backlog"},
    NumberRule{"listen_port", "listen.port"},
    NumberRule{"max_client_conn", "limits.clients"},
    NumberRule{"scram_iterations", "scram.iterations"},
};

constexpr std::array kTimes = {
    TimeRule{"client_idle_timeout", "limits.idle_timeout"},
    TimeRule{"client_login_timeout", "limits.sign_in_timeout", Verdict::Mapped, {}, "10m"},
    TimeRule{"idle_transaction_timeout", "limits.idle_in_transaction_timeout"},
    TimeRule{"query_timeout", "limits.statement_timeout", Verdict::Changed,
             "the statement is cancelled; the session and its server connection stay"},
};

/// Of databases: pool_rules.cpp computes with them.
constexpr std::array kPoolKeys = {
    std::string_view("default_pool_size"),  std::string_view("min_pool_size"),
    std::string_view("reserve_pool_size"),  std::string_view("max_db_connections"),
    std::string_view("server_lifetime"),    std::string_view("server_idle_timeout"),
    std::string_view("query_wait_timeout"),
};

void not_a_value(Draft& draft, const IniEntry& entry, std::string_view what) {
  draft.note(entry, Verdict::Refused, fmt::format("this is no {}", what));
}

bool map_number(Draft& draft, const IniEntry& entry) {
  const auto rule = std::ranges::find(kNumbers, entry.key, &NumberRule::key);
  if (rule == kNumbers.end()) return false;
  if (const auto number = read_count(entry.value)) {
    draft.set(entry, std::string(rule->setting), SettingKind::Number, std::to_string(*number));
  } else {
    not_a_value(draft, entry, "whole number");
  }
  return true;
}

bool map_time(Draft& draft, const IniEntry& entry) {
  const auto rule = std::ranges::find(kTimes, entry.key, &TimeRule::key);
  if (rule == kTimes.end()) return false;
  const auto time = read_seconds(entry.value);
  if (!time) {
    not_a_value(draft, entry, "number of seconds");
  } else if (time->count() == 0 && !rule->instead_of_zero.empty()) {
    draft.set(entry, std::string(rule->setting), SettingKind::Text, std::string(rule->instead_of_zero),
              Verdict::Changed, "it is always bounded here");
  } else {
    const bool differs = time->count() != 0 && rule->verdict == Verdict::Changed;
    draft.set(entry, std::string(rule->setting), SettingKind::Text, config::format(*time),
              differs ? Verdict::Changed : Verdict::Mapped, differs ? rule->remark : std::string_view());
  }
  return true;
}

void map_listen_addr(Draft& draft, const IniEntry& entry) {
  std::string addresses;
  for (std::string_view rest = entry.value; !rest.empty();) {
    const auto comma = rest.find(',');
    std::string one(rest.substr(0, comma));
    rest.remove_prefix(comma == std::string_view::npos ? rest.size() : comma + 1);
    std::erase_if(one, [](char c) { return c == ' ' || c == '\t'; });
    if (one == "*") one = "0.0.0.0,::";
    if (one == "localhost") one = "127.0.0.1,::1";
    addresses += addresses.empty() ? one : "," + one;
  }
  if (addresses.empty())
    return draft.note(entry, Verdict::Changed,
                      "listen.addresses stays at the loopback addresses: there is no unix socket");
  draft.set(entry, "listen.addresses", SettingKind::List, std::move(addresses));
}

void map_max_packet_size(Draft& draft, const IniEntry& entry) {
  const auto bytes = read_count(entry.value);
  if (!bytes) return not_a_value(draft, entry, "whole number");
  if (*bytes >= 2147483647)
    return draft.note(entry, Verdict::Unneeded,
                      "messages are streamed; limits.statement_bytes bounds a statement's text");
  draft.set(entry, "limits.statement_bytes", SettingKind::Text,
            config::format(config::ByteSize{static_cast<std::uint64_t>(*bytes)}), Verdict::Changed,
            "bounds a statement's text alone: rows and values are streamed, however long");
}

void map_verbose(Draft& draft, const IniEntry& entry) {
  const auto level = read_count(entry.value);
  if (!level) return not_a_value(draft, entry, "whole number");
  if (*level == 0) return draft.note(entry, Verdict::Unneeded, "log.level stays at info");
  draft.set(entry, "log.level", SettingKind::Text, "debug");
}

void map_auth_type(Draft& draft, const IniEntry& entry) {
  const std::string type = lower(entry.value);
  if (type == "scram-sha-256")
    return draft.note(entry, Verdict::Mapped, "identities sign in by SCRAM-SHA-256 or SCRAM-SHA-256-PLUS");
  if (type == "md5" || type == "plain") {
    return draft.note(entry, Verdict::Changed,
                      "identities sign in by SCRAM-SHA-256: clients need libpq 10 or later, or a driver that knows it");
  }
  if (type == "trust" || type == "any")
    return draft.note(entry, Verdict::Refused, "nobody gets in without a password: each user needs one");
  if (type == "cert") {
    return draft.note(
        entry, Verdict::Refused,
        "a certificate alone signs nobody in: users need passwords; tls.require_client_certificate asks for both");
  }
  if (type == "hba" || type == "pam" || type == "ldap")
    return draft.note(entry, Verdict::Refused, "identities sign in by SCRAM-SHA-256 with a password of their own");
  draft.note(entry, Verdict::Refused, "not a kind of authentication that is known here");
}

void map_auth_query(Draft& draft, const IniEntry& entry) {
  draft.note(entry, Verdict::Changed,
             "users are not looked up at sign-in: bartizan import roles takes them over with their SCRAM verifiers");
  if (entry.key != "auth_user") return;
  draft.chore(
      "Users that auth_query finds in the database are not in auth_file. Take them over from each server (the "
      "role that reads them must be a superuser there), give each a login and a grant on its depots:",
      {"bartizan import roles --host HOST --ca-file CA.pem --user postgres --dry-run",
       "bartizan import roles --host HOST --ca-file CA.pem --user postgres", "bartizan depot login DEPOT ROLE",
       "bartizan grant add --depot DEPOT --identity ROLE --login ROLE"});
}

void map_console_users(Draft& draft, const IniEntry& entry) {
  if (entry.value.empty()) return draft.note(entry, Verdict::Unneeded, "nobody is named");
  draft.note(
      entry, Verdict::Changed,
      "there is no console database: members of the system group bartizan run `bartizan`, and /metrics tells the rest");
}

void map_pool_mode(Draft& draft, const IniEntry& entry) {
  const std::string mode = lower(entry.value);
  if (mode == "session" || mode == "transaction") return draft.note(entry, Verdict::Mapped, "pool_mode of the depots");
  if (mode != "statement") return not_a_value(draft, entry, "pool mode");
  draft.note(entry, Verdict::Refused,
             "depots get pool_mode transaction: nothing here forbids transactions of several statements");
}

void map_unix_socket_dir(Draft& draft, const IniEntry& entry) {
  if (entry.value.empty()) return draft.note(entry, Verdict::Unneeded, "there is no unix socket for clients");
  draft.note(
      entry, Verdict::Changed,
      "clients have no unix socket: they connect by TCP with TLS. Databases without host= are reached in this folder");
}

void map_server_tls(Draft& draft, const IniEntry& entry) {
  if (entry.key == "server_tls_ca_file")
    return draft.note(entry, entry.value.empty() ? Verdict::Unneeded : Verdict::Mapped,
                      "tls_ca_pem of depots with a TCP server");
  if (entry.key == "server_tls_ciphers")
    return draft.note(entry, Verdict::Unneeded, "the suites of TLS 1.3 and the forward-secret AEAD ones of TLS 1.2");
  if (entry.key == "server_tls_protocols")
    return draft.note(entry, Verdict::Unneeded, "TLS 1.2 and 1.3 are spoken, the newer one first");
  if (lower(entry.value) == "verify-full")
    return draft.note(entry, Verdict::Mapped, "servers are always verified in full");
  draft.note(entry, Verdict::Changed, "TCP servers are verified in full (certificate, CA and name), or not used");
}

struct HandledRule {
  std::string_view key;
  void (*map)(Draft&, const IniEntry&);
};

/// map_client_tls() finds for these.
void found_elsewhere(Draft& /*draft*/, const IniEntry& /*entry*/) {}

constexpr std::array kHandled = {
    HandledRule{"admin_users", map_console_users},
    HandledRule{"auth_dbname", map_auth_query},
    HandledRule{"auth_file", found_elsewhere},
    HandledRule{"auth_query", map_auth_query},
    HandledRule{"auth_type", map_auth_type},
    HandledRule{"auth_user", map_auth_query},
    HandledRule{"client_tls_ca_file", found_elsewhere},
    HandledRule{"client_tls_cert_file", found_elsewhere},
    HandledRule{"client_tls_ciphers", found_elsewhere},
    HandledRule{"client_tls_key_file", found_elsewhere},
    HandledRule{"client_tls_protocols", found_elsewhere},
    HandledRule{"client_tls_sslmode", found_elsewhere},
    HandledRule{"listen_addr", map_listen_addr},
    HandledRule{"max_packet_size", map_max_packet_size},
    HandledRule{"pool_mode", map_pool_mode},
    HandledRule{"server_tls_ca_file", map_server_tls},
    HandledRule{"server_tls_ciphers", map_server_tls},
    HandledRule{"server_tls_protocols", map_server_tls},
    HandledRule{"server_tls_sslmode", map_server_tls},
    HandledRule{"stats_users", map_console_users},
    HandledRule{"unix_socket_dir", map_unix_socket_dir},
    HandledRule{"verbose", map_verbose},
};

}  // namespace

void map_setting(Draft& draft, const IniEntry& entry) {
  if (map_number(draft, entry) || map_time(draft, entry)) return;
  if (const auto handled = std::ranges::find(kHandled, entry.key, &HandledRule::key); handled != kHandled.end())
    return handled->map(draft, entry);
  if (entry.key == "server_lifetime" && read_seconds(entry.value) == config::Duration(0))
    return draft.note(entry, Verdict::Refused, std::string(kUsedOnce));
  if (std::ranges::find(kPoolKeys, entry.key) != kPoolKeys.end())
    return draft.note(entry, Verdict::Mapped, "default of the databases; see there");
  const FixedRule* fixed = find_fixed_rule(entry.key);
  if (fixed == nullptr) return draft.note(entry, Verdict::Refused, "not a key of PgBouncer that is known here");
  const bool neutral = fixed->is_neutral(entry.value);
  draft.note(entry, neutral ? Verdict::Unneeded : fixed->otherwise,
             std::string(neutral ? fixed->unneeded : fixed->outcome));
}

}  // namespace bartizan::migrate
