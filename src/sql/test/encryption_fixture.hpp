// A clinic as catalog, for the tests of column encryption. Encrypted: patients.ssn (not searchable),
// patients.email (searchable, domain 1), patients.score (int4, searchable, domain 3), leads.email
// (searchable, domain 1), visits.note (partitioned; not searchable), cards.pan (searchable, index in
// the hidden column pan_bz), old.code (searchable, two index versions), people.tax (numeric).
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "bartizan/sql/encryption_plan.hpp"
#include "rewrite_fixture.hpp"

namespace bartizan::sql::testing {

inline constexpr Oid kCell = 5100;

inline CatalogRelation view(Oid oid, std::string name, const std::vector<ColumnSpec>& columns, std::string definition) {
  CatalogRelation result = relation(oid, "public", std::move(name), columns);
  result.kind = RelKind::View;
  result.view_definition = std::move(definition);
  return result;
}

inline std::shared_ptr<const Catalog> clinic_catalog() {
  CatalogContents clinic;
  clinic.epoch = 3;
  clinic.server_version = 150004;
  clinic.database = "clinic";
  clinic.schemas = {{2200, "public"}, {3000, "app"}};
  auto patients = relation(200, "public", "patients",
                           {{"id", kInt4}, {"name"}, {"ssn", kCell}, {"email", kCell}, {"score", kCell}, {"city"}});
  patients.keys = {key("patients_pkey", {1}, true)};
  auto visits = relation(202, "public", "visits", {{"id", kInt8}, {"patient_id", kInt4}, {"note", kCell}, {"day"}});
  visits.kind = RelKind::PartitionedTable;
  visits.has_children = true;
  auto visits_1 = relation(203, "public", "visits_1", {{"id", kInt8}, {"patient_id", kInt4}, {"day"}, {"note", kCell}});
  visits_1.is_partition = true;
  visits_1.parents = {202};
  auto cards = relation(204, "public", "cards", {{"id", kInt4}, {"pan", kCell}, {"pan_bz", 17}, {"holder"}});
  cards.columns[2].generated = Generated::Stored;
  auto base = relation(207, "public", "base", {{"id", kInt4}, {"secret", kText}});
  base.has_children = true;
  auto derived = relation(208, "public", "derived", {{"id", kInt4}, {"secret", kCell}});
  derived.parents = {207};
  auto defaulted = relation(209, "public", "defaulted", {{"id", kInt4}, {"pin", kCell}});
  defaulted.columns[1].has_default = true;
  auto ruled = relation(210, "public", "ruled", {{"id", kInt4}});
  ruled.has_rules = true;
  clinic.relations = {
      std::move(patients),
      relation(201, "public", "leads", {{"id", kInt4}, {"email", kCell}, {"source"}}),
      std::move(visits),
      std::move(visits_1),
      std::move(cards),
      relation(205, "public", "old", {{"id", kInt4}, {"code", kCell}}),
      relation(206, "public", "people", {{"id", kInt4}, {"tax", kCell}, {"ok", kCell}}),
      std::move(base),
      std::move(derived),
      std::move(defaulted),
      std::move(ruled),
      relation(211, "public", "towns", {{"id", kInt4}, {"name"}, {"email"}}),
      relation(212, "app", "patients", {{"id", kInt4}, {"ssn"}}),
      view(220, "patient_list", {{"id", kInt4}, {"mail", kCell}, {"city"}},
           "SELECT p.id, p.email AS mail, p.city FROM public.patients p WHERE p.ssn IS NOT NULL;"),
      view(221, "patient_cities", {{"city"}, {"n", kInt8}},
           "SELECT patient_list.city, count(*) AS n FROM public.patient_list GROUP BY patient_list.city"),
      view(222, "patient_pairs", {{"id", kInt4}},
           "SELECT a.id FROM public.patients a JOIN public.leads b ON a.email = b.email"),
      view(223, "patient_lengths", {{"n", kInt4}}, "SELECT length(patients.ssn) AS n FROM public.patients"),
      view(224, "town_view", {{"name"}}, "SELECT towns.name FROM public.towns"),
      view(225, "list_of_lists", {{"x", kCell}}, "SELECT l.mail AS x FROM public.patient_list l"),
      view(226, "scored", {{"s", kInt4}}, "SELECT app.score(1) AS s"),
  };
  CatalogType cell = type(kCell, "bartizan", "cell", TypeKind::Domain);
  cell.base = 17;
  clinic.types = {std::move(cell)};
  clinic.functions = {function(6001, "score", {kInt4}), function(6002, "leak", {kText}),
                      function(6003, "slug", {kText})};
  clinic.functions[2].from_extension = true;
  auto catalog = Catalog::make(std::move(clinic));
  return catalog ? *catalog : nullptr;
}

inline EncryptedColumnSpec encrypted(Oid relation, AttrNumber attnum, std::uint32_t number, Oid type, bool searchable,
                                     std::uint64_t domain) {
  EncryptedColumnSpec spec;
  spec.column = {relation, attnum};
  spec.number = number;
  spec.type.oid = type;
  spec.searchable = searchable;
  spec.join_domain = domain;
  return spec;
}

inline std::vector<EncryptedColumnSpec> clinic_columns() {
  std::vector<EncryptedColumnSpec> columns = {
      encrypted(200, 3, 1, kText, false, 0), encrypted(200, 4, 2, 1043, true, 1),
      encrypted(200, 5, 3, kInt4, true, 3),  encrypted(201, 2, 4, kText, true, 1),
      encrypted(202, 3, 5, kText, false, 0), encrypted(204, 2, 6, kText, true, 6),
      encrypted(205, 2, 7, kText, true, 7),  encrypted(206, 2, 8, kNumeric, true, 8),
      encrypted(206, 3, 9, 16, true, 9),     encrypted(208, 2, 10, kText, false, 0),
      encrypted(209, 2, 11, kText, false, 0)};
  columns[1].type.typmod = 84;  // varchar(80)
  columns[5].index_column = 3;
  columns[6].index_versions = 2;
  return columns;
}

class Clinic {
 public:
  Clinic() {
    auto made = EncryptedColumns::make(catalog, clinic_columns(), {6001});
    if (made) columns = *made;
    auto prepared_plan = std::make_shared<PlannedStatement>();
    prepared_plan->parameters = {{0, CellAction::Pass, 0, 0}, {1, CellAction::Encrypt, 1, 17}};
    prepared["ins"] = prepared_plan;
    prepared["plain"] = nullptr;
    auto cursor = std::make_shared<PlannedStatement>();
    cursor->columns = {{1, 1, {kText, -1, -1}}};
    cursors["c"] = cursor;
    cursors["d"] = nullptr;
  }
  [[nodiscard]] EncryptionRequest request(std::string_view text) const {
    EncryptionRequest request;
    request.text = text;
    request.columns = columns.get();
    request.search_path = {"public"};
    request.temporary = {"scratch", "leads_tmp"};
    request.prepared = &prepared;
    request.cursors = &cursors;
    return request;
  }
  [[nodiscard]] EncryptionOutcome plan(std::string_view text) const { return plan_encryption(request(text)); }

