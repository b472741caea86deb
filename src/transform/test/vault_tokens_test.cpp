#include "bartizan/transform/vault_tokens.hpp"

#include <set>
#include <string>
#include <vector>

#include "bartizan/transform/encrypted_column.hpp"
#include "test_column.hpp"

namespace bartizan::transform {
namespace {

const Uuid kVaulted = *Uuid::parse("c01d0000-0000-4000-8000-00000000e3a2");

/// Counts up: what must not repeat differs, and each run is the same.
class Counting final : public Random {
 public:
  void fill(std::span<std::byte> out) override {
    for (std::byte& one : out) {
      state_ = state_ * 6364136223846793005U + 1442695040888963407U;
      one = static_cast<std::byte>(state_ >> 56U);
    }
  }

 private:
  std::uint64_t state_ = 1;
};

std::vector<std::string> lines_of(EncryptedColumn& column, std::string_view value) {
  Counting random;
  Bytes made;
  BoundedBytes out(made, std::size_t{1} << 20U);
  const auto done = column.encrypt(WireFormat::Text, as_bytes(value), {}, nullptr, random, out);
  if (!done) return {"error " + done.error().detail};
  std::vector<std::string> lines(1);
  for (const char c : as_chars(made)) {
    if (c == '\n')
      lines.emplace_back();
    else
      lines.back().push_back(c);
  }
  return lines;
}

EncryptedColumn vaulted(const TokenShape& shape) {
  auto made = VaultTokens::make(shape);
  REQUIRE(made);
  return {test::make_cipher({.column = kVaulted}), kNoTypmod, std::move(*made)};
}

/// The column of the examples in docs/formats/cell.md and vault.md.
EncryptedColumn example_column(const std::map<std::string, Bytes>& cells) {
  const auto owner = keys::KeyringOwner::of_tenant(test::kTenant);
  auto data =
      keys::KeyringRoot::make(keys::KeyId(5), keys::KeyPurpose::Data, owner, SecretBytes(cells.at("data_root")));
  auto index =
      keys::KeyringRoot::make(keys::KeyId(2), keys::KeyPurpose::Index, owner, SecretBytes(cells.at("index_root")));
  REQUIRE(data);
  REQUIRE(index);
  ColumnKeySet keys;
  keys.readable.push_back(std::move(*keys::derive_column_keys(*data, test::kColumn)));
  keys.active = keys::KeyId(5);
  keys.index.push_back(std::move(*keys::derive_index_key(*index, test::kColumn)));
  auto cipher = ColumnCipher::make({test::kTenant, test::kColumn, 7, ValueType::Text, false}, std::move(keys));
  auto vault = VaultTokens::make({"lower", "@.", true});
  REQUIRE(cipher);
  REQUIRE(vault);
  return {std::move(*cipher), kNoTypmod, std::move(*vault)};
}

TEST_CASE("the entry of docs/formats/vault.md, both ways") {
  const auto cells = test::read_examples("cell.md");
  const auto example = test::read_examples("vault.md");
  auto column = example_column(cells);
  test::StuckRandom random(cells.at("random"));
  Bytes made;
  BoundedBytes out(made, 10'000);
  REQUIRE(column.encrypt(WireFormat::Text, cells.at("canonical"), {}, nullptr, random, out));
  const std::string entry(as_chars(example.at("entry")));
  CHECK(as_chars(made).substr(0, entry.size()) == entry);
  Bytes index;
  BoundedBytes index_out(index, 100);
  REQUIRE(column.compared_token(WireFormat::Text, cells.at("canonical"), {}, index_out));
  CHECK(index == example.at("looked_for"));
  Bytes value;
  BoundedBytes value_out(value, 100);
  REQUIRE(column.decrypt(as_bytes(entry.substr(0, entry.find('\n'))), nullptr, WireFormat::Text, {}, value_out));
  CHECK(value == cells.at("canonical"));
}

TEST_CASE("an entry is a cell that opens, and tokens of the value's shape") {
  auto column = vaulted({"digits", " ", true});
  const auto lines = lines_of(column, "4111 1111 1111");
  REQUIRE(lines.size() == 1 + kOfferedTokens);
  for (std::size_t i = 1; i < lines.size(); ++i) {
    REQUIRE(lines[i].size() == 14);
    for (std::size_t k = 0; k < lines[i].size(); ++k)
      CHECK((k == 4 || k == 9 ? lines[i][k] == ' ' : lines[i][k] >= '0' && lines[i][k] <= '9'));
  }
  CHECK(std::set<std::string>(lines.begin() + 1, lines.end()).size() == kOfferedTokens);
  Bytes value;
  BoundedBytes out(value, 100);
  REQUIRE(column.decrypt(as_bytes(lines[0]), nullptr, WireFormat::Text, {}, out));
  CHECK(as_chars(value) == "4111 1111 1111");
}

TEST_CASE("a value is found by the blind index in its cell") {
  auto column = vaulted({"digits", "", true});
  Bytes looked_for;
  BoundedBytes out(looked_for, 100);
  REQUIRE(column.compared_token(WireFormat::Text, as_bytes("123456"), {}, out));
  CHECK(as_chars(looked_for) == lines_of(column, "123456")[0].substr(16, 32));
}

TEST_CASE("of a small domain each token is offered once") {
  auto column = vaulted({"digits", "-", true});
  const auto lines = lines_of(column, "4-2");
  CHECK(lines.size() == 101);
  CHECK(std::set<std::string>(lines.begin() + 1, lines.end()).size() == 100);
}

TEST_CASE("what can't have a token is refused, and what is no entry does not open") {
  auto column = vaulted({"digits", "-", true});
  CHECK(lines_of(column, "12a")[0].starts_with("error a value of the column has characters of the alphabet digits"));
  CHECK(lines_of(column, "--")[0].starts_with("error a value of the column has a character of the alphabet at least"));
  CHECK(lines_of(column, "")[0].starts_with("error"));
  auto entry = lines_of(column, "12345678")[0];
  entry[40] = entry[40] == '0' ? '1' : '0';
  for (const auto& wrong : {std::string(), std::string("12345678"), std::string("zz"), entry}) {
    Bytes value;
    BoundedBytes out(value, 100);
    const auto done = column.decrypt(as_bytes(wrong), nullptr, WireFormat::Text, {}, out);
    REQUIRE_FALSE(done);
    CHECK(done.error().code == Errc::Crypto);
  }
}

}  // namespace
}  // namespace bartizan::transform
