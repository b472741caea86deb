#include "bartizan/keys/keyring.hpp"
#include "format_example.hpp"

namespace bartizan::keys {
namespace {

TEST_CASE("the keyring record and the context of docs/formats/keyring.md") {
  auto example = test::read_examples("keyring.md");
  const auto ring = decode_keyring(example.at("keyring"));
  REQUIRE(ring);
  CHECK(ring->owner() == KeyringOwner::of_tenant(*Uuid::parse("7e9a1c52-0000-4000-8000-00000000000a")));
  CHECK(ring->revision() == 4);
  REQUIRE(ring->versions().size() == 2);
  const auto& data = ring->versions()[0];
  CHECK(data.id == KeyId(5));
  CHECK(data.purpose == KeyPurpose::Data);
  CHECK(data.state == KeyState::Active);
  CHECK(data.created_at == WallTime(std::chrono::seconds(1700000000)));
  CHECK(data.changed_at == WallTime(std::chrono::seconds(1700000001)));
  CHECK(data.wrapped.root == RootRef{"file:main", 1});
  CHECK(data.wrapped.bytes == example.at("wrapped"));
  const auto& index = ring->versions()[1];
  CHECK(index.id == KeyId(2));
  CHECK(index.state == KeyState::Destroyed);
  CHECK(index.authority == "contract ended");
  CHECK(hex_encode(encode_keyring(*ring)) == hex_encode(example.at("keyring")));
  CHECK(hex_encode(encode_wrap_context(ring->context_of(data))) == hex_encode(example.at("context")));
}

TEST_CASE("no prefix, no longer record, no other magic, version, kind or state decodes") {
  const Bytes good = test::read_examples("keyring.md").at("keyring");
  for (std::size_t size = 0; size < good.size(); ++size)
    CHECK(decode_keyring(ByteView(good).first(size)).error().code == Errc::Malformed);
  Bytes longer = good;
  longer.push_back(std::byte{0});
  CHECK_FALSE(decode_keyring(longer));
  for (const std::size_t at : {0U, 4U, 5U}) {
    Bytes changed = good;
    changed[at] ^= std::byte{0x40};
    CHECK_FALSE(decode_keyring(changed));
  }
}

TEST_CASE("whatever bit of a record is flipped, what decodes encodes to the same bytes") {
  const Bytes good = test::read_examples("keyring.md").at("keyring");
  for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
    Bytes changed = good;
    changed[bit / 8] ^= static_cast<std::byte>(1U << (bit % 8));
    const auto ring = decode_keyring(changed);
    if (ring) CHECK(encode_keyring(*ring) == changed);
  }
}

}  // namespace
}  // namespace bartizan::keys
