// What a login may do for the wall of a depot: the server itself is asked (ADR 0250). Full: a superuser. Managed: an
// ordinary role that makes roles and holds the rights of those who own the database, its schemas and tables,
// as on services that give nobody a superuser.
//
// Blocking, one thread; reads catalogs alone.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "bartizan/base/clock.hpp"
#include "bartizan/base/result.hpp"
#include "bartizan/postgres/control_connection.hpp"
#include "bartizan/wall/installer.hpp"

namespace bartizan::postgres {

enum class WallGrade : std::uint8_t { Full, Managed };
/// "full", "managed"
[[nodiscard]] std::string_view to_string(WallGrade grade) noexcept;

/// Something that a login lacks, and the statement that gives it.
struct MissingRight {
  std::string what;
  std::string statement;
  bool blocks = true;  ///< false: only some tables can't stand behind the wall
};

struct LoginReview {
  WallGrade grade = WallGrade::Managed;
  std::string role;
  int server_version = 0;  ///< server_version_num
  std::vector<MissingRight> missing;
  [[nodiscard]] bool able() const noexcept;
  /// What blocks, each with its statement; empty if able().
  [[nodiscard]] std::string complaint() const;
  [[nodiscard]] wall::Installer installer() const noexcept { return {grade == WallGrade::Full, server_version}; }
};

/// Unsupported: PostgreSQL older than 14; and the connection's errors.
[[nodiscard]] Result<LoginReview> review_login(ControlConnection& connection, SteadyTime deadline);

/// A thing that the managed grade can't take from PUBLIC, so that layer 1 alone keeps classes from it.
struct OpenDuty {
  std::string_view name;      ///< as in docs/formats/wall-objects.md
  std::string_view sentence;  ///< what it means
};
/// Those of the rights that PUBLIC has in this database and the login can't take away, by duty, each once, and those
/// that the grade itself brings. Empty in the full grade.
[[nodiscard]] Result<std::vector<OpenDuty>> open_duties(ControlConnection& connection, SteadyTime deadline);

}  // namespace bartizan::postgres
