// What the tests of resolve() share: policies in one line, and what a resolution shows of a table.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "bartizan/policy/access_questions.hpp"
#include "bartizan/policy/resolve.hpp"
#include "shop_catalog.hpp"

namespace bartizan::policy::resolving {

using shop::catalog;
using shop::contents;
using shop::kDepot;
using shop::policies;

inline Resolution as(const SubjectFacts& subject, const std::string& yaml, sql::CatalogContents from = contents()) {
  return resolve(policies(yaml), subject, kDepot, *catalog(std::move(from)), Explain::Yes);
}

/// "id: clear, …" for a column, "" for a table that is not to be seen.
inline std::string sight(const Resolution& r, std::string_view table, std::string_view column) {
  const TableOutcome* found = r.outcome.find("public", table);
  return found == nullptr ? "" : describe(found->find(column)->visibility);
}

inline VerbSet verbs(const Resolution& r, std::string_view table) {
  const TableOutcome* found = r.outcome.find("public", table);
  return found == nullptr ? VerbSet{} : found->verbs;
}

inline std::vector<std::string> filters(const Resolution& r, std::string_view table) {
  std::vector<std::string> out;
  if (const TableOutcome* found = r.outcome.find("public", table)) {
    for (const FilterTemplate& f : found->filters) out.push_back(f.text);
  }
  return out;
}

inline bool has_reason(const Resolution& r, Reason::Effect effect, std::string_view table, std::string_view column) {
  return std::ranges::any_of(
      r.reasons, [&](const Reason& x) { return x.effect == effect && x.table == table && x.column == column; });
}

/// An access policy in one line.
inline std::string access(std::string_view name, std::string_view subjects, std::string_view predicates,
                          std::string_view objects, std::string_view rest = "allow: true") {
  return "name: " + std::string(name) + "\nversion: v1\ntype: policy\npolicy: {access: {subjects: {tags: [" +
         std::string(subjects) + "]}, predicates: [" + std::string(predicates) + "], objects: {" +
         std::string(objects) + "}, " + std::string(rest) + "}}\n---\n";
}

/// A data policy in one line; `selector` is what stands beside `user`.
inline std::string data(std::string_view name, std::string_view type, std::string_view columns, std::string_view body,
                        int priority = 50, std::string_view users = "roles:id:analyst") {
  return "name: " + std::string(name) + "\nversion: v1\ntype: policy\npolicy: {data: {type: " + std::string(type) +
         ", priority: " + std::to_string(priority) +
         ", depot: demo, collection: public, dataset: customers, selector: {user: {tags: ['" + std::string(users) +
         "']}" + (columns.empty() ? "" : ", column: {" + std::string(columns) + "}") + "}, " + std::string(body) +
         "}}\n---\n";
}

inline const std::string kRead(shop::kReaders);
/// All columns of customers known, so that a mask on one hides no other.
inline const std::string kClassified =
    "{name: cc, version: v1, type: classification, classification: {depot: demo, table: customers, columns: {id:, tenant_id:, name: "
    "[PII.Name], email: [PII.Email], ssn: [PII.Ssn], born:, income:, profile:, region:}}}\n---\n";

}  // namespace bartizan::policy::resolving
