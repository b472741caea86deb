#include "bartizan/cells/class_columns.hpp"

#include <doctest/doctest.h>

namespace bartizan::cells {

namespace {

constexpr sql::Oid kPeople = 16400;
constexpr sql::Oid kDomain = 16399;

/// stored: with a column of email's indexes, which classes' catalogs have not.
std::shared_ptr<const sql::Catalog> catalog(sql::Oid type, bool stored = false) {
  sql::CatalogContents contents;
  contents.epoch = 1;
  contents.server_version = 150000;
  contents.schemas = {{2200, "public"}};
  sql::CatalogRelation people;
  people.oid = kPeople;
  people.schema = "public";
  people.name = "people";
  for (const auto* name : {"id", "email", "ssn", "pin"}) {
    sql::CatalogColumn column;
    column.name = name;
    column.attnum = static_cast<sql::AttrNumber>(people.columns.size() + 1);
    column.type = people.columns.empty() ? 23 : type;
    people.columns.push_back(std::move(column));
  }
  if (stored) {
    sql::CatalogColumn index;
    index.name = "email_bz";
    index.attnum = 9;
    index.type = 17;
    index.generated = sql::Generated::Stored;
    people.columns.push_back(std::move(index));
  }
  contents.relations.push_back(std::move(people));
  sql::CatalogType domain;
  domain.oid = kDomain;
  domain.schema = "bartizan_cells";
  domain.name = "cell";
  domain.kind = sql::TypeKind::Domain;
  domain.base = 17;
  contents.types.push_back(std::move(domain));
  auto made = sql::Catalog::make(std::move(contents));
  REQUIRE(made);
  return *made;
}

/// email bare, ssn masked, pin not readable but written.
ClassFacts clerk() {
  sql::ViewMap views;
  sql::ClassView view;
  view.view = {"bartizan_views", "v_1"};
  view.write_view = {"bartizan_views", "v_12"};
  view.verbs = sql::Verbs::All;
  view.columns = {{1, true, true, false}, {2, true, true, false}, {3, true, true, true}, {4, false, true, false}};
  views.relations.emplace(kPeople, std::move(view));
  views.catalog_views.emplace("pg_catalog.pg_class",
                              sql::CatalogView{{"bartizan_views", "cat_pg_class"}, {"oid", "relname"}});
  return {{policy::ClassId(7), 1}, catalog(25), std::make_shared<const sql::ViewMap>(std::move(views))};
}

std::shared_ptr<const sql::EncryptedColumns> depot(bool stored = false) {
  std::vector<sql::EncryptedColumnSpec> specs(3);
  for (std::size_t i = 0; i < specs.size(); ++i) {
    specs[i].column = {kPeople, static_cast<sql::AttrNumber>(i + 2)};
    specs[i].number = static_cast<std::uint32_t>(i + 1);
    specs[i].type = {25, -1, -1};
    specs[i].searchable = true;
    specs[i].join_domain = i + 1;
  }
  if (stored) specs[0].index_column = 9;
  auto made = sql::EncryptedColumns::make(catalog(kDomain, stored), specs);
  REQUIRE(made);
  return *made;
}

std::string planned(const ClassColumns& columns, std::string_view text) {
  sql::EncryptionRequest request;
  request.text = text;
  request.columns = columns.columns.get();
  const auto outcome = sql::plan_encryption(request);
  if (std::holds_alternative<sql::Untouched>(outcome)) return "as it is";
  if (const auto* refused = std::get_if<sql::Refused>(&outcome)) return columns.shown(refused->message);
  const auto& statement = std::get<sql::EncryptionPlan>(outcome).statements[0];
  std::string out = statement.server_text;
  for (const auto& column : statement.columns)
    out += " | " + std::to_string(column.index) + "=" + std::to_string(column.column);
  return out;
}

}  // namespace

TEST_CASE("what a class sees bare is cells, what it sees masked is not") {
  const auto made = class_columns(*depot(), clerk());
  REQUIRE(made);
  struct Row {
    std::string_view text;
    std::string_view plan;
  };
  const Row rows[] = {
      {"SELECT id, email, ssn FROM bartizan_views.v_1", "SELECT id, email, ssn FROM bartizan_views.v_1 | 1=1"},
      {"SELECT * FROM bartizan_views.v_1 v", "SELECT * FROM bartizan_views.v_1 v | 1=1"},
      {"SELECT id FROM bartizan_views.v_1 WHERE email = $1",
       "SELECT id FROM bartizan_views.v_1 WHERE pg_catalog.substr(email, 9, 16) = $1::pg_catalog.bytea"},
      {"SELECT ssn FROM bartizan_views.v_1 WHERE ssn = $1 ORDER BY ssn", "as it is"},
      {"INSERT INTO bartizan_views.v_12 (id, ssn, pin) VALUES (1, $1, $2)",
       "INSERT INTO bartizan_views.v_12 (id, ssn, pin) VALUES (1, $1::pg_catalog.bytea, $2::pg_catalog.bytea)"},
      {"SELECT c.relname, bartizan_views.format_type(c.oid, 1) FROM bartizan_views.cat_pg_class c", "as it is"},
      {"SELECT id FROM bartizan_views.v_1 ORDER BY email",
       "column \"email\" of \"people\" is encrypted and can't be used in ORDER BY"},
      {"UPDATE bartizan_views.v_12 SET pin = pg_catalog.lower('x')",
       "column \"pin\" of \"people\" is encrypted: a value that the server computes can't be stored in it"},
      {"SELECT pin FROM bartizan_views.v_1", "column \"pin\" does not exist"},
      {"SELECT email FROM public.people", "relation \"people\" does not exist"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.text);
    CHECK(planned(**made, row.text) == row.plan);
  }
}

TEST_CASE("what a class sees by a mask of the value may be selected, and nothing else") {
  auto analyst = clerk();
  auto masks = std::make_shared<policy::CellMasks>();
  masks->masks.emplace(std::pair{kPeople, sql::AttrNumber{3}}, policy::PartialMask{});
  analyst.masks = masks;
  const auto made = class_columns(*depot(), analyst);
  REQUIRE(made);
  REQUIRE((*made)->find_masked(kFirstMasked) != nullptr);
  CHECK((*made)->find_masked(kFirstMasked)->number == 2);
  CHECK((*made)->find_masked(kFirstMasked)->mask == masks->find(kPeople, 3));
  CHECK((*made)->find_masked(kFirstMasked + 1) == nullptr);
  CHECK((*made)->find_masked(2) == nullptr);
  const std::string_view selects[] = {
      "SELECT ssn FROM bartizan_views.v_1",
      "SELECT v.ssn FROM bartizan_views.v_1 v WHERE id = 1",
      "SELECT s FROM (SELECT ssn AS s FROM bartizan_views.v_1) x",
      "WITH w AS (SELECT ssn FROM bartizan_views.v_1) SELECT ssn FROM w",
      "SELECT (SELECT ssn FROM bartizan_views.v_1 LIMIT 1)",
      "SELECT ssn FROM bartizan_views.v_1 UNION ALL SELECT ssn FROM bartizan_views.v_1",
  };
  for (const auto text : selects) {
    CAPTURE(text);
    CHECK(planned(**made, text) == std::string(text) + " | 0=65536");
  }
  CHECK(planned(**made, "COPY (SELECT id, ssn FROM bartizan_views.v_1) TO STDOUT").ends_with("| 1=65536"));
  const std::string_view refused[] = {
      "SELECT id FROM bartizan_views.v_1 WHERE ssn = $1",
      "SELECT id FROM bartizan_views.v_1 WHERE ssn = 'x'",
      "SELECT id FROM bartizan_views.v_1 WHERE ssn <> 'x'",
      "SELECT id FROM bartizan_views.v_1 WHERE ssn IN ('x', 'y')",
      "SELECT id FROM bartizan_views.v_1 WHERE ssn = ANY($1)",
      "SELECT id FROM bartizan_views.v_1 WHERE ssn IS NULL",
      "SELECT id FROM bartizan_views.v_1 WHERE ssn IS NOT DISTINCT FROM 'x'",
      "SELECT id FROM bartizan_views.v_1 WHERE ssn > 'x'",
      "SELECT id FROM bartizan_views.v_1 WHERE ssn LIKE 'x%'",
      "SELECT id FROM bartizan_views.v_1 WHERE ssn IN (SELECT ssn FROM bartizan_views.v_1)",
      "SELECT a.id FROM bartizan_views.v_1 a JOIN bartizan_views.v_1 b ON a.ssn = b.ssn",
      "SELECT a.id FROM bartizan_views.v_1 a JOIN bartizan_views.v_1 b ON a.ssn = b.email",
      "SELECT id FROM bartizan_views.v_1 a JOIN bartizan_views.v_1 b USING (ssn)",
      "SELECT DISTINCT ssn FROM bartizan_views.v_1",
      "SELECT DISTINCT ON (ssn) id FROM bartizan_views.v_1",
      "SELECT ssn FROM bartizan_views.v_1 GROUP BY ssn",
      "SELECT count(*) FROM bartizan_views.v_1 GROUP BY ssn",
      "SELECT count(ssn) FROM bartizan_views.v_1",
      "SELECT count(DISTINCT ssn) FROM bartizan_views.v_1",
      "SELECT pg_catalog.max(ssn) FROM bartizan_views.v_1",
      "SELECT pg_catalog.substr(ssn, 1, 8) FROM bartizan_views.v_1",
      "SELECT ssn::bytea FROM bartizan_views.v_1",
      "SELECT ssn || 'x' FROM bartizan_views.v_1",
      "SELECT COALESCE(ssn, 'x') FROM bartizan_views.v_1",
      "SELECT ROW(ssn) FROM bartizan_views.v_1",
      "SELECT v FROM bartizan_views.v_1 v",
      "SELECT id FROM bartizan_views.v_1 ORDER BY ssn",
      "SELECT ssn FROM bartizan_views.v_1 ORDER BY 1",
      "SELECT pg_catalog.row_number() OVER (PARTITION BY ssn) FROM bartizan_views.v_1",
      "SELECT ssn FROM bartizan_views.v_1 UNION SELECT ssn FROM bartizan_views.v_1",
      "SELECT ssn FROM bartizan_views.v_1 UNION ALL SELECT email FROM bartizan_views.v_1",
      "SELECT ssn FROM bartizan_views.v_1 EXCEPT SELECT ssn FROM bartizan_views.v_1",
      "INSERT INTO bartizan_views.v_12 (ssn) SELECT ssn FROM bartizan_views.v_1",
      "INSERT INTO bartizan_views.v_12 (email) SELECT ssn FROM bartizan_views.v_1",
      "UPDATE bartizan_views.v_12 w SET ssn = v.ssn FROM bartizan_views.v_1 v WHERE v.id = w.id",
      "UPDATE bartizan_views.v_12 SET ssn = (SELECT ssn FROM bartizan_views.v_1 LIMIT 1)",
      "UPDATE bartizan_views.v_1 SET ssn = $1",
      "SELECT CASE WHEN ssn = 'x' THEN 1 END FROM bartizan_views.v_1",
  };
  for (const auto text : refused) {
    CAPTURE(text);
    const auto said = planned(**made, text);
    const bool refuses =
        said.find("is encrypted") != std::string::npos || said.find("under different keys") != std::string::npos;
    CHECK_MESSAGE((said.starts_with("column \"") && refuses), said);
  }
}

TEST_CASE("what a class sees bare is compared by its stored index, which no star gives") {
  const auto made = class_columns(*depot(true), clerk());
  REQUIRE(made);
  struct Row {
    std::string_view text;
    std::string_view plan;
  };
  const Row rows[] = {
      {"SELECT id FROM bartizan_views.v_1 WHERE email = $1",
       "SELECT id FROM bartizan_views.v_1 WHERE v_1.email_bz = $1::pg_catalog.bytea"},
      {"SELECT p.id FROM bartizan_views.v_1 p WHERE p.email IN ($1, $2)",
       "SELECT p.id FROM bartizan_views.v_1 p WHERE p.email_bz IN ($1::pg_catalog.bytea, $2::pg_catalog.bytea)"},
      {"SELECT * FROM bartizan_views.v_1 v", "SELECT v.id, v.email, v.ssn FROM bartizan_views.v_1 v | 1=1"},
      {"SELECT v.* FROM bartizan_views.v_1 v", "SELECT v.id, v.email, v.ssn FROM bartizan_views.v_1 v | 1=1"},
      {"SELECT email_bz FROM bartizan_views.v_1", "column \"email_bz\" does not exist"},
      {"SELECT v.email_bz FROM bartizan_views.v_1 v", "column v.email_bz does not exist"},
      {"INSERT INTO bartizan_views.v_12 (id, email) VALUES (1, $1) ON CONFLICT (email) DO NOTHING",
       "INSERT INTO bartizan_views.v_12 (id, email) VALUES (1, $1::pg_catalog.bytea) ON CONFLICT (email_bz) DO NOTHING"},
      {"SELECT v FROM bartizan_views.v_1 v", "column \"email\" of \"people\" is encrypted and can't be used in a row"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.text);
    CHECK(planned(**made, row.text) == row.plan);
  }
  auto analyst = clerk();
  auto views = *analyst.views;
  views.relations.at(kPeople).columns[1].masked = true;
  analyst.views = std::make_shared<const sql::ViewMap>(std::move(views));
  const auto masked = class_columns(*depot(true), analyst);
  REQUIRE(masked);
  const auto* const view = (*masked)->columns->catalog().relation("bartizan_views", "v_1");
  REQUIRE(view != nullptr);
  CHECK(view->column("email_bz") == nullptr);
}

TEST_CASE("a class without cells has all its statements left alone") {
  auto analyst = clerk();
  auto views = *analyst.views;
  for (auto& column : views.relations.at(kPeople).columns) column.masked = true;
  views.relations.at(kPeople).write_view = {};
  analyst.views = std::make_shared<const sql::ViewMap>(std::move(views));
  const auto made = class_columns(*depot(), analyst);
  REQUIRE(made);
  CHECK((*made)->columns->empty());
  CHECK(planned(**made, "SELECT * FROM bartizan_views.v_1 WHERE email > 'a' ORDER BY ssn") == "as it is");
}

TEST_CASE("a view of what the catalog has not is an error") {
  auto facts = clerk();
  auto views = *facts.views;
  views.relations.emplace(1, sql::ClassView{});
  facts.views = std::make_shared<const sql::ViewMap>(std::move(views));
  CHECK_FALSE(class_columns(*depot(), facts));
}

}  // namespace bartizan::cells
