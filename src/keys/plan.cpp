#include "bartizan/keys/plan.hpp"

#include <algorithm>
#include <optional>

namespace bartizan::keys {
namespace {

const KeyUsage* usage_of(std::span<const KeyUsage> usage, KeyId id) {
  const auto found = std::find_if(usage.begin(), usage.end(), [&](const auto& u) { return u.id == id; });
  return found == usage.end() ? nullptr : &*found;
}

void plan_replacement(const Keyring& keyring, KeyPurpose purpose, const RotationPolicy& policy, WallTime now,
                      std::vector<KeyStep>& steps) {
  const KeyVersion* active = keyring.active(purpose);
  const auto versions = keyring.versions();
  const auto pending = std::find_if(versions.begin(), versions.end(), [&](const auto& v) {
    return v.purpose == purpose && v.state == KeyState::Pending;
  });
  if (pending != versions.end()) {
    // The first version of all need not be distributed: nothing is sealed under another one.
    if (active == nullptr || now - pending->created_at >= policy.distribution)
      steps.push_back(ActivateVersion{pending->id});
    return;
  }
  if (active == nullptr || now - active->changed_at >= policy.period) steps.push_back(CreateVersion{purpose});
}

/// What a Retired version waits for: re-encryption, then a count that shows it done, then its grace.
void plan_retired(const Keyring& keyring, const KeyVersion& version, const RotationPolicy& policy,
                  std::span<const KeyUsage> usage, WallTime now, std::vector<KeyStep>& steps) {
  const KeyUsage* count = usage_of(usage, version.id);
  const bool recounted = count != nullptr && count->counted_at > version.changed_at;
  if (!recounted) {
    steps.push_back(CountUsage{version.id});
    return;
  }
  if (count->cells > 0) {
    if (const KeyVersion* active = keyring.active(version.purpose)) steps.push_back(Reencrypt{version.id, active->id});
    steps.push_back(CountUsage{version.id});
    return;
  }
  const auto until = version.changed_at + policy.grace;
  if (now < until) return;
  // A cell written by a straggler, or brought back by a restore within the grace, is seen only now.
  if (count->counted_at >= until)
    steps.push_back(DestroyVersion{version.id});
  else
    steps.push_back(CountUsage{version.id});
}

}  // namespace

std::vector<KeyStep> due_steps(const Keyring& keyring, const RotationPolicy& policy, std::span<const KeyUsage> usage,
                               WallTime now) {
  std::vector<KeyStep> steps;
  const auto versions = keyring.versions();
  const bool shredded = !versions.empty() && std::all_of(versions.begin(), versions.end(),
                                                         [](const auto& v) { return v.state == KeyState::Destroyed; });
  if (shredded) return steps;
  for (const auto purpose : {KeyPurpose::Data, KeyPurpose::Index})
    plan_replacement(keyring, purpose, policy, now, steps);
  for (const auto& version : versions)
    // What a tree was sealed under goes with the puncture that replaces it: no cell is under it.
    if (version.state == KeyState::Retired && version.purpose != KeyPurpose::Subjects)
      plan_retired(keyring, version, policy, usage, now, steps);
  return steps;
}

Result<Keyring> shred(const Keyring& keyring, const std::string& authority, WallTime now) {
  std::optional<Keyring> left;
  for (const auto& version : keyring.versions()) {
    if (version.state == KeyState::Destroyed) continue;
    BZ_TRY(Keyring destroyed, (left ? *left : keyring).destroy(version.id, authority, now));
    left = std::move(destroyed);
  }
  if (!left) return fail(Errc::FailedPrecondition, "the keyring has nothing left to destroy");
  return std::move(*left);
}

}  // namespace bartizan::keys
