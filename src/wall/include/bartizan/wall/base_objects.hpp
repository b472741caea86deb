// What stands in a depot before any class: two schemas, the wall's owner, the keys that only it
// reads, the verification of contexts and the mask functions (docs/formats/wall-objects.md).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "bartizan/wall/names.hpp"

namespace bartizan::wall {

/// Grows with every change to the text below; a depot with another one gets its functions anew. What is
/// noted in the depot is kBaseVersion * 100 + the server's major version, whose catalogs the views show.
inline constexpr int kBaseVersion = 4;

/// Told at the commit of DDL of others: what stands may no longer be what the policies ask for.
inline constexpr std::string_view kOwnerDdlChannel = "bartizan_ddl";
/// An advisory lock: held shared by DDL of others until its transaction ends, asked for by changes of the wall.
inline constexpr std::int64_t kOwnerDdlLock = -6148914691236517206;

/// Run by a superuser in one transaction, with search_path = pg_catalog. Makes what is not there,
/// replaces functions, keeps tables and their rows.
[[nodiscard]] std::string base_objects_sql(const Names& names);

/// The mask functions of base_objects_sql alone.
[[nodiscard]] std::string mask_functions_sql();

}  // namespace bartizan::wall
