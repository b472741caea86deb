#include "bartizan/keys/derivation.hpp"

#include <set>

#include "format_example.hpp"

namespace bartizan::keys {
namespace {

const Uuid kTenant = *Uuid::parse("7e9a1c52-0000-4000-8000-00000000000a");
const Uuid kOther = *Uuid::parse("7e9a1c52-0000-4000-8000-00000000000b");
const Uuid kColumn = *Uuid::parse("c01d0000-0000-4000-8000-00000000e3a1");

KeyringRoot root_of(std::uint32_t id, KeyPurpose purpose, const KeyringOwner& owner, ByteView secret) {
  auto root = KeyringRoot::make(KeyId(id), purpose, owner, SecretBytes(secret));
  REQUIRE(root);
  return std::move(*root);
}

TEST_CASE("the keys of docs/formats/cell.md") {
  auto example = test::read_examples("cell.md");
  const auto owner = KeyringOwner::of_tenant(kTenant);
  const auto columns = derive_column_keys(root_of(5, KeyPurpose::Data, owner, example["data_root"]), kColumn);
  REQUIRE(columns);
  CHECK(columns->id == KeyId(5));
  CHECK(hex_encode(columns->data.reveal()) == hex_encode(example.at("data_key")));
  CHECK(hex_encode(columns->nonce.reveal()) == hex_encode(example.at("nonce_key")));
  const auto index = derive_index_key(root_of(2, KeyPurpose::Index, owner, example["index_root"]), kColumn);
  REQUIRE(index);
  CHECK(hex_encode(index->key.reveal()) == hex_encode(example.at("index_key")));
}

TEST_CASE("the key of docs/formats/at-rest.md, which is no other root's") {
  auto example = test::read_examples("at-rest.md");
  const auto storage = KeyringOwner::of_storage(*Uuid::parse("7e9a1c52-0000-4000-8000-00000000000d"));
  const auto key = derive_storage_key(root_of(7, KeyPurpose::Data, storage, example["secret"]));
  REQUIRE(key);
  CHECK(hex_encode(key->reveal()) == hex_encode(example.at("storage_key")));
  CHECK_FALSE(derive_storage_key(root_of(7, KeyPurpose::Index, storage, example["secret"])));
  CHECK_FALSE(derive_storage_key(root_of(7, KeyPurpose::Data, KeyringOwner::of_tenant(kTenant), example["secret"])));
}

TEST_CASE("every input of a derivation changes the key, and the three uses differ") {
  const Bytes secret(32, std::byte{1}), secret_2(32, std::byte{2});
  const auto owner = KeyringOwner::of_tenant(kTenant);
  std::set<std::string> derived;
  std::size_t count = 0;
  const auto note = [&](const SecretBytes& key) {
    CHECK(key.size() == kKeyBytes);
    derived.insert(hex_encode(key.reveal()));
    ++count;
  };
  const auto note_all = [&](std::uint32_t id, const KeyringOwner& of, const Bytes& from, const Uuid& subject) {
    const auto columns = derive_column_keys(root_of(id, KeyPurpose::Data, of, from), subject);
    const auto index = derive_index_key(root_of(id, KeyPurpose::Index, of, from), subject);
    REQUIRE(columns);
    REQUIRE(index);
    note(columns->data);
    note(columns->nonce);
    note(index->key);
  };
  note_all(1, owner, secret, kColumn);
  note_all(2, owner, secret, kColumn);
  note_all(1, owner, secret_2, kColumn);
  note_all(1, owner, secret, kOther);
  note_all(1, KeyringOwner::of_tenant(kOther), secret, kColumn);
  note_all(1, KeyringOwner::of_subject(kTenant, kTenant), secret, kColumn);
  note_all(1, KeyringOwner::of_depot(kTenant), secret, kColumn);
  CHECK(derived.size() == count);
}

TEST_CASE("what cannot be a root, or is used for the wrong purpose, is refused") {
  const auto owner = KeyringOwner::of_tenant(kTenant);
  const auto make = [](std::uint32_t id, const KeyringOwner& of, std::size_t size) {
    return KeyringRoot::make(KeyId(id), KeyPurpose::Data, of, SecretBytes(size)).has_value();
  };
  CHECK(make(1, owner, 32));
  CHECK_FALSE(make(0, owner, 32));
  CHECK_FALSE(make(1, owner, 31));
  CHECK_FALSE(make(1, owner, 33));
  CHECK_FALSE(make(1, {OwnerKind::Tenant, kTenant, kOther}, 32));
  CHECK_FALSE(make(1, {OwnerKind::Tenant, {}, {}}, 32));
  CHECK_FALSE(make(1, {OwnerKind::Subject, {}, kOther}, 32));
  CHECK_FALSE(make(1, {OwnerKind::Depot, kTenant, kOther}, 32));
  CHECK_FALSE(make(1, {OwnerKind::Storage, kTenant, kOther}, 32));
  CHECK(make(1, {OwnerKind::Storage, {}, kOther}, 32));
  CHECK_FALSE(make(1, {static_cast<OwnerKind>(9), kTenant, kTenant}, 32));

  const Bytes secret(32);
  CHECK_FALSE(derive_column_keys(root_of(1, KeyPurpose::Index, owner, secret), kColumn));
  CHECK_FALSE(derive_index_key(root_of(1, KeyPurpose::Data, owner, secret), kColumn));
  CHECK_FALSE(derive_column_keys(root_of(1, KeyPurpose::Data, owner, secret), Uuid{}));
  CHECK_FALSE(derive_index_key(root_of(1, KeyPurpose::Index, owner, secret), Uuid{}));
}

TEST_CASE("root secrets are drawn anew") {
  CHECK(hex_encode(generate_root_secret(system_random()).reveal()) !=
        hex_encode(generate_root_secret(system_random()).reveal()));
}

}  // namespace
}  // namespace bartizan::keys
