#include "bartizan/keys/plan.hpp"

#include <doctest/doctest.h>

#include <map>

namespace bartizan::keys {
namespace {

using namespace std::chrono_literals;

const Uuid kTenant = *Uuid::parse("7e9a1c52-0000-4000-8000-00000000000a");
const RotationPolicy kPolicy{100h, 1h, 50h};

WallTime hour(int count) { return WallTime(std::chrono::hours(count)); }
WrappedSecret wrapped() { return {{"file:main", 1}, Bytes(40, std::byte{1})}; }
Keyring must(Result<Keyring> made) {
  REQUIRE(made);
  return std::move(*made);
}
using Steps = std::vector<KeyStep>;

/// Data 1 and index 2, active since hour 0.
Keyring fresh() {
  Keyring ring = must(Keyring::make(KeyringOwner::of_tenant(kTenant)));
  CHECK(due_steps(ring, kPolicy, {}, hour(0)) ==
        Steps{CreateVersion{KeyPurpose::Data}, CreateVersion{KeyPurpose::Index}});
  ring = must(ring.add(KeyId(1), KeyPurpose::Data, wrapped(), hour(0)));
  ring = must(ring.add(KeyId(2), KeyPurpose::Index, wrapped(), hour(0)));
  CHECK(due_steps(ring, kPolicy, {}, hour(0)) == Steps{ActivateVersion{KeyId(1)}, ActivateVersion{KeyId(2)}});
  ring = must(ring.activate(KeyId(1), hour(0)));
  return must(ring.activate(KeyId(2), hour(0)));
}

TEST_CASE("a rotation goes create, wait, activate, re-encrypt, count, grace, count, destroy") {
  Keyring ring = fresh();
  ring = must(ring.destroy(KeyId(2), "not part of this test", hour(0)));
  ring = must(ring.add(KeyId(8), KeyPurpose::Index, wrapped(), hour(99)));
  ring = must(ring.activate(KeyId(8), hour(99)));
  const auto due = [&](int now, std::vector<KeyUsage> usage = {}) {
    return due_steps(ring, kPolicy, usage, hour(now));
  };

  CHECK(due(99).empty());
  CHECK(due(100) == Steps{CreateVersion{KeyPurpose::Data}});
  ring = must(ring.add(KeyId(3), KeyPurpose::Data, wrapped(), hour(100)));
  CHECK(due(100).empty());  // it is being distributed
  CHECK(due(101) == Steps{ActivateVersion{KeyId(3)}});
  ring = must(ring.activate(KeyId(3), hour(101)));

  CHECK(due(102) == Steps{CountUsage{KeyId(1)}});
  CHECK(due(102, {{KeyId(1), 0, hour(100)}}) == Steps{CountUsage{KeyId(1)}});  // from before it was retired
  CHECK(due(102, {{KeyId(1), 7, hour(102)}}) == Steps{Reencrypt{KeyId(1), KeyId(3)}, CountUsage{KeyId(1)}});
  CHECK(due(103, {{KeyId(1), 0, hour(103)}}).empty());
  CHECK(due(151, {{KeyId(1), 0, hour(103)}}) == Steps{CountUsage{KeyId(1)}});  // counted before the grace ended
  CHECK(due(151, {{KeyId(1), 1, hour(151)}}) == Steps{Reencrypt{KeyId(1), KeyId(3)}, CountUsage{KeyId(1)}});
  CHECK(due(151, {{KeyId(3), 0, hour(151)}}) == Steps{CountUsage{KeyId(1)}});  // of another version
  CHECK(due(151, {{KeyId(1), 0, hour(151)}}) == Steps{DestroyVersion{KeyId(1)}});
  ring = must(ring.destroy(KeyId(1), "rotation", hour(151)));
  CHECK(due(152).empty());
}

TEST_CASE("whatever was done, asking again at the same time goes on from there") {
  Keyring ring = fresh();
  std::uint32_t next = 10;
  std::map<std::uint32_t, std::uint64_t> cells{{1, 1000}, {2, 1000}};
  std::vector<KeyUsage> usage;
  for (int now = 0; now < 1000; ++now) {
    for (int guard = 0;; ++guard) {
      REQUIRE(guard < 20);
      const auto steps = due_steps(ring, kPolicy, usage, hour(now));
      if (steps.empty()) break;
      const auto& step = steps.front();
      if (const auto* create = std::get_if<CreateVersion>(&step)) {
        ring = must(ring.add(KeyId(next++), create->purpose, wrapped(), hour(now)));
      } else if (const auto* activate = std::get_if<ActivateVersion>(&step)) {
        ring = must(ring.activate(activate->id, hour(now)));
      } else if (const auto* move = std::get_if<Reencrypt>(&step)) {
        cells[move->to.get()] += std::exchange(cells[move->from.get()], 0);
        usage.push_back({move->from, 0, hour(now) + 1us});
        std::erase_if(usage, [&](const auto& u) { return u.id == move->from && u.cells > 0; });
      } else if (const auto* count = std::get_if<CountUsage>(&step)) {
        std::erase_if(usage, [&](const auto& u) { return u.id == count->id; });
        usage.push_back({count->id, cells[count->id.get()], hour(now) + 1us});
      } else {
        const auto id = std::get<DestroyVersion>(step).id;
        REQUIRE(cells[id.get()] == 0);  // never while it is used
        ring = must(ring.destroy(id, "rotation", hour(now)));
      }
      REQUIRE(ring.active(KeyPurpose::Data) != nullptr);
      REQUIRE(ring.active(KeyPurpose::Index) != nullptr);
    }
  }
  CHECK(next > 20);
  CHECK(cells[ring.active(KeyPurpose::Data)->id.get()] == 1000);
}

TEST_CASE("shredding leaves tombstones alone, and nothing is ever due again") {
  const Keyring ring = must(shred(fresh(), "request 17 of the data subject", hour(5)));
  for (const auto& version : ring.versions()) {
    CHECK(version.state == KeyState::Destroyed);
    CHECK(version.authority == "request 17 of the data subject");
  }
  CHECK(due_steps(ring, kPolicy, {}, hour(5000)).empty());
  CHECK(shred(ring, "again", hour(6)).error().code == Errc::FailedPrecondition);
  CHECK(shred(fresh(), "", hour(6)).error().code == Errc::InvalidArgument);
}

}  // namespace
}  // namespace bartizan::keys
