// The embedded demo: a depot, two tenants of a clinic-billing product, their people and a
// service, with fresh random passwords that go to the caller alone, who writes them into 0600
// files. Idempotent: what is already there is kept, and only new identities have a password.
#pragma once

#include <string>
#include <vector>

#include "bartizan/base/result.hpp"
#include "bartizan/base/secret.hpp"
#include "bartizan/control/verbs.hpp"
#include "bartizan/policy/model.hpp"

namespace bartizan::control {

/// Where the embedded server's demo database is, and the secrets of its three LOGIN roles.
struct DemoDepot {
  policy::UnixEndpoint endpoint;
  std::string database = "demo";
  SecretBytes demo_owner;
  SecretBytes demo_reader;
  SecretBytes demo_app;
  bool with_policies = true;  ///< publishes demo/policies.yaml when the depot is made
};

struct DemoIdentity {
  std::string name;    ///< "ana@northside"
  std::string tenant;  ///< empty: none
  std::string login;   ///< "demo_reader"
  std::string about;   ///< "analyst", for the tour
  SecretBytes password;  ///< empty if the identity was there before
  bool past_wall = false;
};

/// In one transaction. The depot's endpoint and secrets are brought up to date each time.
[[nodiscard]] Result<std::vector<DemoIdentity>> bootstrap_demo(const ServiceContext& context, const DemoDepot& depot);

}  // namespace bartizan::control
