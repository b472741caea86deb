#include "cell_survey.hpp"

#include <algorithm>
#include <array>

#include "bartizan/base/log.hpp"

namespace bartizan::control {
namespace {

using postgres::quote_identifier;
using Text = std::optional<std::string>;

constexpr std::uint64_t kBlocksCounted = 4096;
constexpr std::uint64_t kBlocksResealed = 8;
constexpr std::size_t kMaxCellBytes = std::size_t{256} << 20;

std::string table_of(const CellPosition& position) {
  return quote_identifier(position.schema) + "." + quote_identifier(position.table);
}

/// Bytes 2 to 5 of a cell: docs/formats/cell.md.
std::string under_key(const CellPosition& position) {
  return "pg_catalog.substr(" + quote_identifier(position.column) + ", 3, 4) = $3::pg_catalog.bytea";
}

std::array<Text, 3> range(std::uint64_t first, std::uint64_t end, keys::KeyId key) {
  std::array<std::byte, 4> id{};
  store_be32(id.data(), key.get());
  return {Text("(" + std::to_string(first) + ",0)"), Text("(" + std::to_string(end) + ",0)"),
          Text("\\x" + hex_encode(id))};
}

/// Of a row with the subject's columns from the second on. A row without a subject is nobody's: it counts.
bool is_destroyed(const postgres::Rows& rows, std::size_t row, const RowKey& row_key,
                  const keys::SubjectTree* subjects) {
  if (subjects == nullptr || row_key.empty()) return false;
  std::vector<Text> values;
  for (std::size_t k = 0; k < row_key.size(); ++k) values.push_back(rows.at(row, 1 + k));
  const auto digest = row_digest_of(row_key, values);
  return digest && subjects->is_destroyed(subjects->id_of(*digest));
}

constexpr const char* kInRange = " WHERE ctid >= $1::pg_catalog.tid AND ctid < $2::pg_catalog.tid AND ";

}  // namespace

Result<void> CellSurvey::prepare() {
  BZ_CHECK(
      connection_.exec("SET search_path = pg_catalog; SET bytea_output = hex; SET statement_timeout = 0; "
                       "SET lock_timeout = '2s'; SET session_replication_role = replica",
                       deadline()));
  return {};
}

Result<std::vector<CellPosition>> CellSurvey::positions() {
  BZ_TRY(const auto rows,
         connection_.exec(
             "SELECT n.nspname, c.relname, a.attname FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_class c "
             "ON c.oid = a.attrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE a.atttypid "
             "= pg_catalog.to_regtype('bartizan_cells.cell') AND a.attnum > 0 AND NOT a.attisdropped AND "
             "c.relkind IN ('r', 'm') AND c.relpersistence <> 't' ORDER BY 1, 2, 3",
             deadline()));
  std::vector<CellPosition> out;
  for (std::size_t i = 0; i < rows.size(); ++i)
    out.push_back({rows.at(i, 0).value_or(""), rows.at(i, 1).value_or(""), rows.at(i, 2).value_or("")});
  return out;
}

Result<std::uint64_t> CellSurvey::blocks_of(const CellPosition& position) {
  BZ_TRY(const auto blocks,
         connection_.scalar("SELECT pg_catalog.pg_relation_size(" + postgres::quote_literal(table_of(position)) +
                                "::pg_catalog.regclass) / pg_catalog.current_setting('block_size')::pg_catalog.int8",
                            deadline()));
  return static_cast<std::uint64_t>(std::stoull(blocks));
}

Result<CellSurvey::Counted> CellSurvey::count_in_snapshot(const CellPosition& position, keys::KeyId key,
                                                          const RowKey& row_key, const keys::SubjectTree* subjects) {
  // The snapshot comes first: what it sees lies within the blocks that are there afterwards.
  BZ_CHECK(connection_.exec("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SELECT 1", deadline()));
  BZ_TRY(const auto blocks, blocks_of(position));
  Counted counted;
  std::string whose;
  if (subjects != nullptr)
    for (const auto& part : row_key) whose += ", " + quote_identifier(part.column);
  const auto text = "SELECT count(*)" + whose + " FROM ONLY " + table_of(position) + kInRange + under_key(position) +
                    (whose.empty() ? "" : " GROUP BY " + whose.substr(2));
  for (std::uint64_t first = 0; first < blocks; first += kBlocksCounted) {
    if (stopped_()) return fail(Errc::Cancelled, "broken off");
    BZ_TRY(const auto rows, connection_.exec(text, range(first, first + kBlocksCounted, key), deadline()));
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const auto cells = static_cast<std::uint64_t>(std::stoull(rows.at(i, 0).value_or("0")));
      (is_destroyed(rows, i, row_key, subjects) ? counted.destroyed : counted.cells) += cells;
    }
  }
  return counted;
}

