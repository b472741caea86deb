#include "bartizan/cells/session_cells.hpp"

#include <algorithm>

#include "bartizan/cells/time_zones.hpp"

namespace bartizan::cells {

namespace {

constexpr std::size_t kMostNames = 65'536;

}  // namespace

SessionCells::SessionCells(std::shared_ptr<const EncryptedDepot> depot, DepotHolder& holder, CellCiphers& ciphers,
                           SessionFacts facts)
    : depot_(std::move(depot)), holder_(holder), ciphers_(ciphers), facts_(std::move(facts)) {
  renew_class();
}
SessionCells::~SessionCells() = default;

/// Newer keys and a newer catalog of the same columns; another generation ends the session.
void SessionCells::renew() {
  const auto changes = holder_.changes();
  if (changes == seen_changes_) return;
  seen_changes_ = changes;
  auto newest = holder_.find(facts_.depot);
  if (newest != nullptr && newest->columns != nullptr && newest->generation == depot_->generation)
    depot_ = std::move(newest);
  renew_class();
  new_tables_.forget_known(depot_->columns->catalog());
}

void SessionCells::renew_class() {
  own_columns_ = ciphers_.columns_for(*depot_, facts_.detokenizes);
  if (facts_.of_class) class_columns_ = ciphers_.class_columns(*depot_, *facts_.of_class, facts_.detokenizes);
}

std::vector<std::string> SessionCells::first_detokenized(const CellText& text) {
  std::vector<std::string> out;
  const auto meet = [&](std::uint32_t number) {
    const CellColumn* const column = column_of(*depot_, number);
    if (column != nullptr && column->tokens && detokenized_.insert(number).second) out.push_back(column->name);
  };
  for (const auto& parameter : text.parameters)
    if (parameter.action != sql::CellAction::Pass) meet(parameter.column);
  for (const auto& statement : text.statements)
    for (const auto& column : statement.columns) meet(column.column);
  for (const auto number : text.constants) meet(number);
  return out;
}

const CellColumn* SessionCells::column_of(const EncryptedDepot& depot, std::uint32_t number) const noexcept {
  const auto* const masked = class_columns_ == nullptr ? nullptr : class_columns_->find_masked(number);
  return depot.find(masked == nullptr ? number : masked->number);
}

transform::ValueSettings SessionCells::value_settings(const ReadSettings& settings) const {
  transform::ValueSettings out;
  out.time_zone = time_zone(settings.time_zone);
  out.iso_dates = settings.date_style.empty() || settings.date_style.starts_with("ISO");
  return out;
}

void SessionCells::put_statement(const std::string& name, std::shared_ptr<const CellText> text) {
  if (plans_.size() >= kMostNames && !plans_.contains(name)) return;
  std::shared_ptr<sql::PlannedStatement> plan;
  if (text != nullptr && !text->statements.empty()) {
    plan = std::make_shared<sql::PlannedStatement>();
    plan->kind = text->statements[0].kind;
    plan->touched = true;
    plan->parameters = text->parameters;
    plan->parameter_types = text->parameter_types;
    plan->columns = text->statements[0].columns;
    plan->hidden = text->statements[0].hidden;
    plan->rows = text->rows;
  }
  plans_.insert_or_assign(name, std::move(plan));
  statements_.insert_or_assign(name, std::move(text));
}

void SessionCells::put_portal(const std::string& name, std::shared_ptr<const CellText> text) {
  if (cursors_.size() >= kMostNames && !cursors_.contains(name)) return;
  std::shared_ptr<sql::PlannedStatement> plan;
  if (text != nullptr && !text->statements.empty()) {
    plan = std::make_shared<sql::PlannedStatement>();
    plan->touched = true;
    plan->columns = text->statements[0].columns;
    plan->hidden = text->statements[0].hidden;
  }
  cursors_.insert_or_assign(name, std::move(plan));
  portals_.insert_or_assign(name, std::move(text));
}

void SessionCells::forget_statement(const std::string& name) {
  plans_.erase(name);
  statements_.erase(name);
}

void SessionCells::forget_statements() {
  plans_.clear();
  statements_.clear();
}

void SessionCells::forget_portal(const std::string& name) {
  cursors_.erase(name);
  portals_.erase(name);
}

void SessionCells::follow(const CellText* text, std::size_t i, const sql::Statement* statement) {
  if (statement == nullptr) return;
  using enum sql::Kind;
  if (statement->kind == Prepare || statement->kind == Declare) {
    const CellStatement* const planned = text == nullptr ? nullptr : text->statement(i);
    std::shared_ptr<CellText> named;
    if (planned != nullptr && planned->named != nullptr) {
      named = std::make_shared<CellText>();
      named->depot = text->depot;
      named->parameters = planned->named->parameters;
      named->parameter_types = planned->named->parameter_types;
      named->rows = planned->named->rows;
      CellStatement only;
      only.kind = Select;
      only.columns = planned->named->columns;
      only.hidden = planned->named->hidden;
      named->statements.push_back(std::move(only));
    }
    if (statement->kind == Prepare)
      put_statement(statement->name, std::move(named));
    else
      put_portal(statement->name, std::move(named));
    return;
  }
  if (statement->kind == Deallocate) {
    if (statement->name.empty())
      forget_statements();
    else
      forget_statement(statement->name);
  }
  if (statement->kind == Discard && statement->name.empty()) {
    forget_statements();
    cursors_.clear();
    portals_.clear();
    temporary_.clear();
  }
  if (statement->kind == Close) {
    if (statement->name.empty()) {
      cursors_.clear();
      portals_.clear();
    } else {
      forget_portal(statement->name);
    }
  }
  new_tables_.note(*statement, *depot_->columns);
  if (statement->pin == sql::PinReason::TempTable) {
    for (const auto& relation : statement->relations) {
      if (relation.access == sql::Access::Write && temporary_.size() < kMostNames) temporary_.insert(relation.name);
    }
  }
  const bool makes = statement->kind == Ddl || statement->kind == Grant || statement->command_tag == "SELECT INTO" ||
                     statement->command_tag == "CREATE TABLE AS";
  if (makes) holder_.ask_to_look();
}

std::optional<std::shared_ptr<const CellText>> SessionCells::statement_of(const std::string& name) const {
  const auto found = statements_.find(name);
  return found == statements_.end() ? std::nullopt : std::optional(found->second);
}

std::optional<std::shared_ptr<const CellText>> SessionCells::portal_of(const std::string& name) const {
  const auto found = portals_.find(name);
  return found == portals_.end() ? std::nullopt : std::optional(found->second);
}

bool SessionCells::tells_binary(std::size_t column) const noexcept {
  return column < told_binary_.size() && told_binary_[column] != 0;
}

}  // namespace bartizan::cells
