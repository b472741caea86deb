// Statements other than queries that name a relation with encrypted columns, or could reach one unseen.
#pragma once

#include <optional>

#include "encryption_scan.hpp"

namespace bartizan::sql {

/// nullopt: it goes on as it is. `scanned`: what scan() found, without a refusal.
[[nodiscard]] std::optional<Refused> refuse_ddl(const PgQuery__Node& statement, const ScanResult& scanned,
                                                const EncryptedColumns& columns, const RelationNames& names);

}  // namespace bartizan::sql
