// The control plane at one moment, immutable, and the place where gateways find the newest one.
// It is how proxy and control meet without knowing each other (design, "Modules"): store builds
// a Snapshot from one REPEATABLE READ transaction and publishes it, sign-ins and statements
// read it without a lock on the database. A gateway whose control database is away serves from
// the last one for control.max_stale, then refuses (design, "Seams"); grants expire on time
// whatever the staleness, since the moment is an argument of every decision.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "bartizan/base/result.hpp"
#include "bartizan/policy/model.hpp"
#include "bartizan/policy/published.hpp"
#include "bartizan/policy/wall_class.hpp"

namespace bartizan::policy {

/// What a Snapshot is made of.
struct SnapshotParts {
  std::int64_t epoch = 0;  ///< the greatest changes.seq that it reflects
  std::vector<Tenant> tenants;
  std::vector<Depot> depots;
  std::vector<DepotLogin> logins;
  std::vector<Identity> identities;
  std::vector<Role> roles;
  std::vector<RoleMember> members;
  std::vector<Grant> grants;
  std::map<std::string, std::string, std::less<>> settings;
  std::shared_ptr<const PublishedPolicies> policies;  ///< null: nothing was published
};

/// For which tenants somebody may act on a depot, each until its grant's end.
struct TenantRights {
  std::unordered_map<Uuid, std::optional<WallTime>> tenants;
  bool any = false;
  std::optional<WallTime> any_until;

  [[nodiscard]] bool empty() const noexcept { return !any && tenants.empty(); }
  [[nodiscard]] bool holds(TenantId tenant, WallTime now) const;
};

/// What resolve_grant found. Pointers live as long as the Snapshot.
struct GrantedLogin {
  GrantId grant;
  std::optional<RoleId> by_role;        ///< the role that brought it, if none was direct
  const DepotLogin* login = nullptr;    ///< never null
  std::optional<WallTime> valid_until;  ///< the sooner of the grant's and the identity's end
  bool past_wall = false;               ///< policies do not concern this identity on this depot
  TenantRights act_for;                 ///< of all live grants that were found
};

/// Immutable; read from any thread. Look-ups are O(1) hashed and return pointers that live as
/// long as the Snapshot does: keep its shared_ptr beside them.
/// Invariants: names are unique per kind; every reference leads somewhere.
class Snapshot {
 public:
  /// Malformed if a name is twice there, a reference dangles or a TCP depot lacks TLS.
  [[nodiscard]] static Result<std::shared_ptr<const Snapshot>> make(SnapshotParts parts);

  [[nodiscard]] std::int64_t epoch() const noexcept { return parts_.epoch; }
  [[nodiscard]] const Identity* find_identity(std::string_view name) const;
  [[nodiscard]] const Identity* find_identity(IdentityId id) const;
  [[nodiscard]] const Depot* find_depot(std::string_view name) const;
  [[nodiscard]] const Depot* find_depot(DepotId id) const;
  [[nodiscard]] const Tenant* find_tenant(TenantId id) const;
  [[nodiscard]] const Tenant* find_tenant(std::string_view name) const;
  [[nodiscard]] const DepotLogin* find_login(DepotId depot, std::string_view role_name) const;
  [[nodiscard]] const std::string* find_setting(std::string_view name) const;
  [[nodiscard]] const std::vector<Depot>& depots() const noexcept { return parts_.depots; }
  [[nodiscard]] const std::vector<Identity>& identities() const noexcept { return parts_.identities; }
  /// The names of the roles that it is a member of, sorted.
  [[nodiscard]] std::vector<std::string> roles_of(IdentityId identity) const;
  /// Those in force. A depot that they protect is reached through the wall or not at all.
  [[nodiscard]] const PublishedPolicies& policies() const noexcept { return *parts_.policies; }

  /// The login that identity may use on depot at now. A direct grant wins over those of roles.
  /// Several live grants of one rank that name the same login are one, with the latest end; past
  /// the wall only if each of them is.
  ///   PermissionDenied    no live grant, the identity is disabled or over, or the depot suspended
  ///   FailedPrecondition  two logins are granted at the same rank: an administrator must choose;
  ///                       or the granted login's secret can't be used
  [[nodiscard]] Result<GrantedLogin> resolve_grant(IdentityId identity, DepotId depot, WallTime now) const;

 private:
  struct StringHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const noexcept { return std::hash<std::string_view>{}(text); }
  };
  template <class T>
  using ByName = std::unordered_map<std::string, T, StringHash, std::equal_to<>>;

  explicit Snapshot(SnapshotParts parts) : parts_(std::move(parts)) {
    if (parts_.policies == nullptr) parts_.policies = std::make_shared<const PublishedPolicies>();
  }
  Result<void> index();
  Result<void> index_logins();
  Result<void> index_grants();

  SnapshotParts parts_;
  ByName<const Identity*> identities_by_name_;
  ByName<const Depot*> depots_by_name_;
  std::unordered_map<Uuid, const Identity*> identities_;
  std::unordered_map<Uuid, const Depot*> depots_;
  std::unordered_map<Uuid, const Tenant*> tenants_;
  ByName<const Tenant*> tenants_by_name_;
  std::unordered_map<Uuid, const Role*> roles_;
  std::unordered_map<Uuid, ByName<const DepotLogin*>> logins_;              ///< by depot
  std::unordered_map<Uuid, std::vector<RoleId>> roles_of_;                  ///< by identity, sorted
  std::unordered_map<Uuid, std::unordered_map<Uuid, std::vector<const Grant*>>> grants_;  ///< by depot, by grantee
};

/// Where the newest Snapshot is found. Thread-safe; outlives its readers. A mutex, not an
/// atomic shared_ptr: snapshot and confirmation must be read together, and GCC 12's
/// atomic<shared_ptr> is a data race to ThreadSanitizer.
class SnapshotHolder {
 public:
  struct Confirmation {
    WallTime wall;
    SteadyTime steady;
  };

  void publish(std::shared_ptr<const Snapshot> snapshot, Confirmation at);
  /// The published Snapshot is still the newest. Without one published: nothing happens.
  void confirm(Confirmation at);

  /// The wall as it stands now, beside the Snapshot since it is this gateway's own. Never null.
  void publish_wall(std::shared_ptr<const WallState> wall);
  [[nodiscard]] std::shared_ptr<const WallState> wall() const;

  /// nullptr until the first publish.
  [[nodiscard]] std::shared_ptr<const Snapshot> current() const;
  /// The current one, or Unavailable when it was last confirmed longer than max_stale ago.
  [[nodiscard]] Result<std::shared_ptr<const Snapshot>> fresh(SteadyTime now,
                                                              std::chrono::milliseconds max_stale) const;
  /// Time since the last confirmation; nullopt before the first.
  [[nodiscard]] std::optional<std::chrono::milliseconds> staleness(SteadyTime now) const;
  [[nodiscard]] std::optional<WallTime> confirmed_at() const;

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<const Snapshot> snapshot_;
  std::shared_ptr<const WallState> wall_ = std::make_shared<const WallState>();
  Confirmation confirmed_{};
};

}  // namespace bartizan::policy
