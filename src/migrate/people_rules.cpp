// The users of auth_file to identities, and who may use which depot as which login: everybody there
// may use every database, which grants say one by one here, so that they can be taken back.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "bartizan/migrate/pgbouncer.hpp"
#include "depot_rules.hpp"
#include "names.hpp"

namespace bartizan::migrate {
namespace {

/// Longest list of commands in one chore; the rest is told in a line.
constexpr std::size_t kMaxCommands = 50;

IniEntry entry_of(const User& user) { return {"auth_file", user.name, {}, user.place}; }

void request_identity(Draft& draft, const User& user) {
  AdminRequest request{"identity.create", {}};
  request.arguments.emplace_back("name", user.name);
  if (user.kind == UserSecret::Verifier) request.arguments.emplace_back("scram_verifier", user.secret.clone());
  if (user.kind == UserSecret::Password) request.arguments.emplace_back("password", user.secret.clone());
  draft.request(std::move(request));
}

std::string outcome_of(UserSecret kind) {
  switch (kind) {
    case UserSecret::Verifier: return "identity with its SCRAM verifier: the password stays";
    case UserSecret::Password: return "identity with its password, kept as a SCRAM verifier";
    case UserSecret::Md5: return "identity without a password: an MD5 hash makes no SCRAM verifier";
    case UserSecret::None: return "identity without a password: there is none";
  }
  return {};
}

}  // namespace

std::string why_no_identity(const Draft& draft, const User& user) {
  if (!is_identity_name(user.name))
    return "an identity's name is made of letters, digits and @ . - _ and begins with a letter, digit or _";
  if (!is_utf8(user.secret.reveal_chars())) return "the password is not UTF-8";
  if (draft.global_text("auth_user", "") == user.name)
    return "auth_user: its account reads passwords and needs no identity";
  return {};
}

namespace {

void note_user(Draft& draft, const User& user, Verdict verdict, std::string outcome) {
  const IniEntry entry = entry_of(user);
  draft.note_pair(entry, {}, {}, verdict, std::move(outcome));
}

void add_commands(Draft& draft, std::string text, std::vector<std::string> commands) {
  if (commands.empty()) return;
  if (commands.size() > kMaxCommands) {
    const auto left = commands.size() - kMaxCommands;
    commands.resize(kMaxCommands);
    commands.push_back(fmt::format("# and {} more like these", left));
  }
  draft.chore(std::move(text), std::move(commands));
}

void request_own_login(Draft& draft, const std::string& depot, const User& user) {
  AdminRequest request{"depot.login", {}};
  request.arguments.emplace_back("name", depot);
  request.arguments.emplace_back("login", user.name);
  if (user.kind == UserSecret::Password) request.arguments.emplace_back("password", user.secret.clone());
  draft.request(std::move(request));
}

void request_grant(Draft& draft, const Database& database, const User& user) {
  AdminRequest request{"grant.add", {}};
  request.arguments.emplace_back("depot", database.depot);
  request.arguments.emplace_back("identity", user.name);
  request.arguments.emplace_back("login", database.forced_user.empty() ? user.name : database.forced_user);
  draft.request(std::move(request));
}

}  // namespace

Result<void> map_people(Draft& draft, const std::vector<Database>& databases, std::vector<User> users) {
  std::vector<std::string> passwords;
  std::vector<std::string> logins;
  std::erase_if(users, [&](const User& user) {
    const std::string why = why_no_identity(draft, user);
    if (!why.empty()) note_user(draft, user, why.starts_with("auth_user") ? Verdict::Changed : Verdict::Refused, why);
    return !why.empty();
  });
  if (users.size() * std::max<std::size_t>(databases.size(), 1) > kMaxGrants)
    return fail(Errc::TooLarge, "users times databases are more than 200,000 grants");
  if (users.empty() && !databases.empty()) {
    draft.chore("No user became an identity. Make them, and say who may use which depot:",
                {"bartizan identity create NAME", "bartizan grant add --depot DEPOT --identity NAME --login ROLE"});
  }
  for (const User& user : users) {
    request_identity(draft, user);
    const bool kept = user.kind == UserSecret::Verifier || user.kind == UserSecret::Password;
    note_user(draft, user, kept ? Verdict::Mapped : Verdict::Changed, outcome_of(user.kind));
    if (!kept) passwords.push_back("bartizan identity set-password " + user.name);
  }
  for (const Database& database : databases) {
    for (const User& user : users) {
      if (database.forced_user.empty()) {
        request_own_login(draft, database.depot, user);
        if (user.kind != UserSecret::Password)
          logins.push_back(fmt::format("bartizan depot login {} {}", database.depot, user.name));
      }
      request_grant(draft, database, user);
    }
  }
  add_commands(draft, "These identities need a new password, since none could be taken over:", std::move(passwords));
  add_commands(
      draft,
      "Bartizan signs in at the servers by itself, which a verifier or hash does not allow: give it the passwords of "
      "these roles, or make new ones for them:",
      std::move(logins));
  return {};
}

void map_user_settings(Draft& draft, const IniEntry& entry) {
  const auto pairs = read_connection_string(entry.value);
  if (!pairs) return draft.note_pair(entry, {}, {}, Verdict::Refused, pairs.error().detail);
  if (pairs->empty()) return draft.note_pair(entry, {}, {}, Verdict::Unneeded, "nothing is set");
  for (const auto& [key, value] : *pairs) {
    const bool same_mode = key == "pool_mode" && lower(value) == lower(draft.global_text("pool_mode", "session"));
    const bool no_limit = key != "pool_mode" && value == "0";
    if (same_mode || no_limit) {
      draft.note_pair(entry, key, value, Verdict::Unneeded, same_mode ? "as the depots have it" : "no limit");
    } else if (key == "pool_mode") {
      draft.note_pair(entry, key, value, Verdict::Refused,
                      "pool modes are the depots': make a second depot of the same database for these users");
    } else {
      draft.note_pair(entry, key, value, Verdict::Refused, "limits and times are not set by user here");
    }
  }
}

}  // namespace bartizan::migrate
