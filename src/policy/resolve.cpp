#include "bartizan/policy/resolve.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

#include "bartizan/policy/mask_check.hpp"
#include "bartizan/sql/catalog.hpp"
#include "column_access.hpp"
#include "mask_choice.hpp"
#include "row_rules.hpp"
#include "subject_view.hpp"
#include "table_facts.hpp"

namespace bartizan::policy {
namespace {

constexpr VerbSet kWrites{Verb::Insert, Verb::Update};

/// One resolve(), table by table. Single use.
class Evaluation {
 public:
  Evaluation(const PolicySet& policies, const SubjectFacts& facts, std::string_view depot, const sql::Catalog& catalog,
             Explain explain)
      : policies_(policies),
        facts_(facts),
        catalog_(catalog),
        subject_(policies, facts),
        index_(policies, depot),
        tenant_type_(tenant_type(policies, depot, catalog)),
        rules_(policies, subject_, catalog, tenant_type_.value_or(AttributeType::Text)),
        reasons_(explain == Explain::Yes ? &out_.reasons : nullptr) {
    out_.outcome.depot = depot;
  }

  Resolution run() {
    for (const sql::CatalogRelation& relation : catalog_.contents().relations) {
      if (is_policy_object(relation)) table(index_.facts(relation));
    }
    std::ranges::sort(out_.outcome.tables, {}, [](const TableOutcome& t) { return std::tie(t.schema, t.name); });
    finish_context();
    out_.valid_until = next_boundary(policies_, facts_.moment);
    const auto key = [](const Reason& r) { return std::tie(r.schema, r.table, r.column, r.effect, r.policy, r.text); };
    std::ranges::sort(out_.reasons, {}, key);
    return std::move(out_);
  }

 private:
  void explain(Reason::Effect effect, const TableFacts& table, std::string column, std::string text) {
    if (reasons_ == nullptr) return;
    reasons_->push_back({effect, table.relation->schema, table.relation->name, std::move(column), "", std::move(text)});
  }

  void table(const TableFacts& facts) {
    const TableAccess access = table_access(policies_, subject_, facts, reasons_);
    TableOutcome out;
    out.schema = facts.relation->schema;
    out.name = facts.relation->name;
    if (access.may_delete) out.verbs.insert(Verb::Delete);
    for (std::size_t i = 0; i < facts.columns.size(); ++i) {
      ColumnOutcome column = this->column(facts, facts.columns[i], access.columns[i]);
      const bool read =
          std::holds_alternative<Clear>(column.visibility) || std::holds_alternative<Masked>(column.visibility);
      if (read) out.verbs.insert(Verb::Read);
      out.verbs = out.verbs | column.writes;
      out.columns.push_back(std::move(column));
    }
    if (out.verbs.empty()) {
      explain(Reason::Effect::NotAllowed, facts, "", "no access policy allows anything on it");
      return;
    }
    if (!tenant_type_) {
      explain(Reason::Effect::Withdrawn, facts, "", "the depot's tenancies give subject.tenant two types");
      return;
    }
    auto rows = rules_.read(facts, reasons_);
    if (!rows) {
      const bool missing = rows.error().code == Errc::PermissionDenied;
      explain(missing ? Reason::Effect::MissingAttribute : Reason::Effect::Withdrawn, facts, "",
              "taken away: " + rows.error().detail);
      return;
    }
    out.filters = std::move(rows->filters);
    out.aggregate_only = std::move(rows->aggregate_only);
    if (out.aggregate_only && !reads_alone(facts, out)) return;
    auto& context = out_.outcome.context;
    context.insert(context.end(), rows->attributes.begin(), rows->attributes.end());
    out_.outcome.tables.push_back(std::move(out));
  }

