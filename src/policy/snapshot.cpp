#include "bartizan/policy/snapshot.hpp"

#include <algorithm>

namespace bartizan::policy {
namespace {

/// The later of two ends, where none at all is the latest.
std::optional<WallTime> later(const std::optional<WallTime>& a, const std::optional<WallTime>& b) {
  if (!a || !b) return std::nullopt;
  return std::max(*a, *b);
}

std::optional<WallTime> sooner(const std::optional<WallTime>& a, const std::optional<WallTime>& b) {
  if (!a) return b;
  if (!b) return a;
  return std::min(*a, *b);
}

Uuid grantee_uuid(const Grantee& grantee) {
  return std::visit([](const auto& id) { return id.get(); }, grantee);
}

/// The grants of one rank (direct, or by role), folded as they come.
struct Candidate {
  const Grant* grant = nullptr;
  std::optional<RoleId> by_role;
  std::optional<WallTime> valid_until;
  bool ambiguous = false;
  bool past_wall = false;
  TenantRights act_for;

  void take_rights(const Grant& found) {
    if (found.act_for_any) {
      act_for.any_until = act_for.any ? later(act_for.any_until, found.valid_until) : found.valid_until;
      act_for.any = true;
    }
    for (const TenantId tenant : found.act_for) {
      const auto [entry, fresh] = act_for.tenants.emplace(tenant.get(), found.valid_until);
      if (!fresh) entry->second = later(entry->second, found.valid_until);
    }
  }

