#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "bartizan/policy/mask_check.hpp"
#include "bartizan/policy/mask_registry.hpp"
#include "bartizan/policy/strictness.hpp"
#include "findings.hpp"

namespace bartizan::policy {
namespace {

template <class T>
bool disjoint(const std::vector<T>& a, const std::vector<T>& b) {
  return std::ranges::none_of(a, [&](const T& x) { return std::ranges::find(b, x) != b.end(); });
}

bool disjoint(const TimeSpan& a, const TimeSpan& b) {
  return (a.until && b.from && *a.until <= *b.from) || (b.until && a.from && *b.until <= *a.from);
}

/// Those whom the selector can match at all, where it names persons; nullopt where it does not.
std::optional<std::vector<std::string>> identities(const UserSelector& selector) {
  std::vector<std::string> out;
  std::size_t naming = 0;
  for (const auto& all_of : selector.tags) {
    const auto person =
        std::ranges::find_if(all_of, [](const Glob& g) { return g.literal() && g.text().starts_with("users:id:"); });
    if (person == all_of.end()) continue;
    ++naming;
    out.push_back(person->text());
  }
  const bool bound = selector.match == Match::Any ? naming == selector.tags.size() : naming != 0;
  return bound && naming != 0 ? std::optional(out) : std::nullopt;
}

/// False only if no subject at no moment can meet both.
bool may_meet(const DataPolicy& a, const DataPolicy& b) {
  const Condition& x = a.condition;
  const Condition& y = b.condition;
  if (!x.purposes.empty() && !y.purposes.empty() && disjoint(x.purposes, y.purposes)) return false;
  if (disjoint(x.time, y.time)) return false;
  for (const auto& of_x : x.attributes) {
    for (const auto& of_y : y.attributes) {
      if (of_x.name == of_y.name && disjoint(of_x.values, of_y.values)) return false;
    }
  }
  const auto of_a = identities(a.users);
  const auto of_b = identities(b.users);
  return !of_a || !of_b || !disjoint(*of_a, *of_b);
}

bool key_column(const TableFacts& table, sql::AttrNumber attnum) {
  const auto holds = [&](const std::vector<sql::AttrNumber>& columns) {
    return std::ranges::find(columns, attnum) != columns.end();
  };
  return std::ranges::any_of(table.relation->keys, [&](const sql::CatalogKey& k) { return holds(k.columns); }) ||
         std::ranges::any_of(table.relation->foreign_keys,
                             [&](const sql::CatalogForeignKey& k) { return holds(k.columns); });
}

void check_mask_on(const PolicySet& policies, const DataPolicy& policy, const MaskRule& rule, const TableFacts& table,
                   const ColumnFacts& column, const sql::Catalog& catalog, Findings& findings) {
  const sql::CatalogColumn& c = *column.column;
  const auto add = [&](std::string_view code, std::string message) {
    findings.add(code, &policy.head, table, c.name, std::move(message));
  };
  if (std::holds_alternative<PassThroughMask>(rule.mask)) {
    if (policy.priority < kShippedPriority && policy.condition.purposes.empty()) {
      add("clear_exception",
          "shows the value in clear for good: limit it by condition.purposes and a grant with an end, or acknowledge it");
    }
    return;
  }
  if (auto fits = check_mask(rule.mask, c, catalog); !fits) add("mask_type", fits.error().detail);
  if (key_column(table, c.attnum))
    add("mask_on_key",
        "joins, look-ups and foreign keys by this column see the mask, and a unique key still tells which values exist");
  if (rule.writable && registry_entry(rule.mask).deterministic)
    add("token_writable", "who writes a guess here reads its token and can so look up other rows' values");
  if (std::holds_alternative<RegexReplaceMask>(rule.mask))
    add("regex_may_not_match", "a value that the pattern does not match is shown as it is");
  if (is_domain(c, catalog))
    add("domain_check", "the domain's constraint may refuse the masked value, and the query fails");
  const bool must_be_set = c.not_null && !c.has_default && c.identity == sql::Identity::No;
  if (must_be_set && !rule.writable && anyone_may(policies, table, {Verb::Insert})) {
    add("insert_needs_value", "the column is NOT NULL without a default: whoever sees it masked cannot insert rows");
  }
}

void check_ties(const std::vector<const DataPolicy*>& masks, const TableFacts& table, const ColumnFacts& column,
                Findings& findings) {
  for (std::size_t i = 0; i < masks.size(); ++i) {
    for (std::size_t j = i + 1; j < masks.size(); ++j) {
      const DataPolicy& a = *masks[i];
      const DataPolicy& b = *masks[j];
      const Mask& of_a = std::get<MaskRule>(a.rule).mask;
      const Mask& of_b = std::get<MaskRule>(b.rule).mask;
      if (a.priority != b.priority || compare(of_a, of_b) != Strictness::Incomparable || !may_meet(a, b)) continue;
      findings.add(
          "masks_tie", &a.head, table, column.column->name,
          fmt::format("{} and {} of {} have priority {} and neither is stricter: give them different priorities",
                      describe(of_a), describe(of_b), b.head.name, a.priority));
    }
  }
}

}  // namespace

void check_masks(const PolicySet& policies, const TableFacts& table, const sql::Catalog& catalog, Findings& findings) {
  for (const ColumnFacts& column : table.columns) {
    std::vector<const DataPolicy*> masks;
    for (const DataPolicy& policy : policies.data) {
      const auto* rule = std::get_if<MaskRule>(&policy.rule);
      if (rule == nullptr || !policy.dataset.matches_table(table.name()) || !selects(rule->columns, column)) continue;
      masks.push_back(&policy);
      check_mask_on(policies, policy, *rule, table, column, catalog, findings);
    }
    check_ties(masks, table, column, findings);
  }
}

}  // namespace bartizan::policy
