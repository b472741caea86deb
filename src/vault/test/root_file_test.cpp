#include "root_file.hpp"

#include "vault_testing.hpp"

namespace bartizan::vault {
namespace {

TEST_CASE("Argon2id: the file key of docs/formats/keyring.md") {
  const auto example = test::read_examples();
  const auto header = read_root_file_header(example.at("root_file"));
  REQUIRE(header);
  CHECK(header->cost == Argon2Cost{64, 2, 1});
  CHECK(Bytes(header->salt.begin(), header->salt.end()) ==
        Bytes(example.at("random").begin(), example.at("random").begin() + 16));
  const auto key = argon2id(SecretBytes(example.at("passphrase")), header->salt, header->cost);
  REQUIRE(key);
  CHECK(hex_encode(key->reveal()) == hex_encode(example.at("file_key")));
}

TEST_CASE("the root file of docs/formats/keyring.md, both ways") {
  const auto example = test::read_examples();
  const SecretBytes key(example.at("file_key"));
  const auto roots = open_root_file(example.at("root_file"), key);
  REQUIRE(roots);
  CHECK(roots->active == 2);
  REQUIRE(roots->versions.size() == 2);
  CHECK_FALSE(roots->versions.at(1).has_value());
  CHECK(hex_encode(roots->versions.at(2)->reveal()) == hex_encode(example.at("root")));
  CHECK(hex_encode(encode_roots(*roots).reveal()) == hex_encode(example.at("roots")));

  const auto& random = example.at("random");
  test::FixedRandom nonce(Bytes(random.begin() + 16, random.end()));
  const auto header = *read_root_file_header(example.at("root_file"));
  CHECK(hex_encode(seal_root_file(header, *roots, key, nonce)) == hex_encode(example.at("root_file")));
}

TEST_CASE("no bit or length of a root file may differ, and no other key opens it") {
  const auto example = test::read_examples();
  const SecretBytes key(example.at("file_key"));
  const Bytes& file = example.at("root_file");
  for (std::size_t bit = 0; bit < file.size() * 8; ++bit) {
    Bytes changed = file;
    changed[bit / 8] ^= static_cast<std::byte>(1U << (bit % 8));
    CHECK_FALSE(open_root_file(changed, key));
  }
  for (std::size_t size = 0; size < file.size(); ++size) CHECK_FALSE(open_root_file(ByteView(file).first(size), key));
  CHECK(open_root_file(file, SecretBytes(std::size_t{32})).error().code == Errc::PermissionDenied);
}

TEST_CASE("a file cannot ask for a cost beyond the bounds") {
  const Bytes file = test::read_examples().at("root_file");
  const auto with_cost = [&](std::uint32_t memory, std::uint32_t passes, std::uint32_t lanes) {
    Bytes changed = file;
    store_be32(changed.data() + 5, memory);
    store_be32(changed.data() + 9, passes);
    store_be32(changed.data() + 13, lanes);
    return read_root_file_header(changed).has_value();
  };
  CHECK(with_cost(64, 1, 1));
  CHECK(with_cost(4 * 1024 * 1024, 64, 16));
  CHECK_FALSE(with_cost(4 * 1024 * 1024 + 1, 1, 1));
  CHECK_FALSE(with_cost(7, 1, 1));
  CHECK_FALSE(with_cost(15, 1, 2));
  CHECK_FALSE(with_cost(64, 0, 1));
  CHECK_FALSE(with_cost(64, 65, 1));
  CHECK_FALSE(with_cost(64, 1, 0));
  CHECK_FALSE(with_cost(1024, 1, 17));
  CHECK_FALSE(with_cost(0xffffffff, 0xffffffff, 0xffffffff));
}

TEST_CASE("roots that are not well-formed") {
  const auto refused = [](const char* hex) {
    CAPTURE(hex);
    CHECK(decode_roots(*hex_decode(hex)).error().code == Errc::Malformed);
  };
  const std::string key(64, 'a');
  CHECK(
      decode_roots(*hex_decode("00000001000100000001"
                               "01" +
                               key)));
  refused("");
  refused("000000010000");
  refused("0001");          // too short for the active version, long enough for a count
  refused("000000010001000001");  // ... for a version, but not for a state
  refused("00000001000100000001");
  refused("0000000100010000000101aa");
  refused(("00000002000100000001"
           "01" +
           key)
              .c_str());                            // the active one is not there
  refused(
      "00000001000100000001"
      "02");                                             // ... or destroyed
  refused(("00000001000100000001"
           "03" +
           key)
              .c_str());                            // an unknown state
  refused(("00000001000100000001"
           "01" +
           key + "00")
              .c_str());                     // something follows
  refused(("00000001000200000001"
           "01" +
           key +
           "00000001"
           "02")
              .c_str());          // a version twice
  refused(("00000000000100000000"
           "01" +
           key)
              .c_str());                            // version 0
}

}  // namespace
}  // namespace bartizan::vault
