// A small shop's database as the tests' catalog, and policies from YAML in one call.
#pragma once

#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "bartizan/policy/manifest.hpp"
#include "bartizan/policy/resolve.hpp"
#include "bartizan/sql/catalog.hpp"

namespace bartizan::policy::shop {

inline constexpr sql::Oid kBool = 16, kBytea = 17, kInt8 = 20, kInt2 = 21, kInt4 = 23, kText = 25, kJson = 114,
                          kFloat8 = 701, kBpchar = 1042, kVarchar = 1043, kDate = 1082, kTimestamp = 1114,
                          kTimestamptz = 1184, kNumeric = 1700, kUuid = 2950, kJsonb = 3802, kEmailDomain = 50001,
                          kMood = 50002, kCitext = 50003, kFakeText = 50004;

/// varchar(n), char(n)
inline std::int32_t length(std::int32_t n) { return n + 4; }
/// numeric(precision, scale)
inline std::int32_t decimal(std::int32_t precision, std::int32_t scale) { return ((precision << 16) | scale) + 4; }

inline sql::CatalogColumn column(std::string name, sql::Oid type, std::int32_t typmod = -1) {
  sql::CatalogColumn out;
  out.name = std::move(name);
  out.type = type;
  out.typmod = typmod;
  return out;
}

inline sql::CatalogRelation relation(sql::Oid oid, std::string schema, std::string name,
                                     std::vector<sql::CatalogColumn> columns) {
  sql::CatalogRelation out;
  out.oid = oid;
  out.schema = std::move(schema);
  out.name = std::move(name);
  out.columns = std::move(columns);
  for (std::size_t i = 0; i < out.columns.size(); ++i) out.columns[i].attnum = static_cast<sql::AttrNumber>(i + 1);
  return out;
}

inline sql::CatalogContents contents() {
  sql::CatalogContents out;
  out.schemas = {{1, "public"}, {2, "maps"}, {3, "pg_catalog"}};
  const auto type = [&](sql::Oid oid, std::string name, std::string schema = "pg_catalog") {
    sql::CatalogType t;
    t.oid = oid;
    t.schema = std::move(schema);
    t.name = std::move(name);
    out.types.push_back(t);
    return &out.types.back();
  };
  type(kBool, "bool"), type(kBytea, "bytea"), type(kInt8, "int8"), type(kInt2, "int2"), type(kInt4, "int4");
  type(kText, "text"), type(kJson, "json"), type(kFloat8, "float8"), type(kBpchar, "bpchar"), type(kVarchar, "varchar");
  type(kDate, "date"), type(kTimestamp, "timestamp"), type(kTimestamptz, "timestamptz"), type(kNumeric, "numeric");
  type(kUuid, "uuid"), type(kJsonb, "jsonb"), type(kFakeText, "text", "public");
  auto* domain = type(kEmailDomain, "email", "public");
  domain->kind = sql::TypeKind::Domain;
  domain->base = kVarchar;
  domain->base_typmod = length(20);
  type(kMood, "mood", "public")->kind = sql::TypeKind::Enum;
  type(kCitext, "citext", "public")->from_extension = true;

  auto customers =
      relation(101, "public", "customers",
               {column("id", kInt8), column("tenant_id", kText), column("name", kText),
                column("email", kVarchar, length(60)), column("ssn", kBpchar, length(11)), column("born", kDate),
                column("income", kNumeric, decimal(10, 2)), column("profile", kJsonb), column("region", kText)});
  customers.columns[0].identity = sql::Identity::Always;
  customers.keys = {{"customers_pkey", {1}, true, true, false, false},
                    {"customers_email_key", {4}, false, true, false, false}};
  auto orders =
      relation(102, "public", "orders",
               {column("id", kInt8), column("tenant_id", kText), column("customer_id", kInt8), column("region", kText),
                column("total", kNumeric, decimal(10, 2)), column("doubled", kNumeric)});
  orders.columns[5].generated = sql::Generated::Stored;
  orders.keys = {{"orders_pkey", {2, 1}, true, true, false, false}};
  orders.foreign_keys = {{"orders_customer_fkey", {3}, 101, {1}}};
  auto part = relation(103, "public", "orders_2026", {column("id", kInt8)});
  part.is_partition = true;
  part.parents = {102};
  auto heir = relation(104, "public", "customers_archive", {column("email", kText)});
  heir.parents = {101};
  auto view = relation(105, "public", "customer_view", {column("email", kText)});
  view.kind = sql::RelKind::View;
  out.relations = {customers,
                   orders,
                   part,
                   heir,
                   view,
                   relation(106, "public", "countries", {column("code", kText), column("name", kText)}),
                   relation(107, "maps", "region_access", {column("login", kText), column("region", kText)}),
                   relation(108, "pg_catalog", "pg_class", {column("relname", kText)}),
                   relation(109, "bz_c1", "customers", {column("email", kText)})};
  return out;
}

inline std::shared_ptr<const sql::Catalog> catalog(sql::CatalogContents from = contents()) {
  auto made = sql::Catalog::make(std::move(from));
  REQUIRE_MESSAGE(made.has_value(), (made ? "" : made.error().detail));
  return *made;
}

inline Manifest manifest(std::string_view yaml) {
  Manifest out = read_manifest(yaml, "test.yaml");
  for (const ManifestError& e : out.errors) MESSAGE(e.line << ":" << e.column << ": " << e.message);
  REQUIRE(out.ok());
  return out;
}

inline PolicySet policies(std::string_view yaml) { return manifest(yaml).policies; }

inline constexpr std::string_view kDepot = "demo";

inline SubjectFacts someone(std::vector<std::string> roles = {"analyst"}) {
  SubjectFacts out;
  out.identity = "ana";
  out.roles = std::move(roles);
  out.tenant = "northside";
  out.moment = WallTime{std::chrono::seconds(1'800'000'000)};  // 2027-01-15T08:00:00Z
  return out;
}

/// Read on everything for analysts, to put one rule after the other on top.
inline constexpr std::string_view kReaders = R"(
name: readers
version: v1
type: policy
policy:
  access:
    subjects: {tags: [[roles:id:analyst]]}
    predicates: [read]
    objects: {paths: ["dataos://demo"]}
    allow: true
---
)";

}  // namespace bartizan::policy::shop
