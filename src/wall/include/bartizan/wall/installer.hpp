// As whom the wall's objects are made in a depot. A superuser may make anything. An ordinary role with
// CREATEROLE (the managed grade, ADR 0250) has to be a member of the roles that it makes, may hand an object
// only to a role that could have made it, and can make no event trigger.
#pragma once

#include <string>
#include <string_view>

namespace bartizan::wall {

/// Immutable value.
struct Installer {
  bool superuser = true;
  int server_version = 150000;  ///< server_version_num

  /// From PostgreSQL 16 on who makes a role is its administrator, and neither has its rights nor may set it.
  [[nodiscard]] bool grants_have_options() const noexcept { return server_version >= 160000; }
  /// Gives the installer what a role may. Empty for a superuser, who needs none of it.
  [[nodiscard]] std::string join_sql(std::string_view role) const {
    if (superuser) return "";
    return "GRANT " + std::string(role) + " TO CURRENT_USER" +
           (grants_have_options() ? " WITH INHERIT TRUE, SET TRUE" : "");
  }
};

}  // namespace bartizan::wall
