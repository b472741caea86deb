#include "bartizan/store/encrypted_columns.hpp"

#include <array>
#include <charconv>

#include "records.hpp"

namespace bartizan::store {
namespace {

constexpr std::array<std::pair<ColumnState, std::string_view>, 5> kStates = {{{ColumnState::Encrypting, "encrypting"},
                                                                              {ColumnState::Cutting, "cutting"},
                                                                              {ColumnState::Encrypted, "encrypted"},
                                                                              {ColumnState::Decrypting, "decrypting"},
                                                                              {ColumnState::Restoring, "restoring"}}};

const std::string kColumns =
    "id, depot_id, number, schema_name, table_name, column_name, type_oid, typmod, searchable, is_unique,"
    " stored_index, per_tenant, join_domain, state, row_key, token_alphabet, token_separators, by_subject, token_vaulted, " +
    kMetaColumns;

EncryptedColumn parse(RowReader& row) {
  EncryptedColumn column;
  column.id = row.uuid();
  column.depot = policy::DepotId(row.uuid());
  column.number = static_cast<std::uint32_t>(row.integer());
  column.schema = row.text();
  column.table = row.text();
  column.column = row.text();
  column.type_oid = static_cast<std::uint32_t>(row.integer());
  column.typmod = static_cast<std::int32_t>(row.integer());
  column.searchable = row.boolean();
  column.unique = row.boolean();
  column.stored_index = row.boolean();
  column.per_tenant = row.boolean();
  column.join_domain = row.uuid();
  const auto state = row.text();
  column.row_key = row.text();
  // What is not known closes the depot.
  column.state = ColumnState::Cutting;
  for (const auto& [known, word] : kStates)
    if (word == state) column.state = known;
  column.token_alphabet = row.text();
  column.token_separators = row.text();
  column.by_subject = row.boolean();
  column.token_vaulted = row.boolean();
  return column;
}

}  // namespace

std::string_view to_string(ColumnState state) noexcept {
  for (const auto& [known, word] : kStates)
    if (known == state) return word;
  return "unknown";
}

Result<Record<EncryptedColumn>> EncryptedColumns::add(EncryptedColumn column) {
  if (column.id.is_nil()) column.id = Uuid::random(transaction_.database().random());
  if (column.join_domain.is_nil()) column.join_domain = column.id;
  const std::array<Text, 18> parameters = {column.id.to_string(),
                                           column.depot.get().to_string(),
                                           column.schema,
                                           column.table,
                                           column.column,
                                           std::to_string(column.type_oid),
                                           std::to_string(column.typmod),
                                           boolean_text(column.searchable),
                                           boolean_text(column.unique),
                                           boolean_text(column.stored_index),
                                           boolean_text(column.per_tenant),
                                           column.join_domain.to_string(),
                                           std::string(to_string(column.state)),
                                           column.token_alphabet,
                                           column.token_separators,
                                           column.row_key,
                                           boolean_text(column.by_subject),
                                           boolean_text(column.token_vaulted)};
  BZ_TRY(
      const Rows rows,
      transaction_.query(
          "INSERT INTO bartizan.encrypted_columns (id, depot_id, number, schema_name, table_name, column_name, type_oid,"
          " typmod, searchable, is_unique, stored_index, per_tenant, join_domain, state, token_alphabet, token_separators, row_key,"
          " by_subject, token_vaulted) VALUES ($1::uuid, $2::uuid,"
          " pg_catalog.nextval('bartizan.encrypted_column_numbers'), $3, $4, $5, $6::bigint, $7::int, $8::bool, $9::bool,"
          " $10::bool, $11::bool, $12::uuid, $13, $14, $15, $16, $17::bool, $18::bool) RETURNING " +
              kColumns,
          parameters));
  return read_record(rows, parse, "");
}

Result<std::vector<Record<EncryptedColumn>>> EncryptedColumns::list() {
  BZ_TRY(const Rows rows,
         transaction_.query("SELECT " + kColumns + " FROM bartizan.encrypted_columns ORDER BY number", {}));
  return read_records(rows, parse);
}

Result<void> EncryptedColumns::set_state(const Uuid& id, ColumnState state) {
  const std::array<Text, 2> parameters = {id.to_string(), std::string(to_string(state))};
  BZ_CHECK(transaction_.query("UPDATE bartizan.encrypted_columns SET state = $2 WHERE id = $1::uuid", parameters));
  return {};
}

Result<void> EncryptedColumns::remove(const Uuid& id) {
  const std::array<Text, 1> parameters = {id.to_string()};
  BZ_CHECK(transaction_.query("DELETE FROM bartizan.encrypted_columns WHERE id = $1::uuid", parameters));
  return {};
}

}  // namespace bartizan::store
