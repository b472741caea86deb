// One depot's EncryptedDepot, made of its records, its catalog and its keys.
#pragma once

#include <memory>
#include <optional>
#include <set>
#include <vector>

#include "bartizan/cells/encrypted_depot.hpp"
#include "bartizan/control/cell_keys.hpp"
#include "bartizan/policy/model.hpp"
#include "bartizan/postgres/control_connection.hpp"
#include "bartizan/sql/logical_types.hpp"
#include "bartizan/store/encrypted_columns.hpp"

namespace bartizan::control {

/// Whose keys a column of the depot is under that is not per tenant.
[[nodiscard]] keys::KeyringOwner owner_of(const policy::Depot& depot);
[[nodiscard]] transform::CellPlace place_of(const policy::Depot& depot, const store::EncryptedColumn& column);
[[nodiscard]] sql::LogicalColumnType type_of(const store::EncryptedColumn& column);

/// nullopt: it holds cells.
[[nodiscard]] std::optional<transform::TokenShape> shape_of(const store::EncryptedColumn& column);

/// Which columns are encrypted, and that the depot is closed while one changes its form.
[[nodiscard]] bool closes(store::ColumnState state) noexcept;
[[nodiscard]] bool holds_cells(store::ColumnState state) noexcept;

/// Without version and generation. Columns must have their cells in the catalog: FailedPrecondition.
/// Keys that are destroyed are left out: what is under them stays shut. reviewed: functions that may be called.
[[nodiscard]] Result<std::shared_ptr<cells::EncryptedDepot>> make_depot(
    const std::vector<Uuid>& tenants, const policy::Depot& depot, const std::vector<store::EncryptedColumn>& columns,
    std::shared_ptr<const sql::Catalog> catalog, const std::set<sql::Oid>& reviewed, CellKeys& keys);

/// Of one depot, in whatever state: what holds cells the catalog tells (sql::with_logical_types). Columns of tokens are
/// not among them: they have the type that applications see.
[[nodiscard]] std::vector<sql::LogicalColumn> logical_columns(const std::vector<store::EncryptedColumn>& columns,
                                                              policy::DepotId depot);

/// By login, what search_path is where the client states none.
[[nodiscard]] Result<void> read_search_paths(postgres::ControlConnection& connection, SteadyTime deadline,
                                             cells::EncryptedDepot& depot);

}  // namespace bartizan::control
