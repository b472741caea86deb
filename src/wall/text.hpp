// Small pieces of SQL text: quoting, and filling the blanks of a template.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

#include "bartizan/wall/installer.hpp"

namespace bartizan::wall {

/// "name", quotes doubled.
[[nodiscard]] std::string quoted_name(std::string_view name);
/// "schema"."name"
[[nodiscard]] std::string quoted_name(std::string_view schema, std::string_view name);
/// A literal that means the same whatever standard_conforming_strings says.
[[nodiscard]] std::string quoted_literal(std::string_view text);
/// Each blank replaced wherever it stands in the template itself, never in what was filled in.
[[nodiscard]] std::string filled(std::string_view text,
                                 std::initializer_list<std::pair<std::string_view, std::string>> blanks);

/// A role without any power, unless there is one of that name; the installer is its member where it has to be.
[[nodiscard]] std::string create_role_sql(std::string_view role, bool login, const Installer& installer = {});

}  // namespace bartizan::wall
