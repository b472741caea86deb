// Cells under keys of data subjects (docs/formats/subject-tree.md).
#include <set>

#include "bartizan/transform/row_key.hpp"
#include "test_column.hpp"

namespace bartizan::transform {
namespace {

using Tree = std::shared_ptr<const keys::SubjectTree>;

Tree made() { return std::make_shared<const keys::SubjectTree>(keys::SubjectTree::generate(system_random())); }

Tree without(const Tree& tree, const RowDigest& row) {
  const auto id = tree->id_of(row);
  auto next = tree->puncture({&id, 1});
  REQUIRE(next);
  return std::make_shared<const keys::SubjectTree>(std::move(*next));
}

Result<ColumnCipher> make(const CellPlace& place, const Tree& tree, std::vector<std::uint32_t> versions, bool indexed) {
  ColumnKeySet set;
  for (const auto id : versions) {
    auto derived = keys::derive_column_keys(test::root_of(place.tenant, id, keys::KeyPurpose::Data, 1), place.column);
    REQUIRE(derived);
    set.readable.push_back(std::move(*derived));
    set.active = keys::KeyId(id);
  }
  auto index = keys::derive_index_key(test::root_of(place.tenant, 2, keys::KeyPurpose::Index, 9), place.column);
  if (indexed) set.index.push_back(std::move(*index));
  set.subjects = tree;
  return ColumnCipher::make(place, std::move(set));
}

constexpr CellPlace place_of(const Uuid& column = test::kColumn) {
  return {test::kTenant, column, 7, ValueType::Text, true, true};
}

ColumnCipher cipher_of(const Tree& tree, std::vector<std::uint32_t> versions = {5}, bool indexed = true) {
  auto cipher = make(place_of(), tree, std::move(versions), indexed);
  REQUIRE(cipher);
  return std::move(*cipher);
}

RowDigest row_of(std::int64_t number) {
  const auto text = std::to_string(number);
  const RowKeyField field{.type = ValueType::Int8, .field = as_bytes(text)};
  return *row_digest_of({&field, 1});
}

TEST_CASE("a cell opens for its own subject, and for no other tree, version or column") {
  const auto tree = made();
  auto cipher = cipher_of(tree, {5, 6});
  const auto ada = row_of(1), bob = row_of(2);
  const auto cell = test::seal(cipher, as_bytes("a value"), &ada);
  CHECK(as_chars(*test::open(cipher, cell, &ada)) == "a value");
  CHECK(test::open(cipher, cell, &bob).error().code == Errc::Crypto);
  CHECK(test::open(cipher, cell).error().code == Errc::FailedPrecondition);
  auto other_tree = cipher_of(made(), {5, 6});
  CHECK(test::open(other_tree, cell, &ada).error().code == Errc::Crypto);
  auto older = cipher_of(tree, {5});
  CHECK(test::open(older, cell, &ada).error().code == Errc::Crypto);
  auto elsewhere = make(place_of(test::kOtherColumn), tree, {5, 6}, true);
  REQUIRE(elsewhere);
  CHECK(test::open(*elsewhere, cell, &ada).error().code == Errc::Crypto);
  // Neither does what is bound without a subject, under the very same version and row.
  auto bound = test::make_cipher({.row_bound = true, .data_ids = {5, 6}});
  CHECK(test::open(bound, cell, &ada).error().code == Errc::Crypto);
  const auto plain = test::seal(bound, as_bytes("a value"), &ada);
  CHECK(test::open(cipher, plain, &ada).error().code == Errc::Crypto);
  // An older version still opens under the newer ones.
  const auto former = test::seal(older, as_bytes("former"), &ada);
  CHECK(as_chars(*test::open(cipher, former, &ada)) == "former");
}

TEST_CASE("a destroyed subject's cells are told apart, nothing is sealed for it, all others go on") {
  const auto whole = made();
  auto before = cipher_of(whole);
  const auto ada = row_of(1), bob = row_of(2);
  const auto hers = test::seal(before, as_bytes("hers"), &ada);
  const auto his = test::seal(before, as_bytes("his"), &bob);
  const auto tree = without(whole, ada);
  auto cipher = cipher_of(tree);
  CHECK(test::open(cipher, hers, &ada).error().code == Errc::NotFound);
  CHECK(as_chars(*test::open(cipher, his, &bob)) == "his");
  // Under a version that is gone meanwhile too, and whatever has become of it; what is no cell at all is none.
  auto rotated = cipher_of(tree, {6});
  CHECK(test::open(rotated, hers, &ada).error().code == Errc::NotFound);
  CHECK(test::open(rotated, his, &bob).error().code == Errc::Crypto);
  CHECK(test::open(cipher, his, &ada).error().code == Errc::NotFound);
  CHECK(test::open(cipher, as_bytes("no cell"), &ada).error().code == Errc::Crypto);
  // His row with her cell is a moved cell, and no destroyed one.
  CHECK(test::open(cipher, hers, &bob).error().code == Errc::Crypto);
  Bytes out;
  BoundedBytes bounded(out, test::kLimit);
  CHECK(cipher.seal(as_bytes("again"), &ada, system_random(), bounded).error().code == Errc::PermissionDenied);
  CHECK(out.empty());
  CHECK(as_chars(*test::open(cipher, test::seal(cipher, as_bytes("more"), &bob), &bob)) == "more");
}

TEST_CASE("cut cells of subjects, and what a reader is shown") {
  const auto whole = made();
  const auto ada = row_of(1);
  auto before = cipher_of(whole);
  const auto cell = test::seal(before, as_bytes("hers"), &ada);
  Bytes cut(cell.begin(), cell.begin() + 8);
  cut.insert(cut.end(), cell.begin() + 24, cell.end());
  Bytes out;
  BoundedBytes opened(out, test::kLimit);
  REQUIRE(before.open_cut(cut, &ada, opened));
  CHECK(as_chars(out) == "hers");
  auto after = cipher_of(without(whole, ada));
  CHECK(after.open_cut(cut, &ada, opened).error().code == Errc::NotFound);
  EncryptedColumn column(std::move(after), kNoTypmod);
  const FixedTimeZone utc{std::chrono::seconds(0)};
  const ValueSettings settings{.time_zone = &utc};
  Bytes seen;
  BoundedBytes shown(seen, test::kLimit);
  const auto done = column.show(cell, &ada, WireFormat::Text, settings, shown);
  REQUIRE(done);
  CHECK_FALSE(*done);
  CHECK(seen.empty());
  CHECK(column.decrypt(cell, &ada, WireFormat::Text, settings, shown).error().code == Errc::NotFound);
  const auto bob = row_of(2);
  CHECK(column.show(cell, &bob, WireFormat::Text, settings, shown).error().code == Errc::Crypto);
}

TEST_CASE("more subjects than are kept in memory") {
  auto cipher = cipher_of(made(), {5}, false);
  std::vector<Bytes> cells;
  for (std::int64_t i = 0; i < 3000; ++i) {
    const auto row = row_of(i);
    cells.push_back(test::seal(cipher, as_bytes(std::to_string(i)), &row));
  }
  for (std::int64_t i = 0; i < 3000; i += 7) {
    const auto row = row_of(i);
    CHECK(as_chars(*test::open(cipher, cells[static_cast<std::size_t>(i)], &row)) == std::to_string(i));
  }
}

TEST_CASE("a place by subject needs its tree, and a row") {
  CHECK_FALSE(make(place_of(), nullptr, {5}, true));
  CellPlace unbound = place_of();
  unbound.row_bound = false;
  CHECK_FALSE(make(unbound, made(), {5}, true));
  CHECK(cipher_of(made()).subjects() != nullptr);
  CHECK(test::make_cipher({}).subjects() == nullptr);
}

}  // namespace
}  // namespace bartizan::transform
