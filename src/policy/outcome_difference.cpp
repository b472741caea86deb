#include "bartizan/policy/outcome_difference.hpp"

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

#include "bartizan/policy/access_questions.hpp"
#include "bartizan/policy/statement_explanation.hpp"

namespace bartizan::policy {
namespace {

constexpr const char* kNotThere = "not there";
constexpr const char* kUnprotected = "as its login";

std::string verbs_of(VerbSet verbs) {
  std::string out;
  for (const Verb verb : kAllVerbs)
    if (verbs.contains(verb)) out.append(out.empty() ? "" : ",").append(to_string(verb));
  return out.empty() ? "nothing" : out;
}

class Differences {
 public:
  void table(const std::string& name, const TableOutcome* before, const TableOutcome* after) {
    if (before == nullptr || after == nullptr) {
      add(name, "", "table", before == nullptr ? kNotThere : verbs_of(before->verbs),
          after == nullptr ? kNotThere : verbs_of(after->verbs));
      if (after != nullptr) appears(name, *after, kNotThere);
      return;
    }
    add(name, "", "may", verbs_of(before->verbs), verbs_of(after->verbs));
    add(name, "", "rows", describe_rows(*before), describe_rows(*after));
    for (const ColumnOutcome& column : after->columns) {
      const ColumnOutcome* old = before->find(column.name);
      add(name, column.name, "shown", old == nullptr ? kNotThere : describe(old->visibility),
          describe(column.visibility));
      add(name, column.name, "writes", old == nullptr ? "nothing" : verbs_of(old->writes), verbs_of(column.writes));
    }
    for (const ColumnOutcome& column : before->columns)
      if (after->find(column.name) == nullptr) add(name, column.name, "shown", describe(column.visibility), kNotThere);
  }

  /// What a table that comes within the policies' reach looks like.
  void appears(const std::string& name, const TableOutcome& after, const char* before) {
    add(name, "", "rows", before, describe_rows(after));
    for (const ColumnOutcome& column : after.columns)
      add(name, column.name, "shown", before, describe(column.visibility));
  }

  void add(const std::string& table, const std::string& column, const char* what, std::string before,
           std::string after) {
    if (before != after) out_.push_back({table, column, what, std::move(before), std::move(after)});
  }

  std::vector<OutcomeChange> sorted() && {
    std::ranges::sort(out_, {}, [](const OutcomeChange& c) { return std::tie(c.table, c.column, c.what); });
    return std::move(out_);
  }

 private:
  std::vector<OutcomeChange> out_;
};

}  // namespace

std::vector<OutcomeChange> difference(const ClassOutcome* before, const ClassOutcome& after) {
  Differences out;
  if (before == nullptr) {
    out.add("*", "", "table", kUnprotected, "by the policies: what is not listed is not there");
    for (const TableOutcome& table : after.tables) {
      const std::string name = table.schema + "." + table.name;
      out.add(name, "", "table", kUnprotected, verbs_of(table.verbs));
      out.appears(name, table, kUnprotected);
    }
    return std::move(out).sorted();
  }
  std::map<std::string, std::pair<const TableOutcome*, const TableOutcome*>> tables;
  for (const TableOutcome& table : before->tables) tables[table.schema + "." + table.name].first = &table;
  for (const TableOutcome& table : after.tables) tables[table.schema + "." + table.name].second = &table;
  for (const auto& [name, two] : tables) out.table(name, two.first, two.second);
  return std::move(out).sorted();
}

}  // namespace bartizan::policy
