#include "cell_binder.hpp"

#include <algorithm>
#include <iterator>

#include "node_access.hpp"

namespace bartizan::sql {

bool CellBinder::refuse(std::string_view sqlstate, std::string message, int location, std::string_view hint) {
  refusal_ = {std::string(sqlstate), std::move(message), std::string(hint), location};
  return false;
}

bool CellBinder::unknown(std::string_view what, int location) {
  return refuse("0A000", std::string(what) + " is not supported in a statement on a table with encrypted columns",
                location);
}

std::string CellBinder::described(const EncryptedColumnSpec& column) const {
  const CatalogRelation* const relation = columns_.catalog().relation(column.column.relation);
  return "column \"" + relation->column(column.column.attnum)->name + "\" of \"" + relation->name + "\"";
}

bool CellBinder::refuse_masked(const EncryptedColumnSpec& column, std::string_view what) {
  return refuse("0A000",
                described(column) + " is encrypted and shown to you masked: no " + std::string(what) + " of it", -1,
                cell_place::kMaskedHint);
}

bool CellBinder::refuse_cell(const EncryptedColumnSpec& column, const CellPlaceRule& place, int location) {
  return refuse("0A000",
                described(column) + (column.tokens == TokenUse::None ? " is encrypted" : " is tokenised") +
                    " and can't be used in " + std::string(place.where),
                location, column.masked ? cell_place::kMaskedHint : place.hint);
}

bool CellBinder::refuse_shown(const EncryptedColumnSpec& column) {
  return refuse("42501", described(column) + " is tokenised: to write to it you need the right to detokenize", -1,
                "An administrator grants it by an access policy with the predicate detokenize on this column.");
}

bool CellBinder::searchable(const EncryptedColumnSpec& column, std::string_view what, bool one_version) {
  if (column.masked) return refuse_masked(column, what);
  if (!column.searchable) {
    return refuse("0A000", described(column) + " is encrypted without equality search: no " + std::string(what), -1,
                  "Look the row up by another column, or declare the column searchable.");
  }
  if (one_version && column.index_versions > 1) {
    return refuse("55000",
                  described(column) + " is being indexed anew: no " + std::string(what) + " until that is done", -1,
                  "Look-ups by =, IN and ANY go on working.");
  }
  return true;
}

bool CellBinder::spend(std::size_t units) {
  static constexpr std::size_t kMaxWork = 2'000'000;
  spent_ += units;
  return spent_ <= kMaxWork || refuse("54001", "statement is too complex", -1);
}

const EncryptedColumnSpec* CellBinder::cell(const BoundColumn& column) const noexcept {
  const EncryptedColumnSpec* const found = written_cell(column);
  return found != nullptr && found->tokens == TokenUse::Shown ? nullptr : found;
}

const EncryptedColumnSpec* CellBinder::written_cell(const BoundColumn& column) const noexcept {
  return column.bare && column.sources.size() == 1 ? columns_.find(column.sources[0]) : nullptr;
}

bool CellBinder::has_cell(const Range& range) const {
  return std::any_of(range.columns.list.begin(), range.columns.list.end(),
                     [&](const BoundColumn& column) { return cell(column) != nullptr; });
}

bool CellBinder::query(PgQuery__Node& node) { return any_query(node, nullptr, output_); }

bool CellBinder::copy_options(const PgQuery__CopyStmt& copy, CopyPlan& plan) {
  const auto one_byte = [](std::string_view text) { return text.size() == 1; };
  for (std::size_t i = 0; i < copy.n_options; ++i) {
    const PgQuery__DefElem& option = *copy.options[i]->def_elem;
    const std::string_view name = option.defname;
    const PgQuery__Node* const value = option.arg;
    const std::string_view text = string_value(value);
    if (name == "format") {
      if (text == "csv") {
        plan.format = CopyPlan::Format::Csv;
      } else if (text == "binary") {
        plan.format = CopyPlan::Format::Binary;
      } else if (text != "text") {
        return unknown("this format of COPY", option.location);
      }
    } else if (name == "delimiter" && one_byte(text)) {
      plan.delimiter = text;
    } else if (name == "null" && value != nullptr && value->node_case == PG_QUERY__NODE__NODE_STRING) {
      plan.null_text = text;
    } else if (name == "quote" && one_byte(text)) {
      plan.quote = text;
    } else if (name == "escape" && one_byte(text)) {
      plan.escape = text;
    } else if (name == "header") {
      const bool yes = value == nullptr || text == "true" || text == "on" ||
                       (value->node_case == PG_QUERY__NODE__NODE_BOOLEAN && value->boolean->boolval != 0) ||
                       (value->node_case == PG_QUERY__NODE__NODE_INTEGER && value->integer->ival == 1);
      const bool no =
          text == "false" || text == "off" ||
          (value != nullptr && value->node_case == PG_QUERY__NODE__NODE_BOOLEAN && value->boolean->boolval == 0) ||
          (value != nullptr && value->node_case == PG_QUERY__NODE__NODE_INTEGER && value->integer->ival == 0);
      if (!yes && !no) return unknown("this HEADER of COPY", option.location);
      plan.header = yes;
    } else if (name != "freeze") {
      return unknown("option " + std::string(name) + " of COPY", option.location);
    }
  }
  return true;
}

bool CellBinder::copy(PgQuery__CopyStmt& copy, CopyPlan& plan) {
  plan.in = copy.is_from != 0;
  if (copy.is_program != 0 || *copy.filename != '\0') {
    return refuse("0A000", "COPY from or to the server's files can't be encrypted or decrypted", -1,
                  "Use COPY … FROM STDIN or TO STDOUT.");
  }
  if (!copy_options(copy, plan)) return false;
  if (copy.relation == nullptr) {
    if (copy.query == nullptr) return unknown("this COPY");
    if (!query(*copy.query) || !open_vault(*copy.query)) return false;
    if (!output_.known) return unknown("* with columns that are not known", -1);
    plan.width = static_cast<std::uint16_t>(output_.list.size());
    return true;
  }
  Range* range = nullptr;
  if (!(plan.in ? modify_target(*copy.relation, range) : table_range(*copy.relation, range))) return false;
  if (range->relation != nullptr &&
      (range->relation->kind == RelKind::View || range->relation->kind == RelKind::MaterializedView)) {
    return unknown("COPY of a view", copy.relation->location);
  }
  for (std::size_t i = 0; i < copy.n_attlist; ++i) {
    const std::string_view name = string_value(copy.attlist[i]);
    const ColumnLookup found = find_column_in(*range, name);
    if (found.status != Lookup::Found) {
      return refuse("42703", "column \"" + std::string(name) + "\" does not exist", copy.relation->location);
    }
    output_.list.push_back(range->columns.list[found.index]);
  }
  for (std::size_t i = 0; copy.n_attlist == 0 && i < range->columns.list.size(); ++i) {
    const CatalogColumn* const column = range->relation->column(range->columns.list[i].name);
    if (column != nullptr && column->generated != Generated::No) continue;  // COPY leaves them out
    output_.list.push_back(range->columns.list[i]);
  }
  if (!copy_vault(plan.in)) return false;
  for (const BoundColumn& column : output_.list) {
    const EncryptedColumnSpec* const written = plan.in ? written_cell(column) : nullptr;
    if (written != nullptr && written->tokens == TokenUse::Shown) return refuse_shown(*written);
  }
  for (std::size_t i = 0; plan.in && i < range->columns.list.size(); ++i) {
    const EncryptedColumnSpec* const column = written_cell(range->columns.list[i]);
    const auto same = [&](const BoundColumn& listed) { return written_cell(listed) == column; };
    if (column != nullptr && std::none_of(output_.list.begin(), output_.list.end(), same) &&
        !default_is_safe(*range, *column)) {
      return false;
    }
  }
  plan.width = static_cast<std::uint16_t>(output_.list.size());
  met_cell_ = met_cell_ || std::any_of(output_.list.begin(), output_.list.end(),
                                       [&](const BoundColumn& column) { return cell(column) != nullptr; });
  Level level;
  level.visible.push_back({.range = range});
  return expression(copy.where_clause, {level});
}

}  // namespace bartizan::sql
