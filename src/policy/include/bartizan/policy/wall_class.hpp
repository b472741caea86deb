// What the data path needs of the wall, as a value: who belongs to which class of which depot, how a
// server connection of that class signs in, what its statements are rewritten against and what its
// signed context says. control computes it (WallKeeper) and publishes it in the SnapshotHolder;
// sessions ask find() at sign-in and whenever the snapshot has changed (DESIGN, "The wall").
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "bartizan/base/result.hpp"
#include "bartizan/base/secret.hpp"
#include "bartizan/policy/decision.hpp"
#include "bartizan/policy/resolve.hpp"
#include "bartizan/sql/catalog.hpp"
#include "bartizan/sql/rewrite.hpp"

namespace bartizan::policy {

class Snapshot;
struct CellMasks;

/// One class of one depot. Immutable, shared by all sessions of the class; several of them with
/// the same version are the same to the data path.
struct WallClass {
  DepotId depot;
  /// The content's hash, and a number that is another one when catalog or views are.
  ClassVersion version;
  std::string login_role;
  SecretBytes password;                        ///< of login_role; for ServerSignIn
  std::shared_ptr<const SecretBytes> context_key;  ///< the depot's: wall::connection_key() takes it
  std::shared_ptr<const sql::Catalog> catalog;
  std::shared_ptr<const sql::ViewMap> views;
  std::shared_ptr<const CellMasks> cell_masks;  ///< null: the depot has no encrypted column
  bool ready = false;
  std::vector<std::string> findings;  ///< why it is not ready, in words; no values
};

/// Who someone is, for policies. nullopt: the snapshot does not know the identity.
[[nodiscard]] std::optional<SubjectFacts> subject_facts(const Snapshot& snapshot, IdentityId identity,
                                                        std::optional<std::string> purpose, WallTime now);

/// One identity on one depot, with the purpose it states or without one.
struct WallAssignment {
  std::shared_ptr<const WallClass> wall_class;  ///< never null in a published state
  std::vector<ContextValue> context;            ///< what sign_context() signs, `tenant` always among them
  std::optional<WallTime> valid_until;          ///< the first moment at which it may be another class
  SubjectFacts basis;                           ///< what it was resolved from
};

/// Everything of one computation. Immutable; read from any thread; keep its shared_ptr.
class WallState {
 public:
  using Key = std::tuple<Uuid, Uuid, std::string>;  ///< identity, depot, purpose ("" is none)

  WallState() = default;
  WallState(std::int64_t policies, std::map<Key, WallAssignment> assignments)
      : policies_(policies), assignments_(std::move(assignments)) {}

  /// The publication that it was made of; 0: none.
  [[nodiscard]] std::int64_t policies() const noexcept { return policies_; }
  [[nodiscard]] const std::map<Key, WallAssignment>& assignments() const noexcept { return assignments_; }

  /// Fails closed: never an assignment that was made from other policies, from other facts about
  /// the identity than the snapshot's, whose time is over or whose class is not ready.
  ///   Unavailable         the wall is being brought up to date; try again
  ///   FailedPrecondition  the class is not ready; WallClass::findings say why
  [[nodiscard]] Result<const WallAssignment*> find(const Snapshot& snapshot, IdentityId identity, DepotId depot,
                                                   const std::optional<std::string>& purpose, WallTime now) const;

 private:
  std::int64_t policies_ = 0;
  std::map<Key, WallAssignment> assignments_;
};

}  // namespace bartizan::policy
