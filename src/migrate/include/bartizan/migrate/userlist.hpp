// PgBouncer's auth_file: "name" "secret" a line, the rest of the line ignored, ; a comment line,
// a doubled quote inside quotes stands for one (pgbouncer.ini(5), "Authentication file format").
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "bartizan/base/result.hpp"
#include "bartizan/base/secret.hpp"
#include "bartizan/migrate/ini.hpp"

namespace bartizan::migrate {

inline constexpr std::size_t kMaxUserlistBytes = 16u << 20;
inline constexpr std::size_t kMaxUsers = 100'000;

enum class UserSecret : std::uint8_t {
  None,      ///< an empty text
  Verifier,  ///< SCRAM-SHA-256$…
  Md5,       ///< md5 and 32 hexadecimal digits
  Password,  ///< in clear
};

/// Move-only: it holds a secret.
struct User {
  std::string name;
  UserSecret kind = UserSecret::None;
  SecretBytes secret;
  Place place;
};

/// Each name once: of several entries the last one counts, as in PgBouncer. Malformed says where.
[[nodiscard]] Result<std::vector<User>> read_userlist(std::string_view text, const std::string& file);

}  // namespace bartizan::migrate
