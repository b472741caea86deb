#include "bartizan/store/snapshot_reader.hpp"

#include "bartizan/base/log.hpp"
#include "bartizan/store/changes.hpp"
#include "bartizan/store/depots.hpp"
#include "bartizan/store/grants.hpp"
#include "bartizan/store/identities.hpp"
#include "bartizan/store/policies.hpp"
#include "bartizan/store/roles.hpp"
#include "bartizan/store/settings.hpp"
#include "bartizan/store/tenants.hpp"

namespace bartizan::store {
namespace {

template <class T>
std::vector<T> values_of(std::vector<Record<T>> records) {
  std::vector<T> out;
  out.reserve(records.size());
  for (auto& record : records) out.push_back(std::move(record.value));
  return out;
}

}  // namespace

Result<std::shared_ptr<const policy::Snapshot>> read_snapshot(Transaction& transaction) {
  policy::SnapshotParts parts;
  BZ_TRY(parts.epoch, Changes(transaction).last_seq());
  BZ_TRY(auto tenants, Tenants(transaction).list());
  BZ_TRY(auto depots, Depots(transaction).list());
  BZ_TRY(parts.logins, DepotLogins(transaction).open_all());
  BZ_TRY(auto identities, Identities(transaction).list());
  BZ_TRY(auto roles, Roles(transaction).list());
  BZ_TRY(parts.members, Roles(transaction).members());
  BZ_TRY(auto grants, Grants(transaction).list());
  BZ_TRY(parts.settings, Settings(transaction).list());
  BZ_TRY(const auto policies, PolicyVersions(transaction).in_force());
  if (policies) {
    parts.policies = std::make_shared<const policy::PublishedPolicies>(
        policy::read_published(policies->value.number, policies->value.documents));
    if (!parts.policies->readable) BZ_LOG(Error, "store.policies_unreadable", {"number", policies->value.number});
  }
  parts.tenants = values_of(std::move(tenants));
  parts.depots = values_of(std::move(depots));
  parts.identities = values_of(std::move(identities));
  parts.roles = values_of(std::move(roles));
  parts.grants = values_of(std::move(grants));
  return policy::Snapshot::make(std::move(parts));
}

}  // namespace bartizan::store
