// The control database's schema, step by step: migrations/NNNN_topic.sql, compiled in. Each is
// applied once, in the order of numbers, all that are missing in one transaction under an
// advisory lock; bartizan.schema_migrations keeps their SHA-256, and a file that changed after
// it was applied is refused. Numbers 0001-0099 are the spine's (design, "Seams").
//
// Expand, then contract: a file's first line says "-- bartizan: needs-program M.N", the oldest
// program that can live with the schema after it. A program finds newer migrations than its own
// acceptable as long as none of them needs a newer program, so that nodes upgrade one by one.
#pragma once

#include <span>
#include <string_view>

#include "bartizan/base/result.hpp"

namespace bartizan::store {

struct Migration {
  int number = 0;
  std::string_view name;  ///< "0001_resources"
  std::string_view text;
};

/// Major and minor, as in 0.1.
struct ProgramVersion {
  int major = 0;
  int minor = 0;
  friend auto operator<=>(const ProgramVersion&, const ProgramVersion&) = default;
  [[nodiscard]] static Result<ProgramVersion> parse(std::string_view text);
};

/// Those compiled in, by number.
[[nodiscard]] std::span<const Migration> embedded_migrations() noexcept;
[[nodiscard]] ProgramVersion program_version() noexcept;
/// What the file's first line says. Malformed if it says nothing.
[[nodiscard]] Result<ProgramVersion> needed_program(const Migration& migration);

class Connection;
/// How many were applied. FailedPrecondition: a checksum differs, or the schema needs a newer
/// program. Nothing is applied in either case.
[[nodiscard]] Result<int> migrate(Connection& connection, std::span<const Migration> migrations,
                                  ProgramVersion program);

}  // namespace bartizan::store
