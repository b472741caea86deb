#include "wall_class_catalog.hpp"

#include <doctest/doctest.h>

#include <functional>
#include <string>

namespace bartizan::control {
namespace {

sql::CatalogRelation relation(sql::Oid oid, std::string schema, std::string name) {
  sql::CatalogRelation out;
  out.oid = oid;
  out.schema = std::move(schema);
  out.name = std::move(name);
  out.row_type = oid + 1;
  sql::CatalogColumn id;
  id.name = "id";
  id.attnum = 1;
  id.type = 23;
  out.columns.push_back(id);
  return out;
}

sql::CatalogType type(sql::Oid oid, std::string name, sql::Oid row_of = 0, sql::Oid element = 0) {
  sql::CatalogType out;
  out.oid = oid;
  out.schema = "public";
  out.name = std::move(name);
  out.relation = row_of;
  out.element = element;
  return out;
}

sql::CatalogFunction function(sql::Oid oid, std::string name, std::vector<sql::Oid> types) {
  sql::CatalogFunction out;
  out.oid = oid;
  out.schema = "public";
  out.name = std::move(name);
  out.argument_types = std::move(types);
  return out;
}

/// `orders`, which the class has, and `others`, which it has not.
sql::CatalogContents contents() {
  sql::CatalogContents out;
  out.server_version = 150004;
  out.database = "depot";
  out.relations = {relation(100, "public", "orders"), relation(200, "public", "others")};
  out.types = {type(23, "int4"),         type(101, "orders", 100),     type(102, "_orders", 0, 101),
               type(201, "others", 200), type(202, "_others", 0, 201), type(300, "mood")};
  out.functions = {function(500, "initials", {25})};
  return out;
}

struct Change {
  std::string what;
  bool same;
  std::function<void(sql::CatalogContents&)> make;
};

}  // namespace

TEST_SUITE("wall_class_catalog") {
  TEST_CASE("a class is another one to its sessions when what it has is") {
    sql::ViewMap views;
    views.relations.emplace(100, sql::ClassView{});
    views.functions.insert(500);
    const Change changes[] = {
        {"a function came", true, [](auto& c) { c.functions.push_back(function(502, "others", {25})); }},
        {"another function of a reviewed one's name came", false,
         [](auto& c) { c.functions.push_back(function(502, "initials", {19})); }},
        {"a reviewed function is another", false, [](auto& c) { c.functions[0].security_definer = true; }},
        {"a reviewed function went", false, [](auto& c) { c.functions.clear(); }},
        {"nothing", true, [](auto&) {}},
        {"a table came", true, [](auto& c) { c.relations.push_back(relation(400, "public", "fresh")); }},
        {"with its types", true, [](auto& c) { c.types.push_back(type(401, "fresh", 400)); }},
        {"another's table went", true,
         [](auto& c) {
           c.relations.pop_back();
           std::erase_if(c.types, [](const auto& one) { return one.oid == 201 || one.oid == 202; });
         }},
        {"another's table has another column", true, [](auto& c) { c.relations[1].columns[0].name = "key"; }},
        {"the wall's own row-level security", true, [](auto& c) { c.relations[0].row_security = true; }},
        {"a key came", true, [](auto& c) { c.relations[0].keys.push_back({}); }},
        {"a child came", true, [](auto& c) { c.relations[0].has_children = true; }},
        {"a type came", true, [](auto& c) { c.types.push_back(type(500, "more")); }},
        {"its column is of another type", false, [](auto& c) { c.relations[0].columns[0].type = 20; }},
        {"its column has another name", false, [](auto& c) { c.relations[0].columns[0].name = "key"; }},
        {"its table has another name", false, [](auto& c) { c.relations[0].name = "sales"; }},
        {"its table is another one", false, [](auto& c) { c.relations[0].oid = 500; }},
        {"its table has triggers", false, [](auto& c) { c.relations[0].has_user_triggers = true; }},
        {"its table has rules", false, [](auto& c) { c.relations[0].has_rules = true; }},
        {"one of its table's name came", false, [](auto& c) { c.relations.push_back(relation(400, "app", "orders")); }},
        {"another's took its table's name", false,
         [](auto& c) {
           c.relations[1].schema = "app";
           c.relations[1].name = "orders";
         }},
        {"a type went", true, [](auto& c) { c.types.pop_back(); }},
        {"its column's type went", false, [](auto& c) { c.types.erase(c.types.begin()); }},
        {"a type has another name", false, [](auto& c) { c.types.back().name = "moods"; }},
        {"the server is another one", false, [](auto& c) { c.server_version = 160000; }},
    };
    const auto before = sql::Catalog::make(contents());
    REQUIRE(before);
    for (const auto& change : changes) {
      CAPTURE(change.what);
      auto next = contents();
      change.make(next);
      const auto now = sql::Catalog::make(std::move(next));
      REQUIRE(now);
      CHECK(same_for_class(**before, **now, views) == change.same);
    }
  }

  TEST_CASE("a key that its table had is looked for") {
    sql::ViewMap views;
    views.relations.emplace(100, sql::ClassView{});
    auto with_key = contents();
    with_key.relations[0].keys.push_back({});
    const auto before = sql::Catalog::make(std::move(with_key));
    const auto now = sql::Catalog::make(contents());
    REQUIRE((before && now));
    CHECK_FALSE(same_for_class(**before, **now, views));
  }
}

}  // namespace bartizan::control
