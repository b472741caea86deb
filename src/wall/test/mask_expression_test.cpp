#include "mask_expression.hpp"

#include <doctest/doctest.h>

#include "sequence_default.hpp"
#include "text.hpp"
#include "type_name.hpp"

namespace bartizan::wall {
namespace {

std::shared_ptr<const sql::Catalog> catalog() {
  sql::CatalogContents from;
  const std::pair<sql::Oid, const char*> types[] = {{25, "text"},      {1043, "varchar"},     {1042, "bpchar"},
                                                    {1700, "numeric"}, {1184, "timestamptz"}, {1186, "interval"},
                                                    {23, "int4"},      {1015, "_varchar"}};
  for (const auto& [oid, name] : types) from.types.push_back({oid, "pg_catalog", name});
  auto made = sql::Catalog::make(std::move(from));
  REQUIRE(made);
  return *made;
}

sql::CatalogColumn column(sql::Oid type, std::int32_t typmod = -1, std::string name = "c") {
  sql::CatalogColumn out;
  out.name = std::move(name);
  out.attnum = 1;
  out.type = type;
  out.typmod = typmod;
  return out;
}

TEST_CASE("type names keep their modifiers") {
  const auto types = catalog();
  const struct {
    sql::Oid type;
    std::int32_t typmod;
    const char* wanted;
  } cases[] = {
      {25, -1, "\"pg_catalog\".\"text\""},
      {1043, 44, "\"pg_catalog\".\"varchar\"(40)"},
      {1015, 44, "\"pg_catalog\".\"_varchar\"(40)"},
      {1700, (10 << 16) + 2 + 4, "\"pg_catalog\".\"numeric\"(10,2)"},
      {1700, (3 << 16) + (2048 - 2) + 4, "\"pg_catalog\".\"numeric\"(3,-2)"},
      {1184, 3, "\"pg_catalog\".\"timestamptz\"(3)"},
  };
  for (const auto& [type, typmod, wanted] : cases) {
    CAPTURE(wanted);
    const auto name = type_name(*types, type, typmod);
    REQUIRE(name);
    CHECK(*name == wanted);
  }
  CHECK_FALSE(type_name(*types, 1186, 4));
  CHECK_FALSE(type_name(*types, 77, -1));
}

TEST_CASE("arguments are literals, whatever stands in them") {
  const auto types = catalog();
  const auto redact = mask_expression(*types, column(25), policy::RedactMask{"'); DROP TABLE x; --\\"});
  REQUIRE(redact);
  CHECK(redact->find("E'''); DROP TABLE x; --\\\\'") != std::string::npos);
  const auto odd = mask_expression(*types, column(25, -1, "a\"b"), policy::EmailMask{1, true});
  REQUIRE(odd);
  CHECK(odd->find("(\"a\"\"b\")::text") != std::string::npos);
  CHECK_FALSE(mask_expression(*types, column(23), policy::BucketNumberMask{{"1e5"}}));
  CHECK_FALSE(mask_expression(*types, column(23), policy::BucketNumberMask{{"1 OR 1=1"}}));
  CHECK_FALSE(mask_expression(*types, column(23), policy::BucketNumberMask{{"--1"}}));
}

TEST_CASE("a token needs room") {
  const auto types = catalog();
  CHECK(mask_expression(*types, column(1043, 20), policy::HashMask{}));
  CHECK_FALSE(mask_expression(*types, column(1043, 19), policy::HashMask{}));
  CHECK_FALSE(mask_expression(*types, column(1042, 14), policy::HashMask{}));
}

TEST_CASE("no mask's text holds a key or the bare column alone") {
  const auto types = catalog();
  for (const policy::Mask& mask : {policy::Mask(policy::HashMask{}), policy::Mask(policy::RandPatternMask{"##"})}) {
    const auto text = mask_expression(*types, column(25), mask);
    REQUIRE(text);
    CHECK(text->find("(SELECT bartizan.mask_key())") != std::string::npos);
  }
  const auto null = mask_expression(*types, column(1186, 4), policy::NullMask{});
  CHECK_FALSE(null);  // its modifier is not known
}

TEST_CASE("blanks are filled once") {
  CHECK(filled("{a}{b}{", {{"{a}", "{b}"}, {"{b}", "x"}}) == "{b}x{");
  CHECK(quoted_literal("it's") == "'it''s'");
}

TEST_CASE("defaults that draw from a sequence") {
  sql::CatalogContents from;
  sql::CatalogRelation sequence;
  sequence.oid = 5;
  sequence.schema = "s";
  sequence.name = "o'q";
  sequence.kind = sql::RelKind::Sequence;
  from.relations.push_back(sequence);
  const auto made = sql::Catalog::make(std::move(from));
  REQUIRE(made);
  const std::pair<const char*, bool> cases[] = {
      {"nextval('s.\"o''q\"'::regclass)", true},
      {"nextval('s.q'::regclass)", false},
      {"nextval('\"o''q\"'::regclass)", false},
      {"nextval('s.\"o''q\"'::regclass) + 1", false},
      {"nextval('s.\"o''q'::regclass)", false},
      {"f(nextval('s.\"o''q\"'::regclass))", false},
      {"", false},
  };
  for (const auto& [text, found] : cases) {
    CAPTURE(text);
    auto with = column(20);
    with.default_expression = text;
    CHECK((default_sequence(**made, with) != nullptr) == found);
  }
  auto identity = column(20);
  identity.default_expression = cases[0].first;
  identity.identity = sql::Identity::Always;
  CHECK(default_sequence(**made, identity) == nullptr);
}

}  // namespace
}  // namespace bartizan::wall
