#include "bartizan/transform/cell.hpp"

#include <set>

#include "bartizan/transform/row_digest.hpp"
#include "test_column.hpp"

namespace bartizan::transform {
namespace {

using test::make_cipher;

/// The keys of the example in docs/formats/cell.md.
ColumnCipher example_cipher(const std::map<std::string, Bytes>& example, bool indexed, bool row_bound) {
  const auto owner = keys::KeyringOwner::of_tenant(test::kTenant);
  auto data =
      keys::KeyringRoot::make(keys::KeyId(5), keys::KeyPurpose::Data, owner, SecretBytes(example.at("data_root")));
  auto index =
      keys::KeyringRoot::make(keys::KeyId(2), keys::KeyPurpose::Index, owner, SecretBytes(example.at("index_root")));
  REQUIRE(data);
  REQUIRE(index);
  ColumnKeySet keys;
  keys.readable.push_back(std::move(*keys::derive_column_keys(*data, test::kColumn)));
  keys.active = keys::KeyId(5);
  if (indexed) keys.index.push_back(std::move(*keys::derive_index_key(*index, test::kColumn)));
  auto cipher = ColumnCipher::make({test::kTenant, test::kColumn, 7, ValueType::Text, row_bound}, std::move(keys));
  REQUIRE(cipher);
  return std::move(*cipher);
}

TEST_CASE("the cells of docs/formats/cell.md, byte for byte, both ways") {
  const auto example = test::read_examples("cell.md");
  Bytes key;
  BoundedBytes key_out(key, 8);
  key_out.append_be64(42);
  const RowKeyPart part{23, key};
  const auto row = row_digest({&part, 1});
  REQUIRE(row);
  CHECK(hex_encode(*row) == hex_encode(example.at("row_digest")));

  struct Case {
    const char* name;
    bool indexed;
    bool row_bound;
  };
  for (const auto& [name, indexed, row_bound] :
       {Case{"plain_cell", false, false}, Case{"indexed_cell", true, false}, Case{"bound_cell", true, true}}) {
    CAPTURE(name);
    auto cipher = example_cipher(example, indexed, row_bound);
    test::StuckRandom random(example.at("random"));
    const RowDigest* bound = row_bound ? &*row : nullptr;
    CHECK(hex_encode(test::seal(cipher, example.at("canonical"), bound, random)) == hex_encode(example.at(name)));
    const auto opened = test::open(cipher, example.at(name), bound);
    REQUIRE(opened);
    CHECK(*opened == example.at("canonical"));
  }
}

TEST_CASE("the index form and blind index of docs/formats/cell.md") {
  const auto example = test::read_examples("cell.md");
  Bytes form;
  BoundedBytes out(form, 100);
  REQUIRE(to_index_form(ValueType::Text, example.at("canonical"), out));
  CHECK(form == example.at("index_form"));
  auto cipher = example_cipher(example, true, false);
  const auto index = cipher.blind_index(example.at("canonical"));
  REQUIRE(index);
  CHECK(hex_encode(*index) == hex_encode(ByteView(example.at("indexed_cell")).subspan(8, 16)));
}

TEST_CASE("a cell's parts") {
  const auto example = test::read_examples("cell.md");
  const auto parsed = parse_cell(example.at("bound_cell"));
  REQUIRE(parsed);
  CHECK(parsed->key_id == keys::KeyId(5));
  CHECK(parsed->column_ref == 7);
  CHECK(parsed->row_bound);
  CHECK(parsed->blind_index.size() == 16);
  CHECK(hex_encode(parsed->nonce) == hex_encode(example.at("bound_nonce")));
  CHECK(parsed->sealed.size() == example.at("canonical").size() + 16);
}

TEST_CASE("what is not laid out as a cell") {
  const Bytes cell = test::read_examples("cell.md").at("indexed_cell");
  for (std::size_t size = 0; size < kIndexedCellOverhead; ++size) CHECK_FALSE(parse_cell(ByteView(cell).first(size)));
  CHECK(parse_cell(ByteView(cell).first(kIndexedCellOverhead)));
  for (unsigned second = 0; second < 256; ++second) {
    Bytes changed = cell;
    changed[1] = static_cast<std::byte>(second);
    CHECK(parse_cell(changed).has_value() == (second >= 0x10 && second <= 0x13));
    CHECK(looks_like_cell(changed) == (second >> 4 == 1));
  }
  CHECK_FALSE(looks_like_cell(as_bytes("an ordinary text of more than forty-eight characters, not a cell")));
}

TEST_CASE("sizes, the empty value, and limits of the output") {
  auto plain = make_cipher({.index_ids = {}});
  auto indexed = make_cipher({});
  for (const std::size_t size : {0U, 1U, 16U, 1000U, 100000U}) {
    const Bytes value(size, std::byte{'x'});
    const auto cell = test::seal(plain, value);
    CHECK(cell.size() == size + 48);
    CHECK(test::seal(indexed, value).size() == size + 64);
    const auto opened = test::open(plain, cell);
    REQUIRE(opened);
    CHECK(*opened == value);

    Bytes out;
    BoundedBytes short_cell(out, cell.size() - 1);
    CHECK(plain.seal(value, nullptr, system_random(), short_cell).error().code == Errc::TooLarge);
    CHECK(out.empty());
    if (size == 0) continue;
    BoundedBytes short_value(out, size - 1);
    CHECK(plain.open(cell, nullptr, short_value).error().code == Errc::TooLarge);
    CHECK(out.empty());
  }
}

TEST_CASE("nonces differ although the random source is stuck, unless place and value are the same") {
  test::StuckRandom stuck(Bytes{std::byte{1}});
  auto cipher = make_cipher({.index_ids = {}});
  auto other_column = make_cipher({.column = test::kOtherColumn, .index_ids = {}});
  auto bound = make_cipher({.row_bound = true, .index_ids = {}});
  const RowDigest row_1 = crypto::sha256(as_bytes("1")), row_2 = crypto::sha256(as_bytes("2"));
  std::set<std::string> nonces;
  std::size_t count = 0;
  const auto note = [&](const Bytes& cell) {
    nonces.insert(hex_encode(parse_cell(cell)->nonce));
    ++count;
  };
  for (int i = 0; i < 500; ++i) note(test::seal(cipher, as_bytes(std::to_string(i)), nullptr, stuck));
  note(test::seal(other_column, as_bytes("1"), nullptr, stuck));
  note(test::seal(bound, as_bytes("1"), &row_1, stuck));
  note(test::seal(bound, as_bytes("1"), &row_2, stuck));
  CHECK(nonces.size() == count);
  CHECK(test::seal(cipher, as_bytes("1"), nullptr, stuck) == test::seal(cipher, as_bytes("1"), nullptr, stuck));
  CHECK(test::seal(cipher, as_bytes("1")) != test::seal(cipher, as_bytes("1")));
}

TEST_CASE("rotation: the active version seals, every readable one opens") {
  auto before = make_cipher({.data_ids = {5}});
  auto during = make_cipher({.data_ids = {5, 6}});
  auto after = make_cipher({.data_ids = {6}});
  const Bytes old_cell = test::seal(before, as_bytes("value"));
  const Bytes new_cell = test::seal(during, as_bytes("value"));
  CHECK(parse_cell(new_cell)->key_id == keys::KeyId(6));
  CHECK(test::open(during, old_cell));
  CHECK(test::open(during, new_cell));
  CHECK(test::open(after, new_cell));
  CHECK(test::open(after, old_cell).error().detail == kCellDoesNotOpen);  // its key is destroyed
}

TEST_CASE("blind indexes: equal for equal values of one tenant and domain, under each key in use") {
  auto cipher = make_cipher({.index_ids = {2, 3}});
  auto old_only = make_cipher({.index_ids = {3}});
  auto other_tenant = make_cipher({.tenant = test::kOtherTenant, .index_ids = {2, 3}});
  auto other_column = make_cipher({.column = test::kOtherColumn, .index_ids = {2, 3}});
  const auto value = as_bytes("ada@example.org");
  const auto all = cipher.blind_indexes(value);
  REQUIRE(all);
  REQUIRE(all->size() == 2);
  CHECK((*all)[0] == *cipher.blind_index(value));
  CHECK((*all)[1] == *old_only.blind_index(value));
  CHECK((*all)[0] != (*all)[1]);
  CHECK(ByteView(test::seal(cipher, value)).subspan(8, 16).size() == 16);
  CHECK(hex_encode(ByteView(test::seal(cipher, value)).subspan(8, 16)) == hex_encode((*all)[0]));
  for (auto* other : {&other_tenant, &other_column}) CHECK(*other->blind_index(value) != (*all)[0]);
  CHECK(*cipher.blind_index(as_bytes("bob@example.org")) != (*all)[0]);
  auto plain = make_cipher({.index_ids = {}});
  CHECK(plain.blind_index(value).error().code == Errc::FailedPrecondition);
}

TEST_CASE("keys that are not well-formed, and what a cipher is not for") {
  const auto keys_of = [](std::vector<std::uint32_t> ids, std::uint32_t active, std::size_t size = 32) {
    ColumnKeySet set;
    for (const auto id : ids) set.readable.push_back({keys::KeyId(id), SecretBytes(size), SecretBytes(size)});
    set.active = keys::KeyId(active);
    return set;
  };
  const CellPlace place{test::kTenant, test::kColumn, 7, ValueType::Text, false};
  CHECK(ColumnCipher::make(place, keys_of({5}, 5)));
  CHECK(ColumnCipher::make(place, keys_of({5}, 0)));
  CHECK_FALSE(ColumnCipher::make(place, keys_of({5}, 6)));
  CHECK_FALSE(ColumnCipher::make(place, keys_of({5, 5}, 5)));
  CHECK_FALSE(ColumnCipher::make(place, keys_of({0}, 0)));
  CHECK_FALSE(ColumnCipher::make(place, keys_of({5}, 5, 31)));
  CHECK_FALSE(ColumnCipher::make({test::kTenant, {}, 7, ValueType::Text, false}, keys_of({5}, 5)));

  auto reader = make_cipher({.read_only = true});
  auto bound = make_cipher({.row_bound = true});
  auto unbound = make_cipher({});
  const RowDigest row{};
  Bytes out;
  BoundedBytes sink(out, 1000);
  const auto refused = [&](const Result<void>& done) {
    REQUIRE_FALSE(done);
    CHECK(done.error().code == Errc::FailedPrecondition);
    CHECK(out.empty());
  };
  refused(reader.seal({}, nullptr, system_random(), sink));
  refused(bound.seal({}, nullptr, system_random(), sink));
  refused(unbound.seal({}, &row, system_random(), sink));
  refused(bound.open({}, nullptr, sink));
  refused(unbound.open({}, &row, sink));
}

TEST_CASE("a cell without its index opens to who has the index key, and to nobody else") {
  auto cipher = make_cipher({.index_ids = {2, 3}});
  auto older = make_cipher({.index_ids = {3}});
  auto without = make_cipher({.index_ids = {}});
  const auto text = as_bytes(std::string_view("ada@example.org"));
  const auto cut = [](Bytes cell) {
    cell.erase(cell.begin() + kCellHeaderBytes, cell.begin() + kCellHeaderBytes + kBlindIndexBytes);
    return cell;
  };
  const auto opened = [](ColumnCipher& by, const Bytes& cell) -> std::string {
    Bytes room;
    BoundedBytes out(room, test::kLimit);
    const auto done = by.open_cut(cell, nullptr, out);
    if (!done) {
      CHECK(done.error().detail == kCellDoesNotOpen);
      CHECK(room.empty());
      return "refused";
    }
    return std::string(as_chars(room));
  };
  const auto whole = test::seal(cipher, text);
  CHECK(opened(cipher, cut(whole)) == "ada@example.org");
  CHECK(opened(cipher, cut(test::seal(older, text))) == "ada@example.org");  // under the other index key
  CHECK(opened(cipher, cut(test::seal(cipher, {}))).empty());
  CHECK(opened(without, test::seal(without, text)) == "ada@example.org");  // never had one
  CHECK(opened(cipher, whole) == "refused");                         // not cut
  CHECK(opened(without, cut(whole)) == "refused");
  CHECK(opened(older, cut(whole)) == "refused");
  auto other = make_cipher({.column = test::kOtherColumn});
  CHECK(opened(other, cut(whole)) == "refused");
  auto tenant = make_cipher({.tenant = test::kOtherTenant});
  CHECK(opened(tenant, cut(whole)) == "refused");
  auto bytes = cut(whole);
  for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    bytes[bit / 8] ^= static_cast<std::byte>(1U << (bit % 8));
    CHECK_MESSAGE(opened(cipher, bytes) == "refused", bit);
    bytes[bit / 8] ^= static_cast<std::byte>(1U << (bit % 8));
  }
  for (std::size_t size = 0; size < bytes.size(); ++size)
    CHECK(opened(cipher, Bytes(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size))) == "refused");
}

