// The vault of a depot (docs/formats/vault.md): which value a random token stands for, sealed, in the depot's own database.
#pragma once

#include "bartizan/base/clock.hpp"
#include "bartizan/postgres/control_connection.hpp"
#include "bartizan/store/encrypted_columns.hpp"

namespace bartizan::control {

/// The table and the functions, which alone read and write it.
[[nodiscard]] Result<void> make_vault(postgres::ControlConnection& connection, SteadyTime until);
/// Every entry of the column is forgotten.
[[nodiscard]] Result<void> empty_vault(postgres::ControlConnection& connection, const store::EncryptedColumn& column,
                                       SteadyTime until);
/// SQL: a call of a function of the vault for the column. argument: SQL.
[[nodiscard]] std::string vault_call(const char* function, const store::EncryptedColumn& column,
                                     const std::string& argument);

}  // namespace bartizan::control
