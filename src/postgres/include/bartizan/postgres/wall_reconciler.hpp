// Layer 2 of the wall in a depot: reads its catalog, brings its objects to what the policy classes
// ask for, checks that a class may be served, hardens the database, and takes all of it away again
// (DESIGN, "The wall"; docs/formats/wall-objects.md). Desired state against actual state: running
// it again changes nothing, and what somebody changed by hand is put right and reported.
//
// The connection handed in is that of the wall's login, of either grade (wall_grade.hpp), which is asked for anew in
// each call. Control work: blocking, one thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "bartizan/base/clock.hpp"
#include "bartizan/base/result.hpp"
#include "bartizan/base/secret.hpp"
#include "bartizan/policy/outcome.hpp"
#include "bartizan/postgres/control_connection.hpp"
#include "bartizan/postgres/wall_grade.hpp"
#include "bartizan/sql/catalog.hpp"
#include "bartizan/sql/logical_types.hpp"
#include "bartizan/wall/compile.hpp"
#include "bartizan/wall/names.hpp"

namespace bartizan::postgres {

/// In one REPEATABLE READ, READ ONLY transaction of its own. The wall's own schemas and the
/// system's are left out. epoch is the caller's count. reviewed: functions that classes may call; triggers of
/// nothing but those do not count as a relation's.
Result<std::shared_ptr<const sql::Catalog>> read_catalog(ControlConnection& connection, std::uint64_t epoch,
                                                         SteadyTime deadline, const std::set<sql::Oid>& reviewed = {});

/// What stands in a depot before any class (wall/base_objects.hpp), where it is not there in this version.
/// Errors as reconcile's.
Result<void> install_base(ControlConnection& connection, const wall::Names& names, SteadyTime deadline);

/// One class that must be served.
struct DesiredClass {
  policy::ClassOutcome outcome;
  SecretBytes scram_verifier;  ///< "SCRAM-SHA-256$…": the password that gateways sign in with
};

struct DesiredWall {
  wall::Names names;
  SecretBytes context_key;  ///< wall::kContextKeySize bytes; also the gateways'
  std::vector<DesiredClass> classes;
  std::vector<sql::LogicalColumn> encrypted{};  ///< the depot's columns of cells
  std::set<sql::Oid> functions{};               ///< reviewed ones
};

enum class ChangeKind : std::uint8_t { Created, Repaired, Dropped };
struct WallChange {
  ChangeKind kind = ChangeKind::Created;
  wall::ObjectKind object = wall::ObjectKind::View;
  std::string name;
};

struct ClassReport {
  policy::ClassId id;
  std::string role;
  bool ready = false;  ///< its objects stand and verify_class_role found nothing
  std::optional<Error> error;
  std::vector<std::string> findings;  ///< verify_class_role's
};

struct WallReport {
  bool base_changed = false;
  std::vector<WallChange> changes;  ///< Repaired: stood there, but not as we made it (drift)
  std::size_t unchanged = 0;
  std::vector<ClassReport> classes;  ///< in the order of DesiredWall::classes
  [[nodiscard]] bool drift() const noexcept;
};

/// Each class in a transaction of its own: one that fails leaves no trace and does not hinder the
/// others. What no desired class needs is dropped at the end; keep a class in `desired` until its
/// sessions have drained. Concurrent calls on one depot wait for each other.
/// Errors of the whole: FailedPrecondition (the login lacks rights), Unsupported (before 14), those of the connection.
Result<WallReport> reconcile(ControlConnection& connection, const DesiredWall& desired, SteadyTime deadline);

/// What the classes' keys for tokens are made of (wall::mask_key()). NotFound before the first reconcile().
Result<SecretBytes> mask_secret(ControlConnection& connection, SteadyTime deadline);

/// What speaks against serving the class, in words; empty: it may be served.
Result<std::vector<std::string>> verify_class_role(ControlConnection& connection, const wall::Names& names,
                                                   policy::ClassId id, SteadyTime deadline);

struct HardeningReport {
  WallGrade grade = WallGrade::Full;
  std::size_t changed = 0;           ///< rights taken from PUBLIC by this call
  std::vector<std::string> refused;  ///< could not be taken: these rest on layer 1 alone
};
/// Takes from PUBLIC what leaks and gives it to the roles that exist (names.everyone_else()).
/// Idempotent; new objects, databases and roles are taken up by the next call. Before reconcile():
/// a class is not ready while PUBLIC holds TEMPORARY, schemas or languages. FailedPrecondition in the managed grade: PUBLIC
/// holds something that can't be taken and is not among the duties known to be layer 1's.
Result<HardeningReport> harden(ControlConnection& connection, const wall::Names& names, SteadyTime deadline);

/// No class can sign in any more, and no session of one is left. DeadlineExceeded: some would not end.
Result<void> end_class_sessions(ControlConnection& connection, const wall::Names& names, SteadyTime deadline);

/// The database as it was found: hardening undone, views, policies, roles and schemas gone. One
/// transaction. FailedPrecondition while a class still has sessions.
Result<void> detach(ControlConnection& connection, const wall::Names& names, SteadyTime deadline);

}  // namespace bartizan::postgres