TEST_CASE("a cell without its index opens in its own row alone where it is bound") {
  auto cipher = make_cipher({.row_bound = true});
  const RowDigest row = crypto::sha256(as_bytes("row")), other = crypto::sha256(as_bytes("other row"));
  Bytes cell = test::seal(cipher, as_bytes(std::string_view("ada@example.org")), &row);
  cell.erase(cell.begin() + kCellHeaderBytes, cell.begin() + kCellHeaderBytes + kBlindIndexBytes);
  const auto code = [&](ColumnCipher& by, const RowDigest* in) {
    Bytes room;
    BoundedBytes out(room, test::kLimit);
    const auto done = by.open_cut(cell, in, out);
    return done ? Errc::Internal : done.error().code;
  };
  auto unbound = make_cipher({});
  CHECK(code(cipher, &row) == Errc::Internal);
  CHECK(code(cipher, &other) == Errc::Crypto);
  CHECK(code(unbound, nullptr) == Errc::Crypto);
  CHECK(code(cipher, nullptr) == Errc::FailedPrecondition);
  CHECK(code(unbound, &row) == Errc::FailedPrecondition);
}

TEST_CASE("row digests tell keys apart") {
  const auto digest = [](std::vector<RowKeyPart> parts) { return hex_encode(*row_digest(parts)); };
  const std::set<std::string> all{digest({{23, as_bytes("a")}}),
                                  digest({{20, as_bytes("a")}}),
                                  digest({{23, as_bytes("b")}}),
                                  digest({{23, as_bytes("a")}, {23, as_bytes("b")}}),
                                  digest({{23, as_bytes("ab")}}),
                                  digest({{23, as_bytes("b")}, {23, as_bytes("a")}}),
                                  digest({{23, as_bytes("")}, {23, as_bytes("ab")}})};
  CHECK(all.size() == 7);
  CHECK_FALSE(row_digest({}));
}

}  // namespace
}  // namespace bartizan::transform
