#include "bartizan/keys/keyring.hpp"

#include <doctest/doctest.h>

#include <functional>

namespace bartizan::keys {
namespace {

using namespace std::chrono_literals;

const Uuid kTenant = *Uuid::parse("7e9a1c52-0000-4000-8000-00000000000a");
const KeyringOwner kOwner = KeyringOwner::of_tenant(kTenant);

WallTime at(std::int64_t second) { return WallTime(std::chrono::seconds(second)); }
WrappedSecret wrapped(std::uint8_t fill) { return {{"file:main", 1}, Bytes(40, std::byte{fill})}; }

Keyring must(Result<Keyring> made) {
  REQUIRE_MESSAGE(made, (made ? "" : made.error().detail));
  return std::move(*made);
}

/// Data 1 Retired, data 2 Active, index 3 Active, data 4 Pending.
Keyring sample() {
  Keyring ring = must(Keyring::make(kOwner));
  ring = must(ring.add(KeyId(1), KeyPurpose::Data, wrapped(1), at(1)));
  ring = must(ring.activate(KeyId(1), at(2)));
  ring = must(ring.add(KeyId(2), KeyPurpose::Data, wrapped(2), at(3)));
  ring = must(ring.add(KeyId(3), KeyPurpose::Index, wrapped(3), at(4)));
  ring = must(ring.activate(KeyId(2), at(5)));
  ring = must(ring.activate(KeyId(3), at(6)));
  return must(ring.add(KeyId(4), KeyPurpose::Data, wrapped(4), at(7)));
}

KeyState state(const Keyring& ring, std::uint32_t id) {
  const auto* version = ring.find(KeyId(id));
  REQUIRE(version != nullptr);
  return version->state;
}

TEST_CASE("activation retires the former version of the same purpose alone") {
  const Keyring ring = sample();
  CHECK(ring.revision() == 7);
  CHECK(state(ring, 1) == KeyState::Retired);
  CHECK(state(ring, 2) == KeyState::Active);
  CHECK(state(ring, 3) == KeyState::Active);
  CHECK(state(ring, 4) == KeyState::Pending);
  CHECK(ring.find(KeyId(1))->changed_at == at(5));
  CHECK(ring.find(KeyId(1))->created_at == at(1));
  CHECK(ring.active(KeyPurpose::Data)->id == KeyId(2));
  CHECK(ring.active(KeyPurpose::Index)->id == KeyId(3));

  const Keyring later = must(ring.activate(KeyId(4), at(9)));
  CHECK(state(later, 2) == KeyState::Retired);
  CHECK(state(later, 3) == KeyState::Active);
  CHECK(state(ring, 2) == KeyState::Active);  // the former value is as it was
}

TEST_CASE("only what may happen happens") {
  const Keyring ring = sample();
  CHECK(ring.activate(KeyId(1), at(9)).error().code == Errc::FailedPrecondition);
  CHECK(ring.activate(KeyId(2), at(9)).error().code == Errc::FailedPrecondition);
  CHECK(ring.activate(KeyId(9), at(9)).error().code == Errc::NotFound);
  CHECK(ring.add(KeyId(1), KeyPurpose::Data, wrapped(9), at(9)).error().code == Errc::AlreadyExists);
  CHECK(ring.add(KeyId(0), KeyPurpose::Data, wrapped(9), at(9)).error().code == Errc::InvalidArgument);
  CHECK(ring.add(KeyId(9), KeyPurpose::Data, {}, at(9)).error().code == Errc::InvalidArgument);
  CHECK(ring.add(KeyId(9), KeyPurpose::Data, {{"x\n", 1}, Bytes(40)}, at(9)).error().code == Errc::InvalidArgument);
  CHECK(ring.destroy(KeyId(9), "x", at(9)).error().code == Errc::NotFound);
  CHECK(ring.destroy(KeyId(1), "", at(9)).error().code == Errc::InvalidArgument);
  CHECK(ring.rewrap(KeyId(9), wrapped(9)).error().code == Errc::NotFound);
  CHECK(Keyring::make({OwnerKind::Tenant, {}, {}}).error().code == Errc::InvalidArgument);
}

TEST_CASE("a tombstone has forgotten its secret and stays one") {
  for (const std::uint32_t id : {1U, 2U, 3U, 4U}) {
    const Keyring ring = must(sample().destroy(KeyId(id), "contract ended", at(9)));
    const auto* version = ring.find(KeyId(id));
    CHECK(version->state == KeyState::Destroyed);
    CHECK(version->wrapped == WrappedSecret{});
    CHECK(version->authority == "contract ended");
    CHECK(version->changed_at == at(9));
    CHECK(ring.activate(KeyId(id), at(10)).error().code == Errc::FailedPrecondition);
    CHECK(ring.rewrap(KeyId(id), wrapped(9)).error().code == Errc::FailedPrecondition);
    CHECK(ring.destroy(KeyId(id), "again", at(10)).error().code == Errc::AlreadyExists);
    CHECK(ring.add(KeyId(id), KeyPurpose::Data, wrapped(9), at(10)).error().code == Errc::AlreadyExists);
  }
}

TEST_CASE("rewrapping changes the root alone") {
  const Keyring ring = sample();
  const WrappedSecret under_next{{"file:main", 2}, Bytes(40, std::byte{7})};
  const Keyring made = must(ring.rewrap(KeyId(2), under_next));
  KeyVersion expected = *ring.find(KeyId(2));
  expected.wrapped = under_next;
  CHECK(*made.find(KeyId(2)) == expected);
  CHECK(made.revision() == ring.revision() + 1);
}

TEST_CASE("a keyring from a backup does not bring destroyed versions back") {
  const Keyring backup = sample();
  Keyring known = must(backup.destroy(KeyId(2), "shredded", at(20)));
  known = must(known.add(KeyId(5), KeyPurpose::Data, wrapped(5), at(21)));
  known = must(known.destroy(KeyId(5), "shredded too", at(22)));

  const Keyring buried = must(backup.bury(known));
  CHECK(*buried.find(KeyId(2)) == *known.find(KeyId(2)));
  CHECK(*buried.find(KeyId(5)) == *known.find(KeyId(5)));
  CHECK(state(buried, 1) == KeyState::Retired);
  CHECK(buried.revision() > known.revision());
  CHECK(buried.add(KeyId(5), KeyPurpose::Data, wrapped(5), at(30)).error().code == Errc::AlreadyExists);
  const auto other = must(Keyring::make(KeyringOwner::of_depot(kTenant)));
  CHECK(backup.bury(other).error().code == Errc::Conflict);
}

TEST_CASE("stored parts that break an invariant are refused") {
  const Keyring ring = sample();
  const std::vector<KeyVersion> good(ring.versions().begin(), ring.versions().end());
  REQUIRE(Keyring::restore(kOwner, 7, good));
  const auto refused = [&](const std::function<void(std::vector<KeyVersion>&)>& breaks) {
    auto versions = good;
    breaks(versions);
    const auto restored = Keyring::restore(kOwner, 7, versions);
    REQUIRE_FALSE(restored);
    CHECK(restored.error().code == Errc::Malformed);
  };
  refused([](auto& v) { v[0].id = KeyId(2); });
  refused([](auto& v) { v[0].id = KeyId(0); });
  refused([](auto& v) { v[0].state = KeyState::Active; });  // two active ones
  refused([](auto& v) { v[0].state = KeyState::Destroyed; });
  refused([](auto& v) { v[0].state = static_cast<KeyState>(0); });
  refused([](auto& v) { v[0].state = static_cast<KeyState>(5); });
  refused([](auto& v) { v[0].purpose = static_cast<KeyPurpose>(4); });
  refused([](auto& v) { v[0].wrapped = {}; });
  refused([](auto& v) { v[0].authority = "alive"; });
  refused([](auto& v) { v[0].wrapped.bytes = Bytes(kMaxWrappedBytes + 1); });
  refused([](auto& v) { v[0].wrapped.root.provider = std::string(kMaxProviderBytes + 1, 'x'); });
  refused([](auto& v) {
    for (std::uint32_t id = 10; v.size() <= kMaxKeyVersions; ++id) {
      v.push_back(v[0]);
      v.back().id = KeyId(id);
    }
  });
  CHECK_FALSE(Keyring::restore({OwnerKind::Subject, {}, kTenant}, 7, good));
}

}  // namespace
}  // namespace bartizan::keys
