#include "column_access.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "bartizan/policy/detokenize.hpp"

namespace bartizan::policy {
namespace {

constexpr VerbSet kColumnVerbs{Verb::Read, Verb::Insert, Verb::Update};

/// What one policy gives and takes, column by column.
struct Sums {
  std::vector<VerbSet> allowed;
  std::vector<VerbSet> denied;
  bool delete_allowed = false;
  bool delete_denied = false;
};

Reason reason(Reason::Effect effect, const TableFacts& table, const AccessPolicy& policy, std::string text) {
  return {effect, table.relation->schema, table.relation->name, "", policy.head.name, std::move(text)};
}

/// "on columns a, b" or "" for all of them.
std::string on_columns(const TableFacts& table, const std::vector<std::size_t>& touched) {
  if (touched.size() == table.columns.size()) return "";
  std::string out;
  for (const std::size_t i : touched) out += (out.empty() ? " on " : ", ") + table.columns[i].column->name;
  return out;
}

void apply(const AccessPolicy& policy, const TableFacts& table, Sums& sums, TableAccess& out,
           std::vector<Reason>* reasons) {
  std::vector<std::size_t> touched;
  const bool by_tags = !policy.object_tags.any_of.empty();
  const auto reaches = [&](const ObjectPattern& path) { return path.matches_table(table.name()); };
  if (!by_tags && std::ranges::none_of(policy.paths, reaches)) return;  // most policies, on most tables
  for (std::size_t i = 0; i < table.columns.size(); ++i) {
    if (!covers(policy, table, table.columns[i])) continue;
    touched.push_back(i);
    VerbSet& sum = policy.allow ? sums.allowed[i] : sums.denied[i];
    sum = sum | (policy.verbs & kColumnVerbs);
    if (policy.write_only) sums.denied[i].insert(Verb::Read);
    const bool by_name = std::ranges::any_of(policy.paths, [&](const ObjectPattern& path) {
      return path.names_columns() && path.matches_column(table.name(table.columns[i]));
    });
    if (policy.allow && by_name) out.columns[i].named = out.columns[i].named | policy.verbs;
  }
  const bool deletes = policy.verbs.contains(Verb::Delete);
  const bool whole = covers(policy, table);
  if (deletes && policy.allow && whole) sums.delete_allowed = true;
  // A row is deleted with all its columns: who may not delete one may not delete the row.
  if (deletes && !policy.allow && (whole || !touched.empty())) sums.delete_denied = true;
  if (reasons == nullptr || (touched.empty() && !whole)) return;
  const std::string where = on_columns(table, touched);
  reasons->push_back(
      reason(policy.allow ? Reason::Effect::Allowed : Reason::Effect::Denied, table, policy,
             fmt::format("{} {}{}", policy.allow ? "allows" : "denies", verb_list(policy.verbs), where)));
  if (policy.write_only)
    reasons->push_back(reason(Reason::Effect::Denied, table, policy, "write-only: denies read" + where));
}

}  // namespace

std::string verb_list(VerbSet verbs) {
  std::string out;
  for (const Verb verb : kAllVerbs) {
    if (verbs.contains(verb)) out += (out.empty() ? "" : ", ") + std::string(to_string(verb));
  }
  if (verbs.contains(kDetokenize)) out += (out.empty() ? "" : ", ") + std::string(to_string(kDetokenize));
  return out.empty() ? "nothing" : out;
}

bool covers(const AccessPolicy& policy, const TableFacts& table, const ColumnFacts& column) {
  const auto by_path = [&](const ObjectPattern& path) { return path.matches_column(table.name(column)); };
  return std::ranges::any_of(policy.paths, by_path) || bears(table, column, policy.object_tags);
}

bool covers(const AccessPolicy& policy, const TableFacts& table) {
  const auto by_path = [&](const ObjectPattern& path) {
    return !path.names_columns() && path.matches_table(table.name());
  };
  return std::ranges::any_of(policy.paths, by_path) || bears(table, policy.object_tags);
}

TableAccess table_access(const PolicySet& policies, const SubjectView& subject, const TableFacts& table,
                         std::vector<Reason>* reasons) {
  TableAccess out;
  out.columns.resize(table.columns.size());
  Sums sums{std::vector<VerbSet>(table.columns.size()), std::vector<VerbSet>(table.columns.size())};
  for (const AccessPolicy& policy : policies.access) {
    if (!subject.matches(policy.subjects)) continue;
    const Holds holds = subject.holds(policy.condition);
    // What cannot be decided for want of an attribute does not allow, and does deny.
    if (holds == Holds::No || (holds == Holds::Unknown && policy.allow)) continue;
    apply(policy, table, sums, out, reasons);
  }
  for (std::size_t i = 0; i < out.columns.size(); ++i) {
    out.columns[i].verbs = sums.allowed[i] - sums.denied[i];
    out.columns[i].named = out.columns[i].named & out.columns[i].verbs;
  }
  out.may_delete = sums.delete_allowed && !sums.delete_denied;
  return out;
}

}  // namespace bartizan::policy