  void consider(const Grant& found, std::optional<RoleId> role, WallTime now) {
    if (found.valid_until && now >= *found.valid_until) return;
    take_rights(found);
    if (grant == nullptr) {
      *this = {&found, role, found.valid_until, false, found.past_wall, std::move(act_for)};
    } else if (grant->login != found.login) {
      ambiguous = true;
    } else if (found.id < grant->id) {
      // The lesser id speaks for both, so that the answer does not hang on the order of rows.
      *this = {&found,
               role,
               later(valid_until, found.valid_until),
               ambiguous,
               past_wall && found.past_wall,
               std::move(act_for)};
    } else {
      valid_until = later(valid_until, found.valid_until);
      past_wall = past_wall && found.past_wall;
    }
  }
};

}  // namespace

Result<std::shared_ptr<const Snapshot>> Snapshot::make(SnapshotParts parts) {
  std::shared_ptr<Snapshot> snapshot(new Snapshot(std::move(parts)));
  BZ_CHECK(snapshot->index());
  BZ_CHECK(snapshot->index_logins());
  BZ_CHECK(snapshot->index_grants());
  return std::shared_ptr<const Snapshot>(std::move(snapshot));
}

Result<void> Snapshot::index() {
  for (const Tenant& tenant : parts_.tenants) {
    if (!tenants_.emplace(tenant.id.get(), &tenant).second)
      return fail(Errc::Malformed, "a tenant's id is there twice");
    if (!tenants_by_name_.emplace(tenant.name, &tenant).second)
      return fail(Errc::Malformed, "tenant '" + tenant.name + "' is there twice");
  }
  for (const Identity& identity : parts_.identities) {
    if (!identities_.emplace(identity.id.get(), &identity).second ||
        !identities_by_name_.emplace(identity.name, &identity).second) {
      return fail(Errc::Malformed, "identity '" + identity.name + "' is there twice");
    }
    if (identity.tenant && !tenants_.contains(identity.tenant->get())) {
      return fail(Errc::Malformed, "identity '" + identity.name + "' belongs to an unknown tenant");
    }
  }
  for (const Depot& depot : parts_.depots) {
    if (!depots_.emplace(depot.id.get(), &depot).second || !depots_by_name_.emplace(depot.name, &depot).second) {
      return fail(Errc::Malformed, "depot '" + depot.name + "' is there twice");
    }
    if (std::holds_alternative<TcpEndpoint>(depot.endpoint) && std::holds_alternative<TlsDisabled>(depot.tls)) {
      return fail(Errc::Malformed, "depot '" + depot.name + "' is reached over TCP without TLS");
    }
  }
  for (const Role& role : parts_.roles) {
    if (!roles_.emplace(role.id.get(), &role).second) return fail(Errc::Malformed, "a role's id is there twice");
  }
  return {};
}

Result<void> Snapshot::index_logins() {
  for (const DepotLogin& login : parts_.logins) {
    if (!depots_.contains(login.depot.get())) return fail(Errc::Malformed, "a login belongs to an unknown depot");
    if (!logins_[login.depot.get()].emplace(login.role_name, &login).second) {
      return fail(Errc::Malformed, "login '" + login.role_name + "' is there twice in one depot");
    }
  }
  return {};
}

Result<void> Snapshot::index_grants() {
  for (const RoleMember& member : parts_.members) {
    if (!roles_.contains(member.role.get()) || !identities_.contains(member.identity.get())) {
      return fail(Errc::Malformed, "a role's membership leads nowhere");
    }
    roles_of_[member.identity.get()].push_back(member.role);
  }
  for (auto& [identity, roles] : roles_of_) std::sort(roles.begin(), roles.end());
  for (const Grant& grant : parts_.grants) {
    const Uuid grantee = grantee_uuid(grant.grantee);
    const bool known =
        std::holds_alternative<RoleId>(grant.grantee) ? roles_.contains(grantee) : identities_.contains(grantee);
    if (!known || !depots_.contains(grant.depot.get())) return fail(Errc::Malformed, "a grant leads nowhere");
    grants_[grant.depot.get()][grantee].push_back(&grant);
  }
  return {};
}

namespace {
template <class Map, class Key>
auto* value_or_null(const Map& map, const Key& key) {
  const auto found = map.find(key);
  return found == map.end() ? nullptr : found->second;
}
}  // namespace

std::vector<std::string> Snapshot::roles_of(IdentityId identity) const {
  std::vector<std::string> out;
  const auto found = roles_of_.find(identity.get());
  if (found == roles_of_.end()) return out;
  for (const RoleId role : found->second) out.push_back(roles_.at(role.get())->name);
  std::sort(out.begin(), out.end());
  return out;
}

const Identity* Snapshot::find_identity(std::string_view name) const {
  return value_or_null(identities_by_name_, name);
}
const Identity* Snapshot::find_identity(IdentityId id) const { return value_or_null(identities_, id.get()); }
const Depot* Snapshot::find_depot(std::string_view name) const { return value_or_null(depots_by_name_, name); }
const Depot* Snapshot::find_depot(DepotId id) const { return value_or_null(depots_, id.get()); }
const Tenant* Snapshot::find_tenant(TenantId id) const { return value_or_null(tenants_, id.get()); }
const Tenant* Snapshot::find_tenant(std::string_view name) const { return value_or_null(tenants_by_name_, name); }

const DepotLogin* Snapshot::find_login(DepotId depot, std::string_view role_name) const {
  const auto of_depot = logins_.find(depot.get());
  return of_depot == logins_.end() ? nullptr : value_or_null(of_depot->second, role_name);
}

const std::string* Snapshot::find_setting(std::string_view name) const {
  const auto found = parts_.settings.find(name);
  return found == parts_.settings.end() ? nullptr : &found->second;
}

Result<GrantedLogin> Snapshot::resolve_grant(IdentityId identity_id, DepotId depot_id, WallTime now) const {
  const Identity* identity = find_identity(identity_id);
  const Depot* depot = find_depot(depot_id);
  if (identity == nullptr || depot == nullptr) return fail(Errc::PermissionDenied, "unknown identity or depot");
  if (!identity->usable_at(now))
    return fail(Errc::PermissionDenied, "identity '" + identity->name + "' is disabled or over");

  Candidate best;
  if (const auto of_depot = grants_.find(depot_id.get()); of_depot != grants_.end()) {
    const auto& by_grantee = of_depot->second;
    if (const auto direct = by_grantee.find(identity_id.get()); direct != by_grantee.end()) {
      for (const Grant* grant : direct->second) best.consider(*grant, std::nullopt, now);
    }
    const auto roles = best.grant == nullptr ? roles_of_.find(identity_id.get()) : roles_of_.end();
    if (roles != roles_of_.end()) {
      for (const RoleId role : roles->second) {
        const auto granted = by_grantee.find(role.get());
        if (granted == by_grantee.end()) continue;
        for (const Grant* grant : granted->second) best.consider(*grant, role, now);
      }
    }
  }
  if (best.grant == nullptr) {
    return fail(Errc::PermissionDenied,
                "identity '" + identity->name + "' has no grant on depot '" + depot->name + "'");
  }
  if (best.ambiguous) {
    return fail(Errc::FailedPrecondition,
                "identity '" + identity->name + "' is granted more than one login on depot '" + depot->name + "'");
  }
  const DepotLogin* login = find_login(depot_id, best.grant->login);
  if (login == nullptr) {
    return fail(Errc::FailedPrecondition,
                "login '" + best.grant->login + "' of depot '" + depot->name + "' has no usable secret");
  }
  return GrantedLogin{best.grant->id, best.by_role,           login, sooner(best.valid_until, identity->valid_until),
                      best.past_wall, std::move(best.act_for)};
}

bool TenantRights::holds(TenantId tenant, WallTime now) const {
  if (any && (!any_until || now < *any_until)) return true;
  const auto found = tenants.find(tenant.get());
  return found != tenants.end() && (!found->second || now < *found->second);
}

void SnapshotHolder::publish(std::shared_ptr<const Snapshot> snapshot, Confirmation at) {
  const std::lock_guard lock(mutex_);
  snapshot_.swap(snapshot);
  confirmed_ = at;
  // The old one may be the last reference: it is let go after the lock, by the parameter's end.
}

void SnapshotHolder::confirm(Confirmation at) {
  const std::lock_guard lock(mutex_);
  if (snapshot_) confirmed_ = at;
}

void SnapshotHolder::publish_wall(std::shared_ptr<const WallState> wall) {
  const std::lock_guard lock(mutex_);
  wall_.swap(wall);  // the old one ends after the lock
}

std::shared_ptr<const WallState> SnapshotHolder::wall() const {
  const std::lock_guard lock(mutex_);
  return wall_;
}

std::shared_ptr<const Snapshot> SnapshotHolder::current() const {
  const std::lock_guard lock(mutex_);
  return snapshot_;
}

Result<std::shared_ptr<const Snapshot>> SnapshotHolder::fresh(SteadyTime now,
                                                              std::chrono::milliseconds max_stale) const {
  const std::lock_guard lock(mutex_);
  if (!snapshot_) return fail(Errc::Unavailable, "the control database has not been read yet");
  if (now - confirmed_.steady > max_stale) {
    return fail(Errc::Unavailable, "the control database is away for longer than control.max_stale");
  }
  return snapshot_;
}

std::optional<std::chrono::milliseconds> SnapshotHolder::staleness(SteadyTime now) const {
  const std::lock_guard lock(mutex_);
  if (!snapshot_) return std::nullopt;
  return std::chrono::duration_cast<std::chrono::milliseconds>(now - confirmed_.steady);
}

std::optional<WallTime> SnapshotHolder::confirmed_at() const {
  const std::lock_guard lock(mutex_);
  if (!snapshot_) return std::nullopt;
  return confirmed_.wall;
}

}  // namespace bartizan::policy
