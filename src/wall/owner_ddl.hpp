// The owner's DDL goes on as if there were no classes (DESIGN, "The wall", point 7; ADR 0160): event
// triggers that take away, in the owner's own transaction, the views and filters that would stand in a
// command's way, and those views whose filter a command has left without effect; then tell the wall's
// keeper, which builds anew what the policies ask for. No view ever outlives its filter.
#pragma once

#include <string>

#include "bartizan/wall/base_objects.hpp"
#include "bartizan/wall/names.hpp"

namespace bartizan::wall {

/// Run by a superuser, who comes to own the triggers' functions: they drop what belongs to several roles.
[[nodiscard]] std::string owner_ddl_sql(const Names& names);

}  // namespace bartizan::wall