  std::shared_ptr<const Catalog> catalog = clinic_catalog();
  std::shared_ptr<const EncryptedColumns> columns;
  PlansByName prepared;
  PlansByName cursors;
};

inline std::string_view shown(CellAction action) {
  switch (action) {
    case CellAction::Pass: return "pass";
    case CellAction::Encrypt: return "cell";
    case CellAction::BlindIndex: return "index";
    case CellAction::BlindIndexes: return "indexes";
    case CellAction::BlindIndexElements: return "each";
    case CellAction::Token: return "token";
    case CellAction::TokenCompared: return "compared";
    case CellAction::TokenElements: return "each token";
  }
  return "?";
}

/// One statement's plan in a line: text, with literals as <action column value>, parameters, columns.
inline std::string shown(const PlannedStatement& statement) {
  if (!statement.touched) return "=";
  std::string text;
  std::size_t from = 0;
  for (const LiteralOp& literal : statement.literals) {
    text += statement.server_text.substr(from, literal.offset - from);
    text += "<" + std::string(shown(literal.action)) + " " + std::to_string(literal.column) + " " +
            std::string(literal.value.reveal_chars()) + ">";
    from = literal.offset + literal.length;
  }
  text += statement.server_text.substr(from);
  for (std::size_t i = 0; i < statement.parameters.size(); ++i) {
    const ServerParameter& server = statement.parameters[i];
    text += " | $" + std::to_string(i + 1) + "=" + std::string(shown(server.action)) + " " +
            std::to_string(server.client + 1);
    if (server.action == CellAction::Pass) continue;
    text += " of " + std::to_string(server.column) + " as " + std::to_string(statement.parameter_types[server.client]);
  }
  for (const OutputOp& column : statement.columns) {
    text += " | " + std::to_string(column.index) + ":" + std::to_string(column.column);
  }
  if (statement.copy)
    text += std::string(" | copy ") + (statement.copy->in ? "in " : "out ") + std::to_string(statement.copy->width);
  return text;
}

inline std::string shown(const EncryptionOutcome& outcome) {
  if (const auto* refused = std::get_if<Refused>(&outcome)) return refused->sqlstate + " " + refused->message;
  const auto* const plan = std::get_if<EncryptionPlan>(&outcome);
  if (plan == nullptr) return "untouched";
  std::string text;
  for (const PlannedStatement& statement : plan->statements) text += (text.empty() ? "" : " ;; ") + shown(statement);
  return text;
}

}  // namespace bartizan::sql::testing
