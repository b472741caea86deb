#include "bartizan/store/migrations.hpp"

#include <array>
#include <charconv>
#include <map>
#include <string>

#include "bartizan/crypto/hash.hpp"
#include "connection.hpp"

#ifndef BZ_PROGRAM_VERSION
#error "the build names the program's version"
#endif

namespace bartizan::store {
namespace {

constexpr std::string_view kHeader = "-- bartizan: needs-program ";

std::string number_text(int number) {
  auto digits = std::to_string(number);
  return std::string(digits.size() < 4 ? 4 - digits.size() : 0, '0') + digits;
}

std::string checksum(const Migration& migration) { return hex_encode(crypto::sha256(as_bytes(migration.text))); }

/// Ends with a rollback unless committed.
class Bracket {
 public:
  explicit Bracket(Connection& connection) : connection_(connection) {}
  Bracket(const Bracket&) = delete;
  Bracket& operator=(const Bracket&) = delete;
  ~Bracket() {
    if (connection_.usable() && !connection_.idle()) [[maybe_unused]]
      const auto done = connection_.run("ROLLBACK");
  }

 private:
  Connection& connection_;
};

/// The table may be there already, made by another gateway a moment ago: the lock comes first.
constexpr const char* kPrepare =
    "BEGIN ISOLATION LEVEL READ COMMITTED;"
    "SELECT pg_advisory_xact_lock(477410037, 0);"
    "CREATE SCHEMA IF NOT EXISTS bartizan;"
    "REVOKE ALL ON SCHEMA bartizan FROM PUBLIC;"
    "CREATE TABLE IF NOT EXISTS bartizan.schema_migrations ("
    " number integer PRIMARY KEY, name text NOT NULL, checksum text NOT NULL, needs_program text NOT NULL,"
    " applied_at timestamptz NOT NULL DEFAULT clock_timestamp())";

struct Applied {
  std::string name;
  std::string checksum;
};

Result<std::map<int, Applied>> read_applied(Connection& connection, ProgramVersion program) {
  BZ_TRY(const Rows rows,
         connection.query("SELECT number, name, checksum, needs_program FROM bartizan.schema_migrations", {}));
  std::map<int, Applied> applied;
  for (int row = 0; row < rows.size(); ++row) {
    const auto number = rows.at(row, 0).value_or("");
    int parsed = 0;
    std::from_chars(number.data(), number.data() + number.size(), parsed);
    BZ_TRY(const auto needed, ProgramVersion::parse(rows.at(row, 3).value_or("")));
    if (needed > program) {
      return fail(Errc::FailedPrecondition, "the control database's schema needs Bartizan " +
                                                std::to_string(needed.major) + "." + std::to_string(needed.minor) +
                                                " or newer (migration " + number_text(parsed) + "); upgrade this node");
    }
    applied[parsed] = {std::string(rows.at(row, 1).value_or("")), std::string(rows.at(row, 2).value_or(""))};
  }
  return applied;
}

}  // namespace

Result<ProgramVersion> ProgramVersion::parse(std::string_view text) {
  ProgramVersion version;
  const char* end = text.data() + text.size();
  const auto major = std::from_chars(text.data(), end, version.major);
  if (major.ec == std::errc{} && major.ptr != end && *major.ptr == '.') {
    const auto minor = std::from_chars(major.ptr + 1, end, version.minor);
    const bool ended = minor.ptr == end || *minor.ptr == '.';  // a patch level does not count
    if (minor.ec == std::errc{} && ended && version.major >= 0 && version.minor >= 0) return version;
  }
  return fail(Errc::Malformed, "a version is not of the form M.N");
}

ProgramVersion program_version() noexcept { return *ProgramVersion::parse(BZ_PROGRAM_VERSION); }

Result<ProgramVersion> needed_program(const Migration& migration) {
  const auto line = migration.text.substr(0, migration.text.find('\n'));
  if (!line.starts_with(kHeader)) {
    return fail(Errc::Malformed, "migration " + std::string(migration.name) + " does not say which program it needs");
  }
  return ProgramVersion::parse(line.substr(kHeader.size()));
}

Result<int> migrate(Connection& connection, std::span<const Migration> migrations, ProgramVersion program) {
  const Bracket bracket(connection);
  BZ_CHECK(connection.run(kPrepare));
  BZ_TRY(const auto applied, read_applied(connection, program));
  int count = 0;
  for (const Migration& migration : migrations) {
    BZ_TRY(const auto needed, needed_program(migration));
    const auto sum = checksum(migration);
    if (const auto found = applied.find(migration.number); found != applied.end()) {
      if (found->second.checksum == sum && found->second.name == migration.name) continue;
      return fail(Errc::FailedPrecondition,
                  "migration " + std::string(migration.name) +
                      " is not the one that was applied to the control database (its checksum differs)");
    }
    if (auto ran = connection.run(std::string(migration.text)); !ran) {
      return fail(ran.error().code, "migration " + std::string(migration.name) + ": " + ran.error().detail);
    }
    const std::array<Text, 4> row = {std::to_string(migration.number), std::string(migration.name), sum,
                                     std::to_string(needed.major) + "." + std::to_string(needed.minor)};
    BZ_CHECK(connection.query(
        "INSERT INTO bartizan.schema_migrations (number, name, checksum, needs_program) VALUES ($1::int, $2, $3, $4)",
        row));
    ++count;
  }
  BZ_CHECK(connection.run("COMMIT"));
  return count;
}

}  // namespace bartizan::store
