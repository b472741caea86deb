// A small shop as catalog and view map, for the tests of layer 1. What a statement must never reach:
// customers.ssn (hidden), public.secrets and app.audit (no policy grants them), public.orders_2026.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "bartizan/sql/catalog.hpp"
#include "bartizan/sql/rewrite.hpp"

namespace bartizan::sql::testing {

inline constexpr Oid kInt4 = 23, kText = 25, kInt8 = 20, kNumeric = 1700, kTimestamptz = 1184, kJsonb = 3802;
inline constexpr Oid kTextArray = 1009, kMood = 5001, kAddress = 5002;

struct ColumnSpec {
  std::string_view name;
  Oid type = kText;
};

inline CatalogRelation relation(Oid oid, std::string schema, std::string name, const std::vector<ColumnSpec>& columns) {
  CatalogRelation result;
  result.oid = oid;
  result.schema = std::move(schema);
  result.name = std::move(name);
  for (const ColumnSpec& spec : columns) {
    CatalogColumn column;
    column.name = spec.name;
    column.attnum = static_cast<AttrNumber>(result.columns.size() + 1);
    column.type = spec.type;
    result.columns.push_back(std::move(column));
  }
  return result;
}

inline CatalogKey key(std::string name, std::vector<AttrNumber> columns, bool primary) {
  CatalogKey result;
  result.name = std::move(name);
  result.columns = std::move(columns);
  result.primary = primary;
  return result;
}

inline CatalogType type(Oid oid, std::string schema, std::string name, TypeKind kind, Oid row = 0) {
  CatalogType result;
  result.oid = oid;
  result.schema = std::move(schema);
  result.name = std::move(name);
  result.kind = kind;
  result.relation = row;
  return result;
}

inline CatalogFunction function(Oid oid, std::string name, std::vector<Oid> arguments) {
  CatalogFunction result;
  result.oid = oid;
  result.schema = "app";
  result.name = std::move(name);
  result.argument_types = std::move(arguments);
  result.volatility = Volatility::Immutable;
  return result;
}

inline std::shared_ptr<const Catalog> shop_catalog() {
  CatalogContents shop;
  shop.epoch = 7;
  shop.server_version = 150004;
  shop.database = "shop";
  shop.schemas = {{2200, "public"}, {3000, "app"}};
  auto customers = relation(100, "public", "customers",
                            {{"id", kInt4},
                             {"name"},
                             {"email"},
                             {"ssn"},
                             {"notes"},
                             {"balance", kNumeric},
                             {"created_at", kTimestamptz},
                             {"attrs", kJsonb},
                             {"mood", kMood},
                             {"addr", kAddress}});
  customers.keys = {key("customers_pkey", {1}, true), key("customers_email_key", {3}, false),
                    key("customers_ssn_key", {4}, false)};
  auto orders = relation(101, "public", "orders",
                         {{"id", kInt8},
                          {"customer_id", kInt4},
                          {"total", kNumeric},
                          {"status"},
                          {"ref"},
                          {"placed_at", kTimestamptz},
                          {"tags", kTextArray}});
  orders.keys = {key("orders_pkey", {1}, true), key("orders_ref_key", {5}, false)};
  auto items = relation(102, "public", "order_items",
                        {{"order_id", kInt8}, {"line", kInt4}, {"sku"}, {"qty", kInt4}, {"price", kNumeric}});
  items.keys = {key("order_items_pkey", {1, 2}, true)};
  auto events = relation(106, "public", "events", {{"id", kInt8}, {"kind"}, {"at", kTimestamptz}});
  events.kind = RelKind::PartitionedTable;
  events.has_children = true;
  auto partition = relation(107, "public", "events_2026", {{"id", kInt8}, {"kind"}, {"at", kTimestamptz}});
  partition.is_partition = true;
  partition.parents = {106};
  auto address = relation(110, "app", "address", {{"street"}, {"city"}});
  address.kind = RelKind::CompositeType;
  shop.relations = {std::move(customers),
                    std::move(orders),
                    std::move(items),
                    relation(103, "app", "audit", {{"id", kInt8}, {"line"}}),
                    relation(104, "public", "secrets", {{"id", kInt4}, {"value"}}),
                    relation(105, "app", "orders", {{"id", kInt8}, {"label"}}),
                    std::move(events),
                    std::move(partition),
                    relation(108, "public", "inbox", {{"id", kInt8}, {"body"}}),
                    relation(109, "public", "Mixed Case", {{"Id", kInt4}, {"Some Name"}}),
                    relation(111, "public", "boxes", {{"id", kInt4}, {"label"}, {"pin"}}),
                    std::move(address)};
  shop.types = {type(kMood, "app", "mood", TypeKind::Enum), type(kAddress, "app", "address", TypeKind::Composite, 110),
                type(5003, "app", "secret_kind", TypeKind::Enum)};
  shop.functions = {function(6001, "score", {kInt4}), function(6002, "leak", {kText}), function(6003, "mixed", {kInt4}),
                    function(6004, "mixed", {kText})};
  auto catalog = Catalog::make(std::move(shop));
  return catalog ? *catalog : nullptr;
}

inline ViewMap shop_views() {
  const auto read = [](AttrNumber n) { return ViewColumn{n, true, false, false}; };
  const auto write = [](AttrNumber n) { return ViewColumn{n, true, true, false}; };
  const auto masked = [](AttrNumber n) { return ViewColumn{n, true, false, true}; };
  ViewMap map;
  map.relations[100] = {{"bz_v", "customers_a1"},
                        {"bz_v", "customers_a1_w"},
                        Verbs::All,
                        {write(1), write(2), masked(3), ViewColumn{5, false, true, false},
                         ViewColumn{6, true, true, true}, write(7), write(8), write(9), write(10)}};
  map.relations[101] = {
      {"bz_v", "orders_b2"}, {}, Verbs::All, {write(1), write(2), write(3), write(4), write(5), write(6), write(7)}};
  map.relations[102] = {{"bz_v", "items_c3"}, {}, Verbs::Select, {read(1), read(2), read(3), read(4), read(5)}};
  map.relations[105] = {{"bz_v", "app_orders_d4"}, {}, Verbs::Select, {read(1), read(2)}};
  map.relations[106] = {{"bz_v", "events_e5"}, {}, Verbs::Select | Verbs::Insert, {write(1), write(2), write(3)}};
  map.relations[108] = {{"bz_v", "inbox_f6"}, {}, Verbs::Insert, {write(1), write(2)}};
  map.relations[109] = {{"bz_v", "Mixed"}, {}, Verbs::Select, {read(1), read(2)}};
  map.relations[111] = {{"bz_v", "boxes_g7"},
                        {"bz_v", "boxes_g7_w"},
                        Verbs::All,
                        {write(1), write(2), ViewColumn{3, false, true, false}}};
  map.catalog_views["pg_catalog.pg_class"] = {{"bz_cat", "pg_class"}, {"oid", "relname", "relkind"}};
  map.functions = {6001, 6003};
  map.types = {kMood};
  map.user_function = {"bz", "identity_name"};
  return map;
}

class Shop {
 public:
  [[nodiscard]] RewriteRequest request(std::string_view text) const {
    RewriteRequest request;
    request.text = text;
    request.catalog = catalog.get();
    request.views = &views;
    request.search_path = {"public", "app"};
    return request;
  }
  [[nodiscard]] RewriteOutcome rewrite(std::string_view text) const { return sql::rewrite(request(text)); }

  std::shared_ptr<const Catalog> catalog = shop_catalog();
  ViewMap views = shop_views();
};

/// All server texts, joined by "; ", or "SQLSTATE message".
inline std::string shown(const RewriteOutcome& outcome) {
  if (const auto* refused = std::get_if<Refused>(&outcome)) return refused->sqlstate + " " + refused->message;
  std::string text;
  for (const RewrittenStatement& statement : std::get<Rewritten>(outcome).statements) {
    if (!text.empty()) text += "; ";
    text += statement.server_text;
  }
  return text;
}

}  // namespace bartizan::sql::testing
