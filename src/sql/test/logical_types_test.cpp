#include "bartizan/sql/logical_types.hpp"

#include <doctest/doctest.h>

#include "encryption_fixture.hpp"

namespace bartizan::sql::testing {

namespace {

LogicalColumn logical(std::string table, std::string column, Oid type, std::string index = {}) {
  return {"public", std::move(table), std::move(column), type, -1, std::move(index)};
}

/// The clinic's, with the type of plain text columns, as a catalog that was read has it.
std::shared_ptr<const Catalog> whole_catalog() {
  auto contents = clinic_catalog()->contents();
  contents.types.push_back(type(25, "pg_catalog", "text", TypeKind::Base));
  auto made = Catalog::make(std::move(contents));
  REQUIRE(made);
  return *made;
}

}  // namespace

TEST_CASE("a logical catalog has the types that applications see, and says where cells are") {
  const auto catalog = whole_catalog();
  auto made = with_logical_types(catalog, {logical("patients", "score", 23), logical("visits", "note", 3802),
                                           logical("cards", "pan", 25, "pan_bz"), logical("towns", "name", 23),
                                           logical("gone", "x", 25), logical("patients", "gone", 25)});
  REQUIRE(made);
  const auto type_of = [&](std::string_view table, std::string_view column) {
    const auto* const found = made->catalog->relation("public", table)->column(column);
    return found == nullptr ? Oid{0} : found->type;
  };
  CHECK(type_of("patients", "score") == 23);
  CHECK(type_of("patients", "ssn") == kCell);  // not given
  CHECK(type_of("visits", "note") == 3802);
  CHECK(type_of("visits_1", "note") == 3802);  // a partition's
  CHECK(type_of("cards", "pan") == 25);
  CHECK(type_of("cards", "pan_bz") == 0);  // hidden
  CHECK(type_of("cards", "holder") == 25);
  CHECK(type_of("towns", "name") == 25);  // in plain: left as it is
  CHECK(made->catalog->type(Oid{3802}) != nullptr);
  CHECK(made->catalog->type(Oid{3802})->name == "jsonb");
  CHECK(made->holds_cells(200, 5));
  CHECK(made->holds_cells(203, 4));
  CHECK_FALSE(made->holds_cells(200, 3));
  CHECK_FALSE(made->holds_cells(211, 2));
}

TEST_CASE("a catalog without encrypted columns is itself, and a type that can't be encrypted is an error") {
  const auto catalog = clinic_catalog();
  auto same = with_logical_types(catalog, {});
  REQUIRE(same);
  CHECK(same->catalog == catalog);
  auto wrong = with_logical_types(catalog, {logical("patients", "score", 600)});
  REQUIRE_FALSE(wrong);
  CHECK(wrong.error().code == Errc::Malformed);
}

}  // namespace bartizan::sql::testing
