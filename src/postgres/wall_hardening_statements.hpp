// GRANT and REVOKE of one right, and the record of both in bartizan.hardened.
#pragma once

#include <string>
#include <string_view>

namespace bartizan::postgres {

/// As public_rights_sql gives it. target is SQL text made by PostgreSQL (quoted names); of a COLUMN
/// it is "column relation".
struct PublicRight {
  std::string object_class;
  std::string target;
  std::string privilege;
};

/// role: quoted, or PUBLIC.
[[nodiscard]] std::string grant_sql(const PublicRight& right, std::string_view role);
[[nodiscard]] std::string revoke_sql(const PublicRight& right, std::string_view role);

/// INSERT 0 1 if the role did not hold the right by itself and it was not noted before.
[[nodiscard]] std::string note_grant_sql(const PublicRight& right, std::string_view role);
[[nodiscard]] std::string note_public_sql(const PublicRight& right);

}  // namespace bartizan::postgres
