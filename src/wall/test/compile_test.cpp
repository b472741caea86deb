#include "bartizan/wall/compile.hpp"

#include <doctest/doctest.h>

#include <algorithm>

#include "bartizan/wall/base_objects.hpp"

namespace bartizan::wall {
namespace {

using policy::Verb;

constexpr sql::Oid kText = 25;
constexpr sql::Oid kInt4 = 23;
constexpr sql::Oid kTable = 1000;

sql::CatalogContents contents() {
  sql::CatalogContents out;
  out.schemas.push_back({900, "s"});
  out.types.push_back({kText, "pg_catalog", "text"});
  out.types.push_back({kInt4, "pg_catalog", "int4"});
  sql::CatalogRelation table;
  table.oid = kTable;
  table.schema = "s";
  table.name = "t";
  const auto column = [](std::string name, sql::AttrNumber number, sql::Oid type) {
    sql::CatalogColumn made;
    made.name = std::move(name);
    made.attnum = number;
    made.type = type;
    return made;
  };
  table.columns = {column("id", 1, kInt4), column("tenant", 2, kText), column("ssn", 4, kText)};
  table.columns[0].default_expression = "nextval('s.\"Odd seq\"'::regclass)";
  out.relations.push_back(table);
  sql::CatalogRelation sequence;
  sequence.oid = 1001;
  sequence.schema = "s";
  sequence.name = "Odd seq";
  sequence.kind = sql::RelKind::Sequence;
  out.relations.push_back(sequence);
  return out;
}

std::shared_ptr<const sql::Catalog> catalog_of(sql::CatalogContents from) {
  auto made = sql::Catalog::make(std::move(from));
  REQUIRE(made);
  return *made;
}

policy::ClassOutcome outcome(bool filtered = true) {
  policy::TableOutcome table;
  table.schema = "s";
  table.name = "t";
  table.verbs = {Verb::Read, Verb::Insert};
  table.columns = {{"id", policy::Clear{}, {}},
                   {"tenant", policy::Clear{}, {Verb::Insert}},
                   {"ssn", policy::Masked{policy::NullMask{}}, {}}};
  if (filtered) table.filters.push_back({"tenant = subject.tenant", {{9, 14, "tenant"}}});
  policy::ClassOutcome out;
  out.depot = "d";
  out.tables.push_back(std::move(table));
  out.context.push_back({"tenant", policy::AttributeType::Text});
  return out;
}

const Names kNames = Names::for_depot("d");

Result<CompiledClass> compiled(const policy::ClassOutcome& wanted, sql::CatalogContents from = contents(),
                               std::set<sql::Oid> own = {}) {
  const auto catalog = catalog_of(std::move(from));
  return compile_class({&kNames, catalog.get(), std::move(own)}, wanted);
}

const Object* find(const CompiledClass& in, ObjectKind kind) {
  const auto found = std::ranges::find(in.objects, kind, &Object::kind);
  return found == in.objects.end() ? nullptr : &*found;
}

TEST_CASE("one table, one mask, one filter") {
  const auto made = compiled(outcome());
  REQUIRE(made);
  CHECK(std::ranges::is_sorted(made->objects));
  CHECK(made->role == kNames.class_role(policy::class_id(outcome())));
  const auto* view = find(*made, ObjectKind::View);
  REQUIRE(view != nullptr);
  CHECK(view->create.find("SELECT \"id\", \"tenant\", (NULL)::\"pg_catalog\".\"text\" AS \"ssn\" FROM \"s\".\"t\"") !=
        std::string::npos);
  CHECK(view->create.find("ALTER COLUMN \"id\" SET DEFAULT bartizan.nextval_1001()") != std::string::npos);
  const auto* filter = find(*made, ObjectKind::FilterPolicy);
  REQUIRE(filter != nullptr);
  CHECK(filter->create.find("AS RESTRICTIVE FOR ALL") != std::string::npos);
  CHECK(filter->create.find("tenant = ((SELECT bartizan.subject('tenant')::text)::text)") != std::string::npos);
  CHECK(find(*made, ObjectKind::OpenPolicy)->create.find("TO PUBLIC") != std::string::npos);
  CHECK(find(*made, ObjectKind::RowSecurity) != nullptr);
  const auto* grant = find(*made, ObjectKind::ViewGrant);
  CHECK(grant->create.find("GRANT SELECT, INSERT (\"tenant\") ON") != std::string::npos);
  CHECK(std::ranges::count(made->objects, ObjectKind::BaseGrant, &Object::kind) == 2);
}

TEST_CASE("without a superuser views ask for their filter and are handed over, roles are joined") {
  const auto made = [](const Installer& installer, bool filtered = true) {
    const auto catalog = catalog_of(contents());
    auto class_made = compile_class({&kNames, catalog.get(), {}, nullptr, {}, installer}, outcome(filtered));
    REQUIRE(class_made);
    return std::move(*class_made);
  };
  const auto text = [](const CompiledClass& in, ObjectKind kind) { return find(in, kind)->create; };
  const auto full = made({true, 180000});
  for (const auto& object : full.objects) {
    CHECK(object.create.find("CURRENT_USER") == std::string::npos);
    CHECK(object.create.find("filter_stands") == std::string::npos);
    CHECK(object.create.find("GRANT CREATE") == std::string::npos);
  }
  for (const int version : {140000, 150020, 160000, 180001}) {
    CAPTURE(version);
    const auto managed = made({false, version});
    const std::string options = version >= 160000 ? " WITH INHERIT TRUE, SET TRUE" : "";
    for (const auto kind : {ObjectKind::ClassRole, ObjectKind::ViewOwner}) {
      const auto* role = find(managed, kind);
      const auto create = role->create;
      const auto join = "GRANT " + role->name + " TO CURRENT_USER" + options;
      REQUIRE(create.find(join) != std::string::npos);
      const auto rest = create.substr(create.find(join) + join.size());
      CHECK((rest.empty() || rest.starts_with(";")));
    }
    const auto owner = find(managed, ObjectKind::ViewOwner)->name;
    const auto view = text(managed, ObjectKind::View);
    const auto name = find(managed, ObjectKind::View)->name;
    CHECK(view.find("FROM \"s\".\"t\" WHERE (SELECT bartizan.filter_stands(1000, '" + owner + "', '" + name +
                    "')) WITH LOCAL CHECK OPTION; ") != std::string::npos);
    CHECK(view.ends_with("GRANT CREATE ON SCHEMA bartizan_views TO " + owner + "; ALTER VIEW \"bartizan_views\".\"" +
                         name + "\" OWNER TO " + owner + "; REVOKE CREATE ON SCHEMA bartizan_views FROM " + owner));
    CHECK(text(made({false, version}, false), ObjectKind::View).find("filter_stands") == std::string::npos);
  }
}

TEST_CASE("the base objects without a superuser are the wall's owner's, and no event triggers") {
  const auto full = base_objects_sql(kNames);
  CHECK(full.find("CREATE EVENT TRIGGER") != std::string::npos);
  CHECK(full.find("filter_stands") == std::string::npos);
  CHECK(full.find("SET LOCAL ROLE") == std::string::npos);
  for (const int version : {150000, 160000}) {
    const auto managed = base_objects_sql(kNames, {false, version});
    CHECK(managed.find("EVENT TRIGGER") == std::string::npos);
    CHECK(managed.find("bartizan.filter_stands(") != std::string::npos);
    const auto join = managed.find("GRANT " + kNames.wall_owner() + " TO CURRENT_USER" +
                                   (version >= 160000 ? " WITH INHERIT TRUE, SET TRUE;" : ";"));
    const auto become = managed.find("SET LOCAL ROLE " + kNames.wall_owner());
    REQUIRE(join != std::string::npos);
    REQUIRE(become != std::string::npos);
    CHECK(join < become);
    CHECK(managed.find("CREATE SCHEMA IF NOT EXISTS bartizan_views") < become);
    CHECK(become < managed.find("CREATE TABLE"));
    CHECK(managed.ends_with("RESET ROLE;\n"));
  }
}

TEST_CASE("the view of a class has the stored index of what it sees in clear, behind the rest") {
  sql::LogicalCatalog logical{catalog_of(contents()), {{kTable, {4}}}, {{kTable, {{4, "ssn_bz"}}}}};
  const auto made = [&](policy::Visibility visibility) {
    auto wanted = outcome();
    wanted.tables[0].columns[2].visibility = std::move(visibility);
    auto compiled_class = compile_class({&kNames, logical.catalog.get(), {}, &logical}, wanted);
    REQUIRE(compiled_class);
    return find(*compiled_class, ObjectKind::View)->create;
  };
  CHECK(made(policy::Clear{}).find("\"ssn\", \"ssn_bz\" FROM") != std::string::npos);
  CHECK(made(policy::Masked{policy::HashMask{}}).find("ssn_bz") == std::string::npos);
  CHECK(made(policy::Masked{policy::NullMask{}}).find("ssn_bz") == std::string::npos);
  CHECK(made(policy::Hidden{}).find("ssn_bz") == std::string::npos);
}

TEST_CASE(
    "of columns that hold cells constants compile, and masks of values as cells without their index; no filter names one") {
  const auto with_cells = [](const policy::ClassOutcome& wanted) {
    sql::LogicalCatalog logical{catalog_of(contents()), {{kTable, {4}}}, {}};
    return compile_class({&kNames, logical.catalog.get(), {}, &logical}, wanted);
  };
  const auto masked = [](policy::Mask mask) {
    auto out = outcome();
    out.tables[0].columns[2].visibility = policy::Masked{std::move(mask)};
    return out;
  };
  for (const policy::Mask& mask : {policy::Mask(policy::NullMask{}), policy::Mask(policy::RedactMask{"x"}),
                                   policy::Mask(policy::ConstantMask{"x"})})
    CHECK(with_cells(masked(mask)));
  for (const policy::Mask& mask : {policy::Mask(policy::HashMask{}), policy::Mask(policy::PartialMask{0, 4, "*"}),
                                   policy::Mask(policy::EmailMask{}), policy::Mask(policy::RandPatternMask{"##"})}) {
    CHECK(compiled(masked(mask)));
    const auto made = with_cells(masked(mask));
    REQUIRE(made);
    const auto& view = find(*made, ObjectKind::View)->create;
    CHECK(view.find("(CASE WHEN get_byte(\"ssn\"::bytea, 1) & 1 = 1 THEN substr(\"ssn\"::bytea, 1, 8) || "
                    "substr(\"ssn\"::bytea, 25) ELSE \"ssn\"::bytea END)::bytea AS \"ssn\"") != std::string::npos);
  }
  CHECK(with_cells(masked(policy::RegexReplaceMask{"[0-9]+", "b"})));
  const policy::Mask regex = policy::RegexReplaceMask{"\\w", "b"};
  CHECK(compiled(masked(regex)));
  const auto refused = with_cells(masked(regex));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == Errc::Unsupported);
  CHECK(refused.error().detail.find("column ssn: regex_replace has the escape \\w") != std::string::npos);
  // In clear it is the bare cell.
  auto clear = outcome();
  clear.tables[0].columns[2].visibility = policy::Clear{};
  const auto made = with_cells(clear);
  REQUIRE(made);
  CHECK(find(*made, ObjectKind::View)->create.find("SELECT \"id\", \"tenant\", \"ssn\" FROM") != std::string::npos);
  for (const std::string text :
       {"ssn <> 'x'", "t.SSN IS NULL", "\"ssn\" = 'x'", "id IN (SELECT 1 FROM s.t u WHERE u.ssn = '')",
        "U&\"\\0073sn\" = 'x'", "\"s\"\"sn\" = 'x'", "ssn /* x"}) {
    CAPTURE(text);
    auto filtered = outcome(false);
    filtered.tables[0].filters.push_back({text, {}});
    CHECK_FALSE(with_cells(filtered));
  }
  for (const std::string text : {"tenant <> 'ssn'", "ssn2 = 1", "\"SSN\" = 'x'", "tenant = 'a' -- ssn"}) {
    CAPTURE(text);
    auto filtered = outcome(false);
    filtered.tables[0].filters.push_back({text, {}});
    CHECK(with_cells(filtered));
  }
}

TEST_CASE("equal input is equal output, another outcome other names") {
  CHECK(compiled(outcome())->objects == compiled(outcome())->objects);
  auto other = outcome();
  other.tables[0].columns[2].visibility = policy::Masked{policy::RedactMask{"x"}};
  CHECK(find(*compiled(outcome()), ObjectKind::View)->name != find(*compiled(other), ObjectKind::View)->name);
  auto typed = outcome();
  typed.context[0].type = policy::AttributeType::Bigint;
  CHECK(find(*compiled(outcome()), ObjectKind::ViewOwner)->name != find(*compiled(typed), ObjectKind::ViewOwner)->name);
  auto changed = contents();
  changed.relations[0].columns[2].type = kInt4;
  CHECK(find(*compiled(outcome()), ObjectKind::View)->name !=
        find(*compiled(outcome(), std::move(changed)), ObjectKind::View)->name);
  CHECK(Names::for_depot("d").prefix() != Names::for_depot("e").prefix());
}

TEST_CASE("two classes with one table share its objects") {
  auto second = outcome();
  second.context.push_back({"unused", policy::AttributeType::Text});
  const auto a = compiled(outcome());
  const auto b = compiled(second);
  REQUIRE(b);
  CHECK(a->role != b->role);
  const auto both = merge({*a, *b});
  CHECK(both.size() == a->objects.size() + 3);  // the other role, its grant and what the catalogs show it
}

TEST_CASE("row-level security of the owner's own stays closed for others") {
  const auto made = compiled(outcome(), contents(), {kTable});
  REQUIRE(made);
  CHECK(find(*made, ObjectKind::OpenPolicy)->create.find("TO PUBLIC") == std::string::npos);
  CHECK(find(*made, ObjectKind::RowSecurity) == nullptr);
  const auto unfiltered = compiled(outcome(false), contents(), {kTable});
  CHECK(find(*unfiltered, ObjectKind::OpenPolicy) != nullptr);
  CHECK(find(*compiled(outcome(false)), ObjectKind::OpenPolicy) == nullptr);
}

TEST_CASE("what is for aggregates alone is told to layer 1 with its threshold") {
  auto counted = outcome();
  counted.tables[0].verbs = {Verb::Read};
  for (auto& column : counted.tables[0].columns) column.writes = {};
  counted.tables[0].aggregate_only = policy::AggregateOnly{3, "id"};
  REQUIRE(compiled(counted));
  const auto map = view_map(Names::for_depot("d"), *catalog_of(contents()), counted);
  REQUIRE(map);
  const auto& threshold = map->relations.at(kTable).threshold;
  REQUIRE(threshold);
  CHECK(threshold->k == 3);
  CHECK(threshold->entity == 1);
  CHECK_FALSE(view_map(Names::for_depot("d"), *catalog_of(contents()), outcome())->relations.at(kTable).threshold);
}

TEST_CASE("what can't be compiled is an error") {
  using Change = void (*)(policy::ClassOutcome&, sql::CatalogContents&);
  const std::pair<const char*, Change> cases[] = {
      {"no such table", [](auto& o, auto&) { o.tables[0].name = "u"; }},
      {"a column less", [](auto& o, auto&) { o.tables[0].columns.pop_back(); }},
      {"a column more", [](auto&, auto& c) { c.relations[0].columns.pop_back(); }},
      {"another order", [](auto& o, auto&) { std::swap(o.tables[0].columns[0], o.tables[0].columns[1]); }},
      {"hidden and written", [](auto& o, auto&) { o.tables[0].columns[1].visibility = policy::Hidden{}; }},
      {"aggregates alone, and writes",
       [](auto& o, auto&) { o.tables[0].aggregate_only = policy::AggregateOnly{3, "id"}; }},
      {"aggregates of what can't be read",
       [](auto& o, auto&) {
         o.tables[0].aggregate_only = policy::AggregateOnly{3, "a"};
         o.tables[0].verbs = {policy::Verb::Read};
       }},
      {"no verb", [](auto& o, auto&) { o.tables[0].verbs = {}; }},
      {"a view", [](auto&, auto& c) { c.relations[0].kind = sql::RelKind::View; }},
      {"rules", [](auto&, auto& c) { c.relations[0].has_rules = true; }},
      {"triggers and a write", [](auto&, auto& c) { c.relations[0].has_user_triggers = true; }},
      {"a foreign table and a write", [](auto&, auto& c) { c.relations[0].kind = sql::RelKind::ForeignTable; }},
      {"an attribute that the class has not", [](auto& o, auto&) { o.tables[0].filters[0].slots[0].attribute = "x"; }},
      {"a mask of another type",
       [](auto& o, auto&) { o.tables[0].columns[0].visibility = policy::Masked{policy::EmailMask{}}; }},
      {"an unknown modifier", [](auto&, auto& c) { c.relations[0].columns[2].typmod = 7; }},
      {"an unknown type", [](auto&, auto& c) { c.relations[0].columns[2].type = 99; }},
  };
  for (const auto& [what, change] : cases) {
    CAPTURE(what);
    auto wanted = outcome();
    auto from = contents();
    change(wanted, from);
    CHECK_FALSE(compiled(wanted, std::move(from)));
  }
}

TEST_CASE("triggers and foreign tables may be read") {
  auto wanted = outcome();
  wanted.tables[0].verbs = {Verb::Read};
  wanted.tables[0].columns[1].writes = {};
  auto from = contents();
  from.relations[0].has_user_triggers = true;
  CHECK(compiled(wanted, from));
  from.relations[0].kind = sql::RelKind::ForeignTable;
  const auto foreign = compiled(wanted, from);
  REQUIRE(foreign);
  const auto& text = find(*foreign, ObjectKind::View)->create;
  CHECK(text.find("WITH (security_barrier)") != std::string::npos);
  CHECK(text.find("WHERE (tenant = ") != std::string::npos);
  CHECK(find(*foreign, ObjectKind::FilterPolicy) == nullptr);
}

TEST_CASE("the map for layer 1") {
  auto wanted = outcome();
  wanted.tables[0].columns[2] = {"ssn", policy::WriteOnly{}, {Verb::Insert}};
  const auto catalog = catalog_of(contents());
  const auto map = view_map(kNames, *catalog, wanted);
  REQUIRE(map);
  const auto& view = map->relations.at(kTable);
  CHECK(view.verbs == (sql::Verbs::Select | sql::Verbs::Insert));
  CHECK(view.view.schema == "bartizan_views");
  CHECK(view.view.name.starts_with("v_"));
  CHECK(view.write_view.name.starts_with("w_"));
  REQUIRE(view.columns.size() == 3);
  CHECK(view.columns[2].attnum == 4);
  CHECK_FALSE(view.columns[2].readable);
  CHECK(view.columns[2].writable);
  wanted.tables[0].columns[2] = {"ssn", policy::Hidden{}, {}};
  const auto hidden = view_map(kNames, *catalog, wanted);
  CHECK(hidden->relations.at(kTable).columns.size() == 2);
  CHECK(hidden->relations.at(kTable).write_view.name.empty());
}

}  // namespace
}  // namespace bartizan::wall
