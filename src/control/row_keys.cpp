#include "row_keys.hpp"

#include <charconv>

namespace bartizan::control {

namespace {

/// PostgreSQL's INDEX_MAX_KEYS.
constexpr std::size_t kMostColumns = 32;

tl::unexpected<Error> cannot_bind(const std::string& why) {
  return fail(Errc::FailedPrecondition, "cells can't be bound to the rows of this table: " + why);
}

}  // namespace

Result<RowKey> read_row_key(const std::string& text) {
  RowKey key;
  const auto bad = [] { return fail(Errc::Malformed, "a row key in the control database is not well-formed"); };
  for (std::size_t at = 0; at < text.size();) {
    const auto end = std::min(text.find('\n', at), text.size());
    const auto line = std::string_view(text).substr(at, end - at);
    const auto space = line.find(' ');
    std::uint32_t oid = 0;
    if (space == std::string_view::npos || space + 1 == line.size()) return bad();
    const auto read = std::from_chars(line.data(), line.data() + space, oid);
    const auto type = transform::value_type_of(oid);
    if (read.ec != std::errc() || read.ptr != line.data() + space || !type || !transform::can_be_row_key(*type))
      return bad();
    key.push_back({std::string(line.substr(space + 1)), *type});
    at = end + 1;
  }
  if (key.size() > kMostColumns) return bad();
  return key;
}

std::string write_row_key(const RowKey& key) {
  std::string text;
  for (const auto& part : key)
    text.append(text.empty() ? "" : "\n")
        .append(std::to_string(transform::oid_of(part.type)))
        .append(" " + part.column);
  return text;
}

namespace {

/// deleted: whether a foreign key may change them when the other row is deleted.
Result<RowKey> key_of(const sql::CatalogRelation& table, const std::vector<sql::AttrNumber>& columns,
                      const std::string& what, bool deleted, postgres::ControlConnection& connection,
                      SteadyTime deadline) {
  RowKey key;
  std::string numbers;
  for (const auto attnum : columns) {
    const auto* const column = table.column(attnum);
    const auto type = column == nullptr ? std::nullopt : transform::value_type_of(column->type);
    if (!type || !transform::can_be_row_key(*type))
      return cannot_bind(what + " has a column of another type than int2, int4, int8, uuid, text, varchar, bytea");
    if (column->name.find('\n') != std::string::npos) return cannot_bind("a column's name has a newline");
    if (column->generated != sql::Generated::No) return cannot_bind(what + " is generated");
    key.push_back({column->name, *type});
    numbers.append(numbers.empty() ? "" : ",").append(std::to_string(attnum));
  }
  const auto oid = std::to_string(table.oid);
  BZ_TRY(const auto collated,
         connection.scalar("SELECT count(*) FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_collation c ON c.oid = "
                           "a.attcollation WHERE a.attrelid = " +
                               oid + " AND a.attnum IN (" + numbers + ") AND NOT c.collisdeterministic",
                           deadline));
  if (collated != "0") return cannot_bind("a column of " + what + " has a nondeterministic collation");
  // CASCADE, SET NULL, SET DEFAULT: the key would change without a statement that says so.
  BZ_TRY(
      const auto changed,
      connection.scalar("SELECT count(*) FROM pg_catalog.pg_constraint WHERE contype = 'f' AND conrelid = " + oid +
                            " AND (confupdtype IN ('c', 'n', 'd')" + (deleted ? " OR confdeltype IN ('n', 'd')" : "") +
                            ") AND conkey && ARRAY[" + numbers + "]::int2[]",
                        deadline));
  if (changed != "0")
    return cannot_bind(what + " has a foreign key that changes it (ON UPDATE" + (deleted ? ", ON DELETE)" : ")"));
  return key;
}

}  // namespace

Result<RowKey> primary_key_of(const sql::CatalogRelation& table, postgres::ControlConnection& connection,
                              SteadyTime deadline) {
  const auto* const primary = table.primary_key();
  if (primary == nullptr || primary->columns.empty()) return cannot_bind("it has no primary key");
  return key_of(table, primary->columns, "its primary key", false, connection, deadline);
}

Result<RowKey> subject_key_of(const sql::CatalogRelation& table, const std::string& column,
                              postgres::ControlConnection& connection, SteadyTime deadline) {
  const auto* const found = table.column(std::string_view(column));
  if (found == nullptr) return fail(Errc::NotFound, "the table has no column " + column);
  return key_of(table, {found->attnum}, "column " + column, true, connection, deadline);
}

Result<std::vector<sql::AttrNumber>> attributes_of(const RowKey& key, const sql::CatalogRelation& table) {
  std::vector<sql::AttrNumber> out;
  for (const auto& part : key) {
    const auto* const column = table.column(std::string_view(part.column));
    if (column == nullptr || column->type != transform::oid_of(part.type))
      return fail(Errc::FailedPrecondition, "column " + part.column + " of " + table.schema + "." + table.name +
                                                ", which cells are bound by, is gone or of another type");
    out.push_back(column->attnum);
  }
  return out;
}

Result<transform::RowDigest> row_digest_of(const RowKey& key, std::span<const std::optional<std::string>> values) {
  if (values.size() < key.size()) return fail(Errc::Internal, "a row without its key");
  std::vector<transform::RowKeyField> fields;
  for (std::size_t i = 0; i < key.size(); ++i) {
    transform::RowKeyField field;
    field.type = key[i].type;
    if (values[i]) field.field = as_bytes(*values[i]);
    fields.push_back(field);
  }
  return transform::row_digest_of(fields);
}

}  // namespace bartizan::control
