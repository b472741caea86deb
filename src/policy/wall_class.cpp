#include "bartizan/policy/wall_class.hpp"

#include "bartizan/policy/snapshot.hpp"

namespace bartizan::policy {
namespace {

bool same_facts(const SubjectFacts& a, const SubjectFacts& b) {
  return a.identity == b.identity && a.roles == b.roles && a.groups == b.groups && a.attributes == b.attributes &&
         a.tags == b.tags && a.tenant == b.tenant && a.purpose == b.purpose;
}

}  // namespace

std::optional<SubjectFacts> subject_facts(const Snapshot& snapshot, IdentityId identity,
                                          std::optional<std::string> purpose, WallTime now) {
  const Identity* found = snapshot.find_identity(identity);
  if (found == nullptr) return std::nullopt;
  SubjectFacts facts;
  facts.identity = found->name;
  facts.roles = snapshot.roles_of(identity);
  for (const auto& [name, value] : found->attributes) facts.attributes.emplace(name, value);
  if (found->tenant) {
    if (const Tenant* tenant = snapshot.find_tenant(*found->tenant)) facts.tenant = tenant->name;
  }
  facts.purpose = std::move(purpose);
  facts.moment = now;
  return facts;
}

Result<const WallAssignment*> WallState::find(const Snapshot& snapshot, IdentityId identity, DepotId depot,
                                              const std::optional<std::string>& purpose, WallTime now) const {
  constexpr const char* kNotYet = "the wall is being brought up to date";
  if (snapshot.policies().number != policies_) return fail(Errc::Unavailable, kNotYet);
  const auto found = assignments_.find({identity.get(), depot.get(), purpose.value_or("")});
  const auto facts = subject_facts(snapshot, identity, purpose, now);
  if (found == assignments_.end() || !facts) return fail(Errc::Unavailable, kNotYet);
  const WallAssignment& assignment = found->second;
  if (!same_facts(assignment.basis, *facts)) return fail(Errc::Unavailable, kNotYet);
  // Not before it was made either: a clock set back must not revive a grant.
  if (now < assignment.basis.moment || (assignment.valid_until && now >= *assignment.valid_until))
    return fail(Errc::Unavailable, kNotYet);
  if (assignment.wall_class == nullptr || !assignment.wall_class->ready)
    return fail(Errc::FailedPrecondition, "the identity's policy class is not ready: bartizan wall status");
  return &assignment;
}

}  // namespace bartizan::policy