  /// Who may write a table learns of its rows, and can make up entities. False: it is taken away.
  bool reads_alone(const TableFacts& facts, TableOutcome& out) {
    const bool wrote = out.verbs != VerbSet{Verb::Read};
    for (ColumnOutcome& column : out.columns) {
      column.writes = {};
      if (std::holds_alternative<WriteOnly>(column.visibility)) column.visibility = Hidden{};
    }
    const ColumnOutcome* entity = out.find(out.aggregate_only->entity_column);
    const bool counted = entity != nullptr && !std::holds_alternative<Hidden>(entity->visibility);
    out.verbs = counted && out.verbs.contains(Verb::Read) ? VerbSet{Verb::Read} : VerbSet{};
    if (out.verbs.empty()) {
      explain(
          Reason::Effect::Withdrawn, facts, "",
          "taken away: for aggregates alone, and " + out.aggregate_only->entity_column + " can't be read to count by");
    } else if (wrote) {
      explain(Reason::Effect::AggregateOnly, facts, "", "for aggregates alone, so it is not written");
    }
    return !out.verbs.empty();
  }

  ColumnOutcome column(const TableFacts& table, const ColumnFacts& facts, const ColumnAccess& access) {
    const bool unknown = table.is_protected && !facts.classified && !facts.covered;
    const VerbSet verbs = unknown ? access.named : access.verbs;
    ColumnOutcome out{facts.column->name, Hidden{}, verbs & kWrites};
    if (verbs != access.verbs) {
      explain(Reason::Effect::Unclassified, table, out.name,
              "hidden: nobody has classified it, and no policy allows it by name");
    }
    if (facts.column->generated != sql::Generated::No) out.writes = {};
    if (verbs.contains(Verb::Read)) {
      apply_mask(table, facts, out);
    } else if (!out.writes.empty()) {
      out.visibility = WriteOnly{};
    }
    return out;
  }

  void apply_mask(const TableFacts& table, const ColumnFacts& facts, ColumnOutcome& out) {
    const MaskChoice choice = choose_mask(policies_, subject_, table, facts, reasons_);
    switch (choice.kind) {
      case MaskChoice::Kind::None: out.visibility = Clear{}; return;
      case MaskChoice::Kind::Chosen:
        if (std::holds_alternative<PassThroughMask>(choice.rule->mask)) {
          out.visibility = Clear{};
        } else if (const auto fits = check_mask(choice.rule->mask, *facts.column, catalog_); !fits) {
          explain(Reason::Effect::Withdrawn, table, out.name, "hidden: " + fits.error().detail);
          out.writes = {};
        } else {
          out.visibility = Masked{choice.rule->mask};
          if (!choice.rule->writable) out.writes = {};
        }
        return;
      case MaskChoice::Kind::Ambiguous:
      case MaskChoice::Kind::Undecidable: out.writes = {}; return;  // hidden, as it began
    }
  }

  /// `tenant` always; each attribute once, with its value.
  void finish_context() {
    auto& context = out_.outcome.context;
    context.push_back({std::string(kTenantAttribute), tenant_type_.value_or(AttributeType::Text)});
    std::ranges::sort(context);
    context.erase(std::ranges::unique(context).begin(), context.end());
    for (const ContextAttribute& attribute : context) {
      const auto text = subject_.attribute(attribute.name);
      out_.context.push_back(
          {attribute.name, attribute.type, text ? typed_value(*text, attribute.type) : std::nullopt});
    }
  }

  const PolicySet& policies_;
  const SubjectFacts& facts_;
  const sql::Catalog& catalog_;
  SubjectView subject_;
  FactsIndex index_;
  std::optional<AttributeType> tenant_type_;
  RowRuleReader rules_;
  Resolution out_;
  std::vector<Reason>* reasons_;
};

}  // namespace

Resolution resolve(const PolicySet& policies, const SubjectFacts& subject, std::string_view depot,
                   const sql::Catalog& catalog, Explain explain) {
  return Evaluation(policies, subject, depot, catalog, explain).run();
}

}  // namespace bartizan::policy
