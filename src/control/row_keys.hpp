// The key that a row-bound column's cells are bound by: chosen when the column is declared, kept by name and type
// in the control database, and held against the table whenever that is read.
#pragma once

#include <string>
#include <vector>

#include "bartizan/base/clock.hpp"
#include "bartizan/base/result.hpp"
#include "bartizan/postgres/control_connection.hpp"
#include "bartizan/sql/catalog.hpp"
#include "bartizan/transform/row_key.hpp"

namespace bartizan::control {

struct RowKeyPart {
  std::string column;
  transform::ValueType type = transform::ValueType::Int8;
};
/// In the key's order; empty: the column is not bound.
using RowKey = std::vector<RowKeyPart>;

/// docs/formats/control-schema.md, `row_key`. Malformed.
[[nodiscard]] Result<RowKey> read_row_key(const std::string& text);
[[nodiscard]] std::string write_row_key(const RowKey& key);

/// The table's primary key, if cells can be bound by it; FailedPrecondition says why not. connection: for what the
/// catalog does not hold, how its columns are collated and whether another table's change changes them.
[[nodiscard]] Result<RowKey> primary_key_of(const sql::CatalogRelation& table, postgres::ControlConnection& connection,
                                            SteadyTime deadline);
/// The column that says whose a row is, of whatever else the same holds.
[[nodiscard]] Result<RowKey> subject_key_of(const sql::CatalogRelation& table, const std::string& column,
                                            postgres::ControlConnection& connection, SteadyTime deadline);
/// Where the table has the key. FailedPrecondition: a column is gone, or of another type than then.
[[nodiscard]] Result<std::vector<sql::AttrNumber>> attributes_of(const RowKey& key, const sql::CatalogRelation& table);
/// Of a row's key in text, as PostgreSQL prints it. nullopt fields are NULL.
[[nodiscard]] Result<transform::RowDigest> row_digest_of(const RowKey& key,
                                                         std::span<const std::optional<std::string>> values);

}  // namespace bartizan::control
