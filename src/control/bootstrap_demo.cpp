#include "bartizan/control/bootstrap_demo.hpp"

#include <array>
#include <map>

#include "bartizan/crypto/ct.hpp"
#include "bartizan/store/depots.hpp"
#include "bartizan/store/grants.hpp"
#include "bartizan/store/identities.hpp"
#include "bartizan/store/policies.hpp"
#include "bartizan/store/roles.hpp"
#include "bartizan/store/tenants.hpp"
#include "demo_policies.hpp"
#include "passwords.hpp"

namespace bartizan::control {
namespace {

constexpr const char* kDepotName = "demo";
constexpr std::array<const char*, 2> kTenants = {"northside", "lakeview"};

struct Person {
  const char* name;
  const char* tenant;  ///< empty: none
  const char* login;
  const char* about;
  const char* role;  ///< empty: none, and past the wall
};
constexpr std::array<Person, 6> kPeople = {{
    {"olive@northside", "northside", "demo_owner", "owner", ""},
    {"ana@northside", "northside", "demo_reader", "analyst", "analyst"},
    {"sam@northside", "northside", "demo_app", "support", "support"},
    {"dpo@northside", "northside", "demo_reader", "data protection officer", "dpo"},
    {"ana@lakeview", "lakeview", "demo_reader", "analyst", "analyst"},
    {"app", "", "demo_app", "service", ""},
}};

/// NotFound becomes nullopt.
template <class T>
Result<std::optional<T>> if_any(Result<T> found) {
  if (found) return std::optional<T>(std::move(*found));
  if (found.error().code == Errc::NotFound) return std::optional<T>();
  return tl::unexpected<Error>(std::move(found).error());
}

Result<policy::DepotId> ensure_depot(store::Transaction& transaction, const DemoDepot& demo) {
  store::Depots depots(transaction);
  policy::Depot wanted;
  wanted.pool.mode = policy::PoolMode::Transaction;
  wanted.name = kDepotName;
  wanted.endpoint = demo.endpoint;
  wanted.database = demo.database;
  wanted.tls = policy::TlsDisabled{};
  wanted.embedded = true;
  BZ_TRY(const auto present, if_any(depots.find(kDepotName)));
  if (!present) {
    BZ_TRY(const auto made, depots.create(wanted));
    return made.value.id;
  }
  wanted.id = present->value.id;
  wanted.tenant = present->value.tenant;
  wanted.state = present->value.state;
  wanted.traffic = present->value.traffic;
  wanted.pool = present->value.pool;  // an operator's choice outlives a restart
  if (!(wanted == present->value)) BZ_CHECK(depots.update(wanted, present->meta.version));
  return wanted.id;
}

/// Written only where it differs, so that a restart leaves no change behind.
Result<void> ensure_login(store::Transaction& transaction, policy::DepotId depot, const char* role,
                          const SecretBytes& password) {
  store::DepotLogins logins(transaction);
  if (const auto present = logins.open(depot, role)) {
    const auto* kept = std::get_if<SecretBytes>(&present->secret);
    if (kept != nullptr && crypto::ct_equal(kept->reveal(), password.reveal())) return {};
  }
  return logins.put(depot, role, password.clone());
}

Result<policy::TenantId> ensure_tenant(store::Transaction& transaction, const char* name) {
  store::Tenants tenants(transaction);
  BZ_TRY(const auto present, if_any(tenants.find(name)));
  if (present) return present->value.id;
  BZ_TRY(const auto made, tenants.create({{}, name, ""}));
  return made.value.id;
}

/// A person who is to be made: password and verifier, worked out before any lock.
struct Credentials {
  SecretBytes password;
  SecretBytes verifier;
};

Result<std::map<std::string, Credentials>> credentials_of_the_missing(const ServiceContext& context) {
  std::map<std::string, Credentials> out;
  BZ_TRY(auto transaction, context.database.begin_read());
  for (const Person& person : kPeople) {
    BZ_TRY(const auto present, if_any(store::Identities(transaction).find(person.name)));
    if (present) continue;
    Credentials made;
    made.password = random_password(context.random);
    BZ_TRY(made.verifier, make_verifier(context, made.password));
    out.emplace(person.name, std::move(made));
  }
  return out;
}

Result<policy::RoleId> ensure_role(store::Transaction& transaction, const char* name) {
  store::Roles roles(transaction);
  BZ_TRY(const auto present, if_any(roles.find(name)));
  if (present) return present->value.id;
  BZ_TRY(const auto made, roles.create({{}, name}));
  return made.value.id;
}

Result<void> make_person(store::Transaction& transaction, const Person& person, policy::DepotId depot,
                         const SecretBytes& verifier) {
  policy::Identity identity;
  identity.name = person.name;
  identity.is_service = *person.tenant == '\0';
  identity.scram_verifier = verifier.clone();
  if (*person.tenant != '\0') {
    BZ_TRY(identity.tenant, ensure_tenant(transaction, person.tenant));
  }
  BZ_TRY(const auto made, store::Identities(transaction).create(std::move(identity)));
  const bool past_wall = *person.role == '\0';
  BZ_CHECK(store::Grants(transaction).add({{}, made.value.id, depot, person.login, {}, past_wall}));
  if (past_wall) return {};
  BZ_TRY(const auto role, ensure_role(transaction, person.role));
  return store::Roles(transaction).assign(role, made.value.id);
}

/// Those of the demo, where nothing was ever published.
Result<void> publish_policies(store::Transaction& transaction) {
  store::PolicyVersions versions(transaction);
  BZ_TRY(const auto in_force, versions.in_force());
  if (in_force) return {};
  store::PolicyVersion version;
  version.reason = "the demo's";
  version.documents = {{"demo.yaml", std::string(demo_policies())}};
  BZ_CHECK(versions.publish(std::move(version)));
  return {};
}

}  // namespace

Result<std::vector<DemoIdentity>> bootstrap_demo(const ServiceContext& context, const DemoDepot& demo) {
  BZ_TRY(auto missing, credentials_of_the_missing(context));
  BZ_TRY(auto transaction, context.database.begin_write({"bootstrap"}));
  BZ_TRY(const auto there, if_any(store::Depots(transaction).find(kDepotName)));
  BZ_TRY(const auto depot, ensure_depot(transaction, demo));
  BZ_CHECK(ensure_login(transaction, depot, "demo_owner", demo.demo_owner));
  BZ_CHECK(ensure_login(transaction, depot, "demo_reader", demo.demo_reader));
  BZ_CHECK(ensure_login(transaction, depot, "demo_app", demo.demo_app));
  for (const char* tenant : kTenants) BZ_CHECK(ensure_tenant(transaction, tenant));
  std::vector<DemoIdentity> out;
  for (const Person& person : kPeople) {
    DemoIdentity described{person.name, person.tenant, person.login, person.about, {}, *person.role == '\0'};
    if (const auto credentials = missing.find(person.name); credentials != missing.end()) {
      BZ_CHECK(make_person(transaction, person, depot, credentials->second.verifier));
      described.password = std::move(credentials->second.password);
    }
    out.push_back(std::move(described));
  }
  if (demo.with_policies && !there) BZ_CHECK(publish_policies(transaction));
  BZ_CHECK(transaction.commit());
  return out;
}

}  // namespace bartizan::control