Result<CellSurvey::Counted> CellSurvey::count(const CellPosition& position, keys::KeyId key, const RowKey& row_key,
                                              const keys::SubjectTree* subjects) {
  auto counted = count_in_snapshot(position, key, row_key, subjects);
  if (connection_.open()) BZ_CHECK(connection_.exec("ROLLBACK", deadline()));
  return counted;
}

Result<std::uint64_t> CellSurvey::transactions_older_than(std::chrono::milliseconds age) {
  const std::array<Text, 1> parameters = {Text(std::to_string(age.count()))};
  BZ_TRY(const auto rows,
         connection_.exec(
             "SELECT (SELECT count(*) FROM pg_catalog.pg_stat_activity WHERE datname = "
             "pg_catalog.current_database() AND pid <> pg_catalog.pg_backend_pid() AND backend_type = 'client "
             "backend' AND xact_start < pg_catalog.clock_timestamp() - $1::pg_catalog.int8 * interval '1 "
             "millisecond') + (SELECT count(*) FROM pg_catalog.pg_prepared_xacts WHERE database = "
             "pg_catalog.current_database())",
             parameters, deadline()));
  return static_cast<std::uint64_t>(std::stoull(rows.at(0, 0).value_or("1")));
}

Result<void> CellSurvey::reseal_rows(const CellPosition& position, const postgres::Rows& rows,
                                     transform::ColumnCipher& cipher, const RowKey& row_key, Random& random,
                                     Resealed& done) {
  const auto column = quote_identifier(position.column);
  // Whoever holds a row's lock is not waited for: so nobody can be caught in a deadlock with this.
  const auto swap = "UPDATE ONLY " + table_of(position) + " SET " + column +
                    " = $1::pg_catalog.bytea WHERE ctid = (SELECT ctid FROM ONLY " + table_of(position) +
                    " WHERE ctid = $2::pg_catalog.tid AND " + column +
                    " = $3::pg_catalog.bytea FOR NO KEY UPDATE SKIP LOCKED)";
  Bytes room;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const auto text = rows.at(i, 1).value_or("");
    BZ_TRY(const ByteView cell, transform::cell_of_field(transform::WireFormat::Text, as_bytes(text), room));
    transform::WipedBytes value;
    transform::BoundedBytes canonical(value.use(cell.size()), kMaxCellBytes);
    std::optional<transform::RowDigest> row;
    if (!row_key.empty()) {
      std::vector<Text> values;
      for (std::size_t k = 0; k < row_key.size(); ++k) values.push_back(rows.at(i, 2 + k));
      const auto digest = row_digest_of(row_key, values);
      // A key that binds nothing: the cell opens by no digest.
      row = digest ? *digest : transform::RowDigest{};
    }
    if (const auto opened = cipher.open(cell, row ? &*row : nullptr, canonical); !opened) {
      ++(opened.error().code == Errc::NotFound ? done.destroyed : done.damaged);
      continue;
    }
    Bytes fresh;
    transform::BoundedBytes sealed(fresh, kMaxCellBytes);
    BZ_CHECK(cipher.seal(value.view(), row ? &*row : nullptr, random, sealed));
    const std::array<Text, 3> parameters = {Text("\\x" + hex_encode(fresh)), rows.at(i, 0), rows.at(i, 1)};
    BZ_TRY(const auto swapped, connection_.exec(swap, parameters, deadline()));
    if (swapped.command_tag() == "UPDATE 1") ++done.cells;
  }
  return {};
}

Result<CellSurvey::Resealed> CellSurvey::reseal(const CellPosition& position, keys::KeyId from,
                                                transform::ColumnCipher& cipher, const RowKey& row_key, Random& random,
                                                const std::function<void(std::uint64_t)>& paced) {
  Resealed done;
  BZ_TRY(const auto blocks, blocks_of(position));
  std::string keys;
  for (const auto& part : row_key) keys += ", " + quote_identifier(part.column);
  const auto read = "SELECT ctid::pg_catalog.text, " + quote_identifier(position.column) + "::pg_catalog.bytea" + keys +
                    " FROM ONLY " + table_of(position) + kInRange + under_key(position);
  for (std::uint64_t first = 0; first < blocks; first += kBlocksResealed) {
    if (stopped_()) return fail(Errc::Cancelled, "broken off");
    BZ_TRY(const auto rows, connection_.exec(read, range(first, first + kBlocksResealed, from), deadline()));
    if (rows.empty()) continue;
    const auto before = done.cells;
    BZ_CHECK(connection_.exec("BEGIN", deadline()));
    auto swapped = reseal_rows(position, rows, cipher, row_key, random, done);
    if (connection_.open()) {
      auto ended = connection_.exec(swapped ? "COMMIT" : "ROLLBACK", deadline());
      if (swapped && !ended) swapped = tl::unexpected(ended.error());
    }
    BZ_CHECK(swapped);
    paced(done.cells - before);
  }
  return done;
}

}  // namespace bartizan::control
