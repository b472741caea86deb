#include "bartizan/policy/snapshot.hpp"

#include <doctest/doctest.h>

#include <algorithm>

namespace bartizan::policy {
namespace {

using std::chrono::seconds;

const WallTime kNow{std::chrono::microseconds(1'700'000'000'000'000)};

Uuid uuid(std::uint8_t n) {
  Uuid id;
  id.octets[15] = n;
  return id;
}

Identity identity(std::uint8_t n, std::string name) {
  Identity out;
  out.id = IdentityId(uuid(n));
  out.name = std::move(name);
  return out;
}

Depot depot(std::uint8_t n, std::string name) {
  Depot out;
  out.id = DepotId(uuid(n));
  out.name = std::move(name);
  out.endpoint = UnixEndpoint{"/run/pg", 5432};
  out.database = "app";
  out.tls = TlsDisabled{};
  return out;
}

Grant grant(std::uint8_t n, Grantee grantee, std::string login, std::optional<WallTime> until = {}) {
  return {GrantId(uuid(n)), grantee, DepotId(uuid(50)), std::move(login), until};
}

const IdentityId kAna{uuid(1)};
const IdentityId kSam{uuid(2)};
const RoleId kAnalysts{uuid(30)};
const RoleId kSupport{uuid(31)};
const DepotId kDemo{uuid(50)};

SnapshotParts parts(std::vector<Grant> grants) {
  SnapshotParts out;
  out.epoch = 7;
  out.identities.push_back(identity(1, "ana@northside"));
  out.identities.push_back(identity(2, "sam@northside"));
  out.depots = {depot(50, "demo")};
  for (const char* name : {"reader", "writer", "owner"}) {
    out.logins.push_back({DepotLoginId(uuid(60)), kDemo, name, SecretBytes(std::string_view("x"))});
  }
  out.roles = {{kAnalysts, "analysts"}, {kSupport, "support"}};
  out.members = {{kSupport, kAna}, {kAnalysts, kAna}};
  out.grants = std::move(grants);
  return out;
}

std::shared_ptr<const Snapshot> snapshot(SnapshotParts from) {
  auto made = Snapshot::make(std::move(from));
  REQUIRE(made.has_value());
  return *made;
}

TEST_CASE("look-ups by name and id") {
  const auto s = snapshot(parts({}));
  CHECK(s->epoch() == 7);
  REQUIRE(s->find_identity("ana@northside") != nullptr);
  CHECK(s->find_identity("ana@northside")->id == kAna);
  CHECK(s->find_identity("ANA@northside") == nullptr);
  CHECK(s->find_depot("demo")->id == kDemo);
  CHECK(s->find_depot("Demo") == nullptr);
  CHECK(s->find_login(kDemo, "reader")->role_name == "reader");
  CHECK(s->find_login(DepotId(uuid(51)), "reader") == nullptr);
  CHECK(s->find_setting("x") == nullptr);
}

struct GrantCase {
  const char* title;
  std::vector<Grant> grants;
  std::optional<Errc> error;
  std::string login;
  std::optional<WallTime> until;
  bool by_role;
};

TEST_CASE("resolve_grant") {
  const WallTime past = kNow - seconds(1);
  const WallTime soon = kNow + seconds(10);
  const WallTime late = kNow + seconds(99);
  const std::vector<GrantCase> cases = {
      {"none", {}, Errc::PermissionDenied, "", {}, false},
      {"another's", {grant(1, kSam, "reader")}, Errc::PermissionDenied, "", {}, false},
      {"direct", {grant(1, kAna, "reader")}, {}, "reader", {}, false},
      {"by role", {grant(1, kAnalysts, "reader", soon)}, {}, "reader", soon, true},
      {"direct wins over role", {grant(1, kAnalysts, "owner"), grant(2, kAna, "reader")}, {}, "reader", {}, false},
      {"expired", {grant(1, kAna, "reader", past)}, Errc::PermissionDenied, "", {}, false},
      {"over at this very moment", {grant(1, kAna, "reader", kNow)}, Errc::PermissionDenied, "", {}, false},
      {"expired direct gives way to the role's",
       {grant(1, kAna, "owner", past), grant(2, kAnalysts, "reader")},
       {},
       "reader",
       {},
       true},
      {"two logins direct",
       {grant(1, kAna, "reader"), grant(2, kAna, "owner")},
       Errc::FailedPrecondition,
       "",
       {},
       false},
      {"two logins by roles",
       {grant(1, kAnalysts, "reader"), grant(2, kSupport, "writer")},
       Errc::FailedPrecondition,
       "",
       {},
       false},
      {"the other login is expired",
       {grant(1, kAna, "reader"), grant(2, kAna, "owner", past)},
       {},
       "reader",
       {},
       false},
      {"same login twice: the latest end",
       {grant(1, kAna, "reader", soon), grant(2, kAna, "reader", late)},
       {},
       "reader",
       late,
       false},
      {"same login twice: one endless",
       {grant(1, kAna, "reader", soon), grant(2, kAna, "reader")},
       {},
       "reader",
       {},
       false},
      {"a login without a usable secret", {grant(1, kAna, "ghost")}, Errc::FailedPrecondition, "", {}, false},
      {"third login after two equal ones",
       {grant(1, kAna, "reader"), grant(3, kAna, "owner"), grant(0, kAna, "reader")},
       Errc::FailedPrecondition,
       "",
       {},
       false},
  };
  for (const GrantCase& c : cases) {
    CAPTURE(c.title);
    auto orders = c.grants;
    std::sort(orders.begin(), orders.end(), [](const Grant& a, const Grant& b) { return a.id < b.id; });
    std::optional<GrantId> chosen;
    do {  // whatever the order of rows, the same answer
      const auto s = snapshot(parts(orders));
      const auto found = s->resolve_grant(kAna, kDemo, kNow);
      if (c.error) {
        REQUIRE_FALSE(found.has_value());
        CHECK(found.error().code == *c.error);
        continue;
      }
      REQUIRE(found.has_value());
      CHECK(found->login->role_name == c.login);
      CHECK(found->valid_until == c.until);
      CHECK(found->by_role.has_value() == c.by_role);
      CHECK(chosen.value_or(found->grant) == found->grant);
      chosen = found->grant;
    } while (std::next_permutation(orders.begin(), orders.end(),
                                   [](const Grant& a, const Grant& b) { return a.id < b.id; }));
  }
}

TEST_CASE("past the wall only by grants that all say so") {
  const auto past = [](Grant one) {
    one.past_wall = true;
    return one;
  };
  struct Row {
    const char* what;
    std::vector<Grant> grants;
    bool past_wall;
  };
  const Row rows[] = {
      {"not by itself", {grant(1, kAna, "reader")}, false},
      {"direct", {past(grant(1, kAna, "reader"))}, true},
      {"by role", {past(grant(1, kAnalysts, "reader"))}, true},
      {"two roles that say so", {past(grant(1, kAnalysts, "reader")), past(grant(2, kSupport, "reader"))}, true},
      {"one role that does not", {past(grant(1, kAnalysts, "reader")), grant(2, kSupport, "reader")}, false},
      {"nor the other way round", {grant(1, kAnalysts, "reader"), past(grant(2, kSupport, "reader"))}, false},
      {"an ended one counts for nothing", {past(grant(1, kAna, "reader", kNow)), grant(2, kAna, "reader")}, false},
      {"direct wins over role", {grant(1, kAna, "reader"), past(grant(2, kAnalysts, "owner"))}, false},
  };
  for (const auto& row : rows) {
    CAPTURE(row.what);
    const auto found = snapshot(parts(row.grants))->resolve_grant(kAna, kDemo, kNow);
    REQUIRE(found.has_value());
    CHECK(found->past_wall == row.past_wall);
  }
}

TEST_CASE("a disabled or ended identity has no grant, and a suspended depot is a matter of its classes") {
  auto disabled = parts({grant(1, kAna, "reader")});
  disabled.identities[0].enabled = false;
  CHECK(snapshot(std::move(disabled))->resolve_grant(kAna, kDemo, kNow).error().code == Errc::PermissionDenied);

  auto ended = parts({grant(1, kAna, "reader", kNow + seconds(99))});
  ended.identities[0].valid_until = kNow + seconds(5);
  const auto s = snapshot(std::move(ended));
  CHECK(s->resolve_grant(kAna, kDemo, kNow)->valid_until == kNow + seconds(5));
  CHECK(s->resolve_grant(kAna, kDemo, kNow + seconds(5)).error().code == Errc::PermissionDenied);

  auto suspended = parts({grant(1, kAna, "reader")});
  suspended.depots[0].state = DepotState::Suspended;
  CHECK(snapshot(std::move(suspended))->resolve_grant(kAna, kDemo, kNow).has_value());
}

TEST_CASE("what contradicts itself makes no snapshot") {
  const auto broken = [](auto change) {
    auto p = parts({});
    change(p);
    const auto made = Snapshot::make(std::move(p));
    return !made && made.error().code == Errc::Malformed;
  };
  CHECK(broken([](SnapshotParts& p) { p.identities.push_back(identity(9, "ana@northside")); }));
  CHECK(broken([](SnapshotParts& p) { p.identities.push_back(identity(1, "other")); }));
  CHECK(broken([](SnapshotParts& p) { p.identities[0].tenant = TenantId(uuid(9)); }));
  CHECK(broken([](SnapshotParts& p) { p.depots.push_back(depot(9, "demo")); }));
  CHECK(broken([](SnapshotParts& p) { p.depots[0].endpoint = TcpEndpoint{"db", 5432}; }));
  CHECK(broken([](SnapshotParts& p) { p.members.push_back({kAnalysts, IdentityId(uuid(9))}); }));
  CHECK(broken([](SnapshotParts& p) { p.grants.push_back(grant(1, RoleId(uuid(1)), "reader")); }));
  CHECK(broken([](SnapshotParts& p) { p.logins.push_back({DepotLoginId(uuid(8)), kDemo, "reader", NoSecret{}}); }));
  CHECK_FALSE(broken([](SnapshotParts&) {}));
}

TEST_CASE("the holder tells how stale it is, and refuses past max_stale") {
  SnapshotHolder holder;
  const SteadyTime t0{seconds(100)};
  CHECK(holder.current() == nullptr);
  CHECK_FALSE(holder.staleness(t0).has_value());
  holder.confirm({kNow, t0});  // nothing to confirm yet
  CHECK(holder.fresh(t0, seconds(60)).error().code == Errc::Unavailable);

  holder.publish(snapshot(parts({})), {kNow, t0});
  CHECK(holder.fresh(t0 + seconds(60), seconds(60)).has_value());
  CHECK(holder.fresh(t0 + seconds(61), seconds(60)).error().code == Errc::Unavailable);
  holder.confirm({kNow + seconds(30), t0 + seconds(30)});
  CHECK(holder.fresh(t0 + seconds(61), seconds(60)).has_value());
  CHECK(holder.staleness(t0 + seconds(31)) == seconds(1));
  CHECK(holder.confirmed_at() == kNow + seconds(30));
  CHECK(holder.current()->epoch() == 7);
}

TEST_CASE("the right to act for tenants is that of the grants that count, each until its end") {
  const TenantId red{uuid(80)};
  const TenantId blue{uuid(81)};
  const auto acting = [](Grant one, bool any, std::vector<TenantId> tenants) {
    one.act_for_any = any;
    one.act_for = std::move(tenants);
    return one;
  };
  const WallTime soon = kNow + seconds(10);
  const auto rights = [&](std::vector<Grant> grants) {
    auto from = parts(std::move(grants));
    from.tenants = {{red, "red", ""}, {blue, "blue", ""}};
    const auto s = snapshot(std::move(from));
    CHECK(s->find_tenant("red")->id == red);
    CHECK(s->find_tenant("Red") == nullptr);
    return s->resolve_grant(kAna, kDemo, kNow)->act_for;
  };
  CHECK(rights({grant(1, kAna, "reader")}).empty());
  CHECK(rights({acting(grant(1, kAna, "reader"), false, {red})}).holds(red, kNow));
  CHECK_FALSE(rights({acting(grant(1, kAna, "reader"), false, {red})}).holds(blue, kNow));
  CHECK(rights({acting(grant(1, kAna, "reader"), true, {})}).holds(blue, kNow));
  // Over with its own grant, though another one goes on.
  for (const bool any : {true, false}) {
    const auto both = rights({acting(grant(1, kAna, "reader", soon), any, {red}), grant(2, kAna, "reader")});
    CHECK(both.holds(red, kNow));
    CHECK_FALSE(both.holds(red, soon));
  }
  const auto later = rights(
      {acting(grant(2, kAna, "reader", soon), false, {red}), acting(grant(1, kAna, "reader"), false, {red, blue})});
  CHECK(later.holds(red, soon));
  CHECK(later.holds(blue, soon));
  // A direct grant hides what roles bring; expired and others' grants bring nothing.
  CHECK(rights({acting(grant(1, kAnalysts, "reader"), true, {}), grant(2, kAna, "reader")}).empty());
  CHECK(rights({acting(grant(1, kAnalysts, "reader"), true, {})}).holds(red, kNow));
  CHECK(rights({acting(grant(1, kAna, "reader", kNow), true, {}), acting(grant(3, kSam, "reader"), true, {}),
                grant(2, kAna, "reader")})
            .empty());
}

}  // namespace
}  // namespace bartizan::policy
