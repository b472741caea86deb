#include "subject_cells.hpp"

#include <algorithm>
#include <array>
#include <vector>

#include "bartizan/control/runtime.hpp"
#include "bartizan/postgres/control_connection.hpp"
#include "bartizan/store/depots.hpp"
#include "bartizan/store/encrypted_columns.hpp"
#include "row_keys.hpp"

namespace bartizan::control {
namespace {

using postgres::quote_identifier;

constexpr auto kCountFor = std::chrono::seconds(60);

/// A cell states its key's id (docs/formats/cell.md): other tenants' cells in the same column are not the owner's.
std::string keys_in(const keys::Keyring& keyring) {
  std::string out;
  for (const auto& version : keyring.versions()) {
    if (version.purpose != keys::KeyPurpose::Data) continue;
    std::array<std::byte, 4> id{};
    store_be32(id.data(), version.id.get());
    out += (out.empty() ? "'\\x" : ", '\\x") + hex_encode(id) + "'";
  }
  return out;
}

Result<std::uint64_t> count(postgres::ControlConnection& connection, const store::EncryptedColumn& column,
                            const RowKey& row_key, const std::string& keys, const SecretBytes& subject,
                            SteadyTime until) {
  const auto name = quote_identifier(column.column);
  const std::vector<std::optional<std::string>> value = {std::string(subject.reveal_chars())};
  BZ_TRY(const auto rows,
         connection.exec("SELECT count(*) FROM " + quote_identifier(column.schema) + "." +
                             quote_identifier(column.table) + " WHERE " + quote_identifier(row_key.front().column) +
                             " = $1 AND pg_catalog.substr(" + name + ", 3, 4) IN (" + keys + ")",
                         value, until));
  return static_cast<std::uint64_t>(std::stoull(rows.at(0, 0).value_or("0")));
}

}  // namespace

Result<std::uint64_t> cells_of_subject(const Call& call, const keys::Keyring& keyring, const SecretBytes& subject) {
  const auto keys = keys_in(keyring);
  if (keys.empty()) return 0;
  std::vector<store::Record<store::EncryptedColumn>> columns;
  std::vector<store::Record<policy::Depot>> depots;
  {
    BZ_TRY(auto transaction, call.read());
    BZ_TRY(columns, store::EncryptedColumns(transaction).list());
    BZ_TRY(depots, store::Depots(transaction).list());
  }
  const auto until = call.context.clock.steady() + kCountFor;
  std::uint64_t cells = 0;
  for (const auto& [column, meta] : columns) {
    if (!column.by_subject) continue;
    BZ_TRY(const auto row_key, read_row_key(column.row_key));
    const auto depot = std::ranges::find_if(depots, [&](const auto& one) { return one.value.id == column.depot; });
    const transform::RowKeyField field{.type = row_key.front().type, .field = subject.reveal()};
    if (depot == depots.end() || !transform::row_digest_of({&field, 1})) continue;
    BZ_TRY(auto connection, call.context.runtime.embedded_superuser(depot->value.database, until));
    BZ_TRY(const auto found, count(connection, column, row_key, keys, subject, until));
    cells += found;
  }
  return cells;
}

}  // namespace bartizan::control
