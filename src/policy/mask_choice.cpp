#include "mask_choice.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "bartizan/policy/strictness.hpp"

namespace bartizan::policy {
namespace {

struct Candidate {
  const DataPolicy* policy = nullptr;
  const MaskRule* rule = nullptr;
};

}  // namespace

MaskChoice choose_mask(const PolicySet& policies, const SubjectView& subject, const TableFacts& table,
                       const ColumnFacts& column, std::vector<Reason>* reasons) {
  const auto explain = [&](Reason::Effect effect, const DataPolicy& policy, std::string text) {
    if (reasons == nullptr) return;
    reasons->push_back(
        {effect, table.relation->schema, table.relation->name, column.column->name, policy.head.name, std::move(text)});
  };
  std::vector<Candidate> candidates;
  for (const DataPolicy& policy : policies.data) {
    const auto* rule = std::get_if<MaskRule>(&policy.rule);
    if (rule == nullptr || !policy.dataset.matches_table(table.name()) || !selects(rule->columns, column)) continue;
    if (!subject.matches(policy.users)) continue;
    const Holds holds = subject.holds(policy.condition);
    const bool opens = std::holds_alternative<PassThroughMask>(rule->mask);
    if (holds == Holds::Unknown && !opens) {
      explain(Reason::Effect::MissingAttribute, policy,
              "hidden: an attribute that the mask's condition names is missing");
      return {MaskChoice::Kind::Undecidable, nullptr};
    }
    if (holds == Holds::Yes) candidates.push_back({&policy, rule});
  }
  if (candidates.empty()) return {};
  const auto priority = [](const Candidate& c) { return c.policy->priority; };
  const std::uint8_t best = priority(*std::ranges::min_element(candidates, {}, priority));
  std::vector<const Mask*> tied;
  for (const Candidate& c : candidates) {
    if (priority(c) == best) tied.push_back(&c.rule->mask);
  }
  const Mask* winner = strictest(tied);
  // Equal masks may stand in several policies; the column may be written only if all of these say so.
  const MaskRule* rule = nullptr;
  for (const Candidate& c : candidates) {
    const bool wins = winner != nullptr && priority(c) == best && c.rule->mask == *winner;
    if (wins && (rule == nullptr || !c.rule->writable)) rule = c.rule;
  }
  for (const Candidate& c : candidates) {
    if (winner == nullptr && priority(c) == best) {
      explain(
          Reason::Effect::Withdrawn, *c.policy,
          fmt::format("hidden: {} can't be ordered against another mask of priority {}", describe(c.rule->mask), best));
    } else if (winner != nullptr && priority(c) == best && c.rule->mask == *winner) {
      explain(Reason::Effect::MaskApplied, *c.policy,
              fmt::format("{}, priority {}", describe(c.rule->mask), c.policy->priority));
    } else {
      explain(
          Reason::Effect::MaskOverruled, *c.policy,
          fmt::format("{}, priority {}: overruled by {}", describe(c.rule->mask), c.policy->priority,
                      priority(c) == best ? "a stricter mask of the same priority" : fmt::format("priority {}", best)));
    }
  }
  if (rule == nullptr) return {MaskChoice::Kind::Ambiguous, nullptr};
  return {MaskChoice::Kind::Chosen, rule};
}

}  // namespace bartizan::policy
