// [databases] to depots with their pools, and the users to identities, logins and grants.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "bartizan/migrate/userlist.hpp"
#include "connection_string.hpp"
#include "draft.hpp"

namespace bartizan::migrate {

/// A database that became a depot.
struct Database {
  std::string depot;
  std::string forced_user;  ///< empty: each user signs in at the server as himself
};

/// Requests for the depot and its pool, findings for each pair; nullopt: refused as a whole.
/// users: of auth_file; those that become identities may each have a pool of their own in it.
[[nodiscard]] std::optional<Database> map_database(Draft& draft, const IniEntry& entry, const FileReader& reader,
                                                   const std::vector<User>& users);

/// Why the user becomes no identity; empty: he does.
[[nodiscard]] std::string why_no_identity(const Draft& draft, const User& user);

/// Identities, logins and grants. TooLarge.
[[nodiscard]] Result<void> map_people(Draft& draft, const std::vector<Database>& databases, std::vector<User> users);

/// Findings for one entry of [users].
void map_user_settings(Draft& draft, const IniEntry& entry);

/// depot.set's arguments for the database; findings for the pairs that they come from.
void map_pool(Draft& draft, const IniEntry& entry, const Pairs& pairs, const std::string& depot, std::size_t pools);

/// Of a server_lifetime of 0.
inline constexpr std::string_view kUsedOnce =
    "0 makes PgBouncer use each server connection once, which is not offered: the depot's default holds";

/// Whether the pair is map_pool()'s.
[[nodiscard]] bool is_pool_key(std::string_view key);

/// The last value of the key; nullptr: none.
[[nodiscard]] const std::string* find_pair(const Pairs& pairs, std::string_view key);

}  // namespace bartizan::migrate
