// Keyrings as files: what is put is found again, an older revision does not go over a newer one.
#include "bartizan/vault/keyring_store.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "vault_testing.hpp"

namespace bartizan::vault {

namespace {

keys::KeyringOwner owner() {
  return keys::KeyringOwner::of_tenant(*Uuid::parse("7e9a1c52-0000-4000-8000-00000000000a"));
}

keys::WrappedSecret wrapped() { return {{"file:test", 1}, to_bytes("wrapped")}; }

}  // namespace

TEST_SUITE("keyring store") {
  TEST_CASE("a keyring comes back, from a file that nobody else may read") {
    const test::Folder folder;
    auto store = KeyringStore::open(folder.file("keyrings"));
    REQUIRE(store);
    auto keyring = (*store)->load(owner());
    REQUIRE(keyring);
    CHECK(keyring->revision() == 0);
    const auto one = keyring->add(keys::KeyId(7), keys::KeyPurpose::Data, wrapped(), WallTime{});
    REQUIRE(one);
    REQUIRE((*store)->put(*one, system_random()));
    const auto again = (*store)->load(owner());
    REQUIRE(again);
    CHECK(again->find(keys::KeyId(7)) != nullptr);
    CHECK((*store)->list()->size() == 1);
    for (const auto& file : std::filesystem::directory_iterator(folder.file("keyrings"))) {
      struct stat info{};
      REQUIRE(::stat(file.path().c_str(), &info) == 0);
      CHECK((info.st_mode & 077) == 0);
    }
  }

  TEST_CASE("a change of an older revision is a conflict, and nothing is written") {
    const test::Folder folder;
    auto store = KeyringStore::open(folder.file("keyrings"));
    REQUIRE(store);
    const auto empty = (*store)->load(owner());
    REQUIRE(empty);
    const auto one = empty->add(keys::KeyId(7), keys::KeyPurpose::Data, wrapped(), WallTime{});
    const auto other = empty->add(keys::KeyId(8), keys::KeyPurpose::Data, wrapped(), WallTime{});
    REQUIRE((*store)->put(*one, system_random()));
    const auto late = (*store)->put(*other, system_random());
    REQUIRE_FALSE(late);
    CHECK(late.error().code == Errc::Conflict);
    CHECK((*store)->load(owner())->find(keys::KeyId(8)) == nullptr);
  }

  TEST_CASE("an id is never given twice, destroyed ones included") {
    // One byte of randomness at a time: ids 0x01010101, 0x02020202, …
    class Counting final : public Random {
     public:
      void fill(std::span<std::byte> out) override {
        ++next;
        for (auto& byte : out) byte = static_cast<std::byte>(next);
      }
      int next = 0;
    };
    const test::Folder folder;
    auto store = KeyringStore::open(folder.file("keyrings"));
    REQUIRE(store);
    auto keyring = *(*store)->load(owner());
    keyring = *keyring.add(keys::KeyId(0x01010101), keys::KeyPurpose::Data, wrapped(), WallTime{});
    REQUIRE((*store)->put(keyring, system_random()));
    keyring = *keyring.destroy(keys::KeyId(0x01010101), "test", WallTime{});
    REQUIRE((*store)->put(keyring, system_random()));
    Counting counting;
    CHECK(*(*store)->fresh_id(counting) == keys::KeyId(0x02020202));
  }
}

}  // namespace bartizan::vault
