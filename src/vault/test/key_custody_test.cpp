// A customer's root key that refuses, is silent and comes back, by a clock that the test moves.
#include "bartizan/vault/key_custody.hpp"

#include "bartizan/base/uuid.hpp"
#include "vault_testing.hpp"

namespace bartizan::vault {
namespace {

using std::chrono::seconds;

constexpr const char* kAddress = "vault:https://v.example/transit/k?token-file=/a";
const keys::KeyringOwner kOwner = keys::KeyringOwner::of_tenant(*Uuid::parse("7e9a1c52-0000-4000-8000-00000000000a"));

class MovedClock final : public Clock {
 public:
  WallTime wall() const override { return WallTime(seconds(1'700'000'000)); }
  SteadyTime steady() const override { return now; }
  SteadyTime now = SteadyTime(seconds(1000));
};

/// What the customer's service says now.
struct Service {
  std::optional<Errc> answer;
  int asked = 0;
};

class FakeProvider final : public keys::KeyProvider {
 public:
  FakeProvider(Service& service, std::string name) : service_(service), name_(std::move(name)) {}
  Result<keys::RootRef> active_root() override { return keys::RootRef{name_, 1}; }
  Result<keys::WrappedSecret> wrap(const SecretBytes& secret, const keys::WrapContext&) override {
    if (service_.answer) return fail(*service_.answer, "told to");
    return keys::WrappedSecret{{name_, 1}, Bytes(secret.reveal().begin(), secret.reveal().end())};
  }
  Result<SecretBytes> unwrap(const keys::WrappedSecret& wrapped, const keys::WrapContext&) override {
    ++service_.asked;
    if (service_.answer) return fail(*service_.answer, "told to");
    return SecretBytes(ByteView(wrapped.bytes));
  }

 private:
  Service& service_;
  std::string name_;
};

struct World {
  test::Folder folder;
  MovedClock clock;
  Service service;
  KeyCustody custody{folder.file(""), clock, system_random(),
                     [this](const ProviderAddress& address, bool) -> Result<std::unique_ptr<keys::KeyProvider>> {
                       return std::unique_ptr<keys::KeyProvider>(new FakeProvider(service, address.name));
                     }};
  keys::Keyring keyring = make();

  keys::Keyring make() {
    custody.set_times({seconds(10), seconds(60)});
    REQUIRE(custody.assign(kOwner, {kAddress}));
    const SecretBytes secret(std::string(32, 's'));
    auto wrapped = custody.wrap(secret, {kOwner, keys::KeyId(5), keys::KeyPurpose::Data});
    REQUIRE(wrapped);
    auto made = keys::Keyring::make(kOwner)->add(keys::KeyId(5), keys::KeyPurpose::Data, *wrapped, clock.wall());
    REQUIRE(made);
    return *made->activate(keys::KeyId(5), clock.wall());
  }
  bool opens() { return custody.secret(keyring, *keyring.find(keys::KeyId(5))).has_value(); }
  bool check_after(seconds time) {
    clock.now += time;
    return custody.check(keyring, false);
  }
};

TEST_CASE("secrets are there once the provider has opened them, and it is not asked for each use") {
  World world;
  CHECK(world.custody.holds(kOwner));
  CHECK_FALSE(world.opens());
  CHECK(world.custody.check(world.keyring, true));
  const int asked = world.service.asked;
  for (int i = 0; i < 100; ++i) CHECK(world.opens());
  CHECK_FALSE(world.check_after(seconds(9)));
  CHECK(world.service.asked == asked);
  CHECK_FALSE(world.check_after(seconds(2)));
  CHECK(world.service.asked == asked + 1);
}

TEST_CASE("a refusal takes effect at the next check, and so does its end") {
  for (const auto code : {Errc::PermissionDenied, Errc::NotFound, Errc::Crypto}) {
    World world;
    CHECK(world.custody.check(world.keyring, true));
    world.service.answer = code;
    CHECK(world.opens());
    CHECK(world.check_after(seconds(10)));
    CHECK_FALSE(world.opens());
    CHECK(world.custody.trouble(kOwner) == "told to");
    world.service.answer.reset();
    CHECK(world.check_after(seconds(10)));
    CHECK(world.opens());
    CHECK(world.custody.trouble(kOwner).empty());
  }
}

TEST_CASE("a shorter time between checks is in force at once") {
  World world;
  CHECK(world.custody.check(world.keyring, true));
  world.service.answer = Errc::PermissionDenied;
  world.custody.set_times({seconds(1), seconds(60)});
  CHECK(world.check_after(seconds(1)));
  CHECK_FALSE(world.opens());
}

TEST_CASE("silence is borne for a time, and no longer, whether it is checked or not") {
  World world;
  CHECK(world.custody.check(world.keyring, true));
  world.service.answer = Errc::Unavailable;
  for (int i = 0; i < 5; ++i) {
    CHECK_FALSE(world.check_after(seconds(10)));
    CHECK(world.opens());
  }
  world.clock.now += seconds(11);
  CHECK_FALSE(world.opens());  // before any check
  CHECK(world.custody.check(world.keyring, false));
  CHECK_FALSE(world.opens());
  world.service.answer.reset();
  CHECK(world.check_after(seconds(10)));
  CHECK(world.opens());
}

TEST_CASE("an address that does not work is not taken, and leaves what stood") {
  World world;
  world.service.answer = Errc::PermissionDenied;
  CHECK_FALSE(world.custody.assign(kOwner, {"vault:https://other.example/transit/k?token-file=/a"}));
  CHECK(world.custody.addresses(kOwner).value() == std::vector<std::string>{kAddress});
  CHECK_FALSE(world.custody.assign(kOwner, {"nonsense"}));
  CHECK(world.custody.assign(kOwner, {}));
  CHECK_FALSE(world.custody.holds(kOwner));
}

}  // namespace
}  // namespace bartizan::vault
