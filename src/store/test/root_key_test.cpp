#include "bartizan/store/root_key.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "bartizan/store/migrations.hpp"

namespace bartizan::store {
namespace {

struct TemporaryFolder {
  std::filesystem::path path;
  TemporaryFolder() {
    std::array<char, 32> name{"/tmp/bz-key-XXXXXX"};
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    path = name.data();
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  ~TemporaryFolder() { std::filesystem::remove_all(path); }
};

void write(const std::filesystem::path& path, std::string_view text, mode_t mode) {
  std::ofstream(path) << text;
  REQUIRE(::chmod(path.c_str(), mode) == 0);
}

SealedPlace place(std::string_view table, std::string_view column, std::uint8_t n) {
  Uuid id;
  id.octets[15] = n;
  return {table, column, id};
}

TEST_CASE("the first start makes the key file, later ones read it") {
  const TemporaryFolder folder;
  const auto path = folder.path / "root.key";
  const auto made = RootKey::load_or_create(path, system_random());
  REQUIRE(made.has_value());
  struct stat info{};
  REQUIRE(::stat(path.c_str(), &info) == 0);
  CHECK((info.st_mode & 0777) == 0600);
  CHECK(info.st_size == 65);
  CHECK(std::distance(std::filesystem::directory_iterator(folder.path), {}) == 1);  // nothing left beside it

  const auto again = RootKey::load_or_create(path, system_random());
  REQUIRE(again.has_value());
  const auto sealed = made->seal(place("t", "c", 1), SecretBytes(std::string_view("secret")), system_random());
  REQUIRE(sealed.has_value());
  const auto opened = again->open(place("t", "c", 1), *sealed);
  REQUIRE(opened.has_value());
  CHECK(opened->reveal_chars() == "secret");
}

TEST_CASE("several gateways starting at once agree on one key") {
  const TemporaryFolder folder;
  std::array<std::optional<Bytes>, 6> sealed;
  std::vector<std::thread> threads;
  for (auto& out : sealed) {
    threads.emplace_back([&out, &folder] {
      const auto key = RootKey::load_or_create(folder.path / "root.key", system_random());
      if (key) out = *key->seal(place("t", "c", 1), SecretBytes(std::string_view("x")), system_random());
    });
  }
  for (auto& thread : threads) thread.join();
  const auto key = RootKey::load_or_create(folder.path / "root.key", system_random());
  for (const auto& one : sealed) {
    REQUIRE(one.has_value());
    CHECK(key->open(place("t", "c", 1), *one).has_value());
  }
}

TEST_CASE("a key file that is not as it should be is refused, and left as it is") {
  const std::string good(64, 'a');
  struct Case {
    const char* title;
    std::string text;
    mode_t mode;
    bool works;
  };
  const std::vector<Case> cases = {
      {"good", good + "\n", 0600, true},
      {"read-only", good, 0400, true},
      {"group may read", good, 0640, false},
      {"all may read", good, 0604, false},
      {"empty", "", 0600, false},
      {"short", good.substr(2), 0600, false},
      {"long", good + "aa", 0600, false},
      {"not hexadecimal", std::string(64, 'x'), 0600, false},
      {"two lines", good + "\n\n", 0600, false},
  };
  for (const Case& c : cases) {
    CAPTURE(c.title);
    const TemporaryFolder folder;
    const auto path = folder.path / "root.key";
    write(path, c.text, c.mode);
    const auto key = RootKey::load_or_create(path, system_random());
    CHECK(key.has_value() == c.works);
    if (!key) CHECK(key.error().code == Errc::FailedPrecondition);
    std::ifstream in(path);
    CHECK(std::string(std::istreambuf_iterator<char>(in), {}) == c.text);
  }
  const TemporaryFolder folder;
  std::filesystem::create_directory(folder.path / "d");
  CHECK_FALSE(RootKey::load_or_create(folder.path / "d", system_random()).has_value());
  write(folder.path / "real", good, 0600);
  std::filesystem::create_symlink(folder.path / "real", folder.path / "link");
  CHECK_FALSE(RootKey::load_or_create(folder.path / "link", system_random()).has_value());
  CHECK_FALSE(RootKey::load_or_create(folder.path / "absent" / "root.key", system_random()).has_value());
}

TEST_CASE("a sealed value opens in its own place alone") {
  const auto key = RootKey::from_bytes(SecretBytes(std::string(32, 'k')));
  const auto other = RootKey::from_bytes(SecretBytes(std::string(32, 'j')));
  const SecretBytes secret(std::string_view("s3cret"));
  const auto sealed = key->seal(place("depot_logins", "secret", 1), secret, system_random());
  REQUIRE(sealed.has_value());
  CHECK(as_chars(*sealed).find("s3cret") == std::string_view::npos);
  CHECK(key->open(place("depot_logins", "secret", 1), *sealed)->reveal_chars() == "s3cret");
  CHECK(key->open(place("depot_logins", "secret", 2), *sealed).error().code == Errc::Crypto);
  CHECK(key->open(place("depot_logins", "other", 1), *sealed).error().code == Errc::Crypto);
  CHECK(key->open(place("identities", "secret", 1), *sealed).error().code == Errc::Crypto);
  CHECK(other->open(place("depot_logins", "secret", 1), *sealed).error().code == Errc::Crypto);
  CHECK(key->seal(place("depot_logins", "secret", 1), secret, system_random()) != *sealed);  // a fresh nonce

  for (std::size_t i = 0; i < sealed->size(); ++i) {
    auto bent = *sealed;
    bent[i] ^= std::byte{1};
    CHECK_FALSE(key->open(place("depot_logins", "secret", 1), bent).has_value());
  }
  for (std::size_t size = 0; size < sealed->size(); ++size) {
    CHECK_FALSE(key->open(place("depot_logins", "secret", 1), ByteView(*sealed).first(size)).has_value());
  }
}

/// A source whose octets are known, so that the page's layout can be checked.
class CountingRandom final : public Random {
 public:
  void fill(std::span<std::byte> out) override {
    for (auto& b : out) b = static_cast<std::byte>(next_++);
  }

