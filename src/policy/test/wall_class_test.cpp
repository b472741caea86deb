#include "bartizan/policy/wall_class.hpp"

#include <doctest/doctest.h>

#include "bartizan/policy/snapshot.hpp"

namespace bartizan::policy {
namespace {

constexpr WallTime kNow{std::chrono::microseconds(1'800'000'000'000'000)};

Uuid id(unsigned char last) {
  auto parsed = Uuid::parse("00000000-0000-4000-8000-0000000000" + std::string(1, static_cast<char>('0' + last)) + "0");
  REQUIRE(parsed);
  return *parsed;
}

struct World {
  TenantId north{id(0)};
  TenantId lake{id(1)};
  IdentityId ana{id(2)};
  RoleId analyst{id(3)};
  RoleId auditor{id(4)};
  DepotId demo{id(5)};
  std::int64_t number = 7;
  std::map<std::string, std::string> attributes = {{"region", "eu"}};
  TenantId tenant = north;
  std::vector<RoleId> roles = {analyst};

  [[nodiscard]] std::shared_ptr<const Snapshot> snapshot() const {
    SnapshotParts parts;
    parts.tenants = {{north, "north", ""}, {lake, "lake", ""}};
    Identity identity;
    identity.id = ana;
    identity.name = "ana";
    identity.tenant = tenant;
    identity.attributes = attributes;
    parts.identities.push_back(std::move(identity));
    parts.roles = {{analyst, "analyst"}, {auditor, "auditor"}};
    for (const RoleId role : roles) parts.members.push_back({role, ana});
    auto policies = std::make_shared<PublishedPolicies>();
    policies->number = number;
    parts.policies = policies;
    auto made = Snapshot::make(std::move(parts));
    REQUIRE(made);
    return *made;
  }
  [[nodiscard]] WallState state(bool ready) const {
    auto wall_class = std::make_shared<WallClass>();
    wall_class->depot = demo;
    wall_class->ready = ready;
    WallAssignment assignment;
    assignment.wall_class = wall_class;
    assignment.basis = *subject_facts(*snapshot(), ana, std::nullopt, kNow);
    assignment.valid_until = kNow + std::chrono::hours(1);
    std::map<WallState::Key, WallAssignment> assignments;
    assignments.emplace(WallState::Key{ana.get(), demo.get(), ""}, std::move(assignment));
    return {7, std::move(assignments)};
  }
};

TEST_CASE("subject_facts: name, roles, attributes and the tenant's name") {
  World world;
  world.roles = {world.auditor, world.analyst};
  const auto facts = subject_facts(*world.snapshot(), world.ana, "fraud", kNow);
  REQUIRE(facts);
  CHECK(facts->identity == "ana");
  CHECK(facts->roles == std::vector<std::string>{"analyst", "auditor"});
  CHECK(facts->tenant == "north");
  CHECK(facts->purpose == "fraud");
  CHECK(facts->attributes.at("region") == "eu");
  CHECK_FALSE(subject_facts(*world.snapshot(), IdentityId(id(9)), std::nullopt, kNow));
}

TEST_CASE("find gives an assignment only for what it was made of") {
  const World world;
  const auto state = world.state(true);
  const auto code = [&](const World& now, std::optional<std::string> purpose = {}, WallTime at = kNow) {
    const auto found = state.find(*now.snapshot(), now.ana, now.demo, purpose, at);
    return found ? std::string("found") : std::string(to_string(found.error().code));
  };
  CHECK(code(world) == "found");
  World changed = world;
  changed.number = 8;
  CHECK(code(changed) == "unavailable");
  changed = world;
  changed.tenant = world.lake;
  CHECK(code(changed) == "unavailable");
  changed = world;
  changed.attributes["region"] = "us";
  CHECK(code(changed) == "unavailable");
  changed = world;
  changed.roles = {};
  CHECK(code(changed) == "unavailable");
  changed = world;
  changed.demo = DepotId(id(8));
  CHECK(code(changed) == "unavailable");
  CHECK(code(world, "fraud") == "unavailable");
  CHECK(code(world, {}, kNow + std::chrono::hours(1)) == "unavailable");
  CHECK(code(world, {}, kNow - std::chrono::seconds(1)) == "unavailable");
  const auto closed = world.state(false);
  CHECK(closed.find(*world.snapshot(), world.ana, world.demo, {}, kNow).error().code == Errc::FailedPrecondition);
}

TEST_CASE("a holder's wall is empty at first, and then the newest") {
  SnapshotHolder holder;
  REQUIRE(holder.wall() != nullptr);
  CHECK(holder.wall()->policies() == 0);
  holder.publish_wall(std::make_shared<const WallState>(World{}.state(true)));
  CHECK(holder.wall()->policies() == 7);
}

}  // namespace
}  // namespace bartizan::policy
