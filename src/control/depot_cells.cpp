#include "depot_cells.hpp"

#include <algorithm>

#include "bartizan/base/log.hpp"
#include "column_migrator.hpp"
#include "row_keys.hpp"

namespace bartizan::control {

namespace {

std::int16_t length_of(std::uint32_t type) noexcept {
  switch (type) {
    case 16: return 1;
    case 21: return 2;
    case 23:
    case 1082: return 4;
    case 20:
    case 1114:
    case 1184: return 8;
    case 2950: return 16;
    default: return -1;
  }
}

/// Indexes of one domain compare: a number for each.
std::uint64_t domain_number(const Uuid& domain) {
  const auto text = domain.to_string();
  return std::hash<std::string>{}(text);
}

}  // namespace

keys::KeyringOwner owner_of(const policy::Depot& depot) {
  return depot.tenant ? keys::KeyringOwner::of_tenant(depot.tenant->get())
                      : keys::KeyringOwner::of_depot(depot.id.get());
}

transform::CellPlace place_of(const policy::Depot& depot, const store::EncryptedColumn& column) {
  transform::CellPlace place;
  place.tenant = depot.tenant ? depot.tenant->get() : Uuid{};
  place.column = column.id;
  place.column_ref = static_cast<std::uint16_t>(column.number);
  place.type = transform::value_type_of(column.type_oid).value_or(transform::ValueType::Text);
  place.row_bound = !column.row_key.empty();
  place.by_subject = column.by_subject;
  return place;
}

sql::LogicalColumnType type_of(const store::EncryptedColumn& column) {
  return {column.type_oid, length_of(column.type_oid), column.typmod};
}

std::optional<transform::TokenShape> shape_of(const store::EncryptedColumn& column) {
  if (!column.tokenised()) return std::nullopt;
  return transform::TokenShape{column.token_alphabet, column.token_separators, column.token_vaulted};
}

bool closes(store::ColumnState state) noexcept {
  return state == store::ColumnState::Cutting || state == store::ColumnState::Restoring;
}

bool holds_cells(store::ColumnState state) noexcept {
  return state == store::ColumnState::Encrypted || state == store::ColumnState::Decrypting;
}

Result<std::shared_ptr<cells::EncryptedDepot>> make_depot(const std::vector<Uuid>& tenants, const policy::Depot& depot,
                                                          const std::vector<store::EncryptedColumn>& columns,
                                                          std::shared_ptr<const sql::Catalog> catalog,
                                                          const std::set<sql::Oid>& reviewed, CellKeys& keys) {
  auto out = std::make_shared<cells::EncryptedDepot>();
  std::vector<sql::EncryptedColumnSpec> specs;
  const auto* const domain = catalog->type(kCellSchema, kCellDomain);
  for (const auto& column : columns) {
    if (!holds_cells(column.state)) continue;
    const auto* const relation = catalog->relation(column.schema, column.table);
    const auto* const stored = relation == nullptr ? nullptr : relation->column(std::string_view(column.column));
    if (column.tokenised() && (stored == nullptr || stored->type != column.type_oid))
      return fail(Errc::FailedPrecondition, "column " + column.shown() + " is not one of tokens any more");
    if (!column.tokenised() && (stored == nullptr || domain == nullptr || stored->type != domain->oid))
      return fail(Errc::FailedPrecondition, "column " + column.shown() + " is not one of cells any more");
    sql::EncryptedColumnSpec spec;
    spec.column = {relation->oid, stored->attnum};
    spec.number = column.number;
    spec.type = type_of(column);
    spec.searchable = column.searchable || column.tokenised();
    // Who may detokenize is found out for each session; nobody may, as it stands here.
    spec.tokens = column.tokenised() ? sql::TokenUse::Shown : sql::TokenUse::None;
    if (column.token_vaulted) spec.vault = column.id.to_string();
    spec.join_domain = domain_number(column.join_domain);
    if (column.stored_index)
      for (const auto& other : relation->columns)
        if (other.generated == sql::Generated::Stored && other.name == stored_index_of(column.column))
          spec.index_column = other.attnum;
    if (column.stored_index && spec.index_column == 0)
      return fail(Errc::FailedPrecondition, "column " + column.shown() + " has lost its stored index");
    BZ_TRY(const auto row_key, read_row_key(column.row_key));
    BZ_TRY(spec.row_key, attributes_of(row_key, *relation));
    cells::CellColumn cell;
    cell.row_bound = !row_key.empty();
    cell.by_subject = column.by_subject;
    cell.number = column.number;
    cell.id = column.id;
    cell.type = place_of(depot, column).type;
    cell.typmod = column.typmod;
    cell.name = column.shown();
    cell.per_tenant = column.per_tenant;
    cell.tokens = shape_of(column);
    cell.place_tenant = place_of(depot, column).tenant;
    const auto give = [&](const keys::KeyringOwner& owner, const Uuid& under) {
      auto found = keys.keys_of(owner, column.id, column.join_domain, column.searchable || column.tokenised(),
                                column.by_subject);
      if (found)
        cell.keys.emplace(under, std::move(*found));
      else
        BZ_LOG(Warn, "cells.no_keys", {"column", cell.name}, {"owner", owner.id.to_string()},
               {"reason", found.error().detail});
    };
    if (!column.per_tenant) give(owner_of(depot), Uuid{});
    if (column.per_tenant)
      for (const auto& tenant : tenants) give(keys::KeyringOwner::of_tenant(tenant), tenant);
    if (!column.tokenised())
      spec.index_versions = static_cast<std::uint8_t>(std::clamp<std::size_t>(cells::most_indexes(cell), 1, 255));
    specs.push_back(spec);
    out->cells.push_back(std::move(cell));
  }
  std::ranges::sort(out->cells, {}, &cells::CellColumn::number);
  BZ_TRY(out->columns,
         sql::EncryptedColumns::make(std::move(catalog), std::move(specs), {reviewed.begin(), reviewed.end()}));
  return out;
}

std::vector<sql::LogicalColumn> logical_columns(const std::vector<store::EncryptedColumn>& columns,
                                                policy::DepotId depot) {
  std::vector<sql::LogicalColumn> out;
  for (const auto& column : columns)
    if (column.depot == depot && !column.tokenised())
      out.push_back({column.schema, column.table, column.column, column.type_oid, column.typmod,
                     column.stored_index ? stored_index_of(column.column) : std::string()});
  return out;
}

Result<void> read_search_paths(postgres::ControlConnection& connection, SteadyTime deadline,
                               cells::EncryptedDepot& depot) {
  BZ_TRY(const auto rows,
         connection.exec(
             "SELECT r.rolname, coalesce((SELECT pg_catalog.substr(c, 13) FROM pg_catalog.pg_db_role_setting s, "
             "pg_catalog.unnest(s.setconfig) c WHERE s.setdatabase IN (0, d.oid) AND s.setrole IN (0, r.oid) AND "
             "c LIKE 'search\\_path=%' ORDER BY s.setrole DESC, s.setdatabase DESC LIMIT 1), (SELECT boot_val FROM "
             "pg_catalog.pg_settings WHERE name = 'search_path')) FROM pg_catalog.pg_roles r, pg_catalog.pg_database d "
             "WHERE d.datname = pg_catalog.current_database() AND r.rolcanlogin",
             deadline));
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const auto login = rows.at(i, 0).value_or("");
    const auto path = cells::read_path(rows.at(i, 1).value_or(""), login, depot.columns->catalog());
    if (!path) {
      BZ_LOG(Warn, "cells.search_path_unread", {"login", login});
      continue;
    }
    depot.search_paths.insert_or_assign(login, *path);
  }
  return {};
}

}  // namespace bartizan::control