 private:
  unsigned next_ = 0;
};

TEST_CASE("the layout and the associated data are those of docs/formats/control-schema.md") {
  std::ifstream in(std::string(BZ_SOURCE_ROOT) + "/docs/formats/control-schema.md");
  const std::string page(std::istreambuf_iterator<char>(in), {});
  const auto start = page.find("```\n62617274");
  REQUIRE(start != std::string::npos);
  auto digits = page.substr(start + 4, page.find("```", start + 4) - start - 4);
  std::erase_if(digits, [](char c) { return c == ' ' || c == '\n'; });
  const auto associated = hex_decode(digits);
  REQUIRE(associated.has_value());

  const auto key = RootKey::from_bytes(SecretBytes(std::string(32, 'k')));
  CountingRandom random;
  const auto id = *Uuid::parse("00000000-0000-4000-8000-000000000001");
  const auto sealed = key->seal({"depot_logins", "secret", id}, SecretBytes(std::string_view("pw")), random);
  REQUIRE(sealed->size() == 1 + 12 + 2 + 16);
  CHECK((*sealed)[0] == std::byte{1});
  CHECK(hex_encode(ByteView(*sealed).subspan(1, 12)) == "000102030405060708090a0b");
  const auto plain = crypto::SealingKey::from_bytes(SecretBytes(std::string(32, 'k')));
  CHECK(plain->open(ByteView(*sealed).subspan(1), *associated)->reveal_chars() == "pw");
}

TEST_CASE("program versions") {
  CHECK(ProgramVersion::parse("0.1") == ProgramVersion{0, 1});
  CHECK(*ProgramVersion::parse("1.12.3") == ProgramVersion{1, 12});
  CHECK(ProgramVersion{0, 10} > ProgramVersion{0, 9});
  for (const char* wrong : {"", "1", "1.", ".1", "a.b", "1.x", "-1.0", "1.2x"})
    CHECK_FALSE(ProgramVersion::parse(wrong).has_value());
}

TEST_CASE("the compiled-in migrations are in order, once each, and this program may live with them") {
  const auto migrations = embedded_migrations();
  REQUIRE(migrations.size() >= 2);
  CHECK(migrations[0].name == "0001_changes");
  for (std::size_t i = 0; i < migrations.size(); ++i) {
    CAPTURE(migrations[i].name);
    if (i > 0) CHECK(migrations[i - 1].number < migrations[i].number);
    const auto needed = needed_program(migrations[i]);
    REQUIRE(needed.has_value());
    CHECK(*needed <= program_version());
  }
}

}  // namespace
}  // namespace bartizan::store
