// What stands in a depot before any class: two schemas, the wall's owner, the keys that only it
// reads, the verification of contexts and the mask functions (docs/formats/wall-objects.md).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "bartizan/wall/installer.hpp"
#include "bartizan/wall/names.hpp"

namespace bartizan::wall {

/// Grows with every change to the text below; a depot with another one gets its functions anew. What is
/// noted in the depot is kBaseVersion * 100 + the server's major version, whose catalogs the views show.
inline constexpr int kBaseVersion = 5;

/// Told at the commit of DDL of others: what stands may no longer be what the policies ask for.
inline constexpr std::string_view kOwnerDdlChannel = "bartizan_ddl";
/// An advisory lock: held shared by DDL of others until its transaction ends, asked for by changes of the wall.
inline constexpr std::int64_t kOwnerDdlLock = -6148914691236517206;

/// Run by the installer in one transaction, with search_path = pg_catalog. Makes what is not there,
/// replaces functions, keeps tables and their rows. Without a superuser: no event triggers, and all of it is the
/// wall's owner's from the beginning.
[[nodiscard]] std::string base_objects_sql(const Names& names, const Installer& installer = {});

/// What a wall of the managed grade has to have noted of each filter policy, for its views to ask for. Run behind the
/// policy's creation.
[[nodiscard]] std::string note_filter_sql(std::string_view relation, std::string_view view_owner);

/// The mask functions of base_objects_sql alone.
[[nodiscard]] std::string mask_functions_sql();

}  // namespace bartizan::wall
