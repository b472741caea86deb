#include "column_migrator.hpp"

#include <algorithm>
#include <array>

namespace bartizan::control {

namespace {

constexpr const char* kBatch = "500";
constexpr std::size_t kMaxFieldBytes = std::size_t{256} << 20;

const transform::ValueSettings& utc_settings() {
  static const transform::FixedTimeZone utc{std::chrono::seconds(0)};
  static const transform::ValueSettings settings{.time_zone = &utc};
  return settings;
}

/// Within PostgreSQL's limit, and whole characters.
std::string with_ending(const std::string& name, std::string_view ending) {
  std::size_t size = std::min(name.size(), std::size_t{63} - ending.size());
  while (size > 0 && size < name.size() && (static_cast<unsigned char>(name[size]) & 0xC0U) == 0x80U) --size;
  return name.substr(0, size).append(ending);
}

const transform::RowDigest* pointer_to(const std::optional<transform::RowDigest>& row) { return row ? &*row : nullptr; }

Result<std::string> cell_as_text(transform::EncryptedColumn& cipher, std::string_view cell,
                                 const std::optional<transform::RowDigest>& row) {
  Bytes room;
  BZ_TRY(const auto bytes, transform::cell_of_field(transform::WireFormat::Text, as_bytes(cell), room));
  Bytes value;
  transform::BoundedBytes out(value, kMaxFieldBytes);
  BZ_CHECK(cipher.decrypt(bytes, pointer_to(row), transform::WireFormat::Text, utc_settings(), out));
  std::string text(as_chars(value));
  secure_wipe(value.data(), value.size());
  return text;
}

}  // namespace

Result<void> make_cell_domain(postgres::ControlConnection& connection, SteadyTime deadline) {
  BZ_TRY(const auto known,
         connection.exec("SELECT 1 FROM pg_catalog.pg_type t JOIN pg_catalog.pg_namespace n ON n.oid = "
                         "t.typnamespace WHERE n.nspname = 'bartizan_cells' AND t.typname = 'cell'",
                         deadline));
  if (!known.empty()) return {};
  // docs/formats/cell.md
  BZ_CHECK(connection.exec(
      "BEGIN; CREATE SCHEMA IF NOT EXISTS bartizan_cells; GRANT USAGE ON SCHEMA bartizan_cells TO PUBLIC; "
      "CREATE DOMAIN bartizan_cells.cell AS pg_catalog.bytea CHECK (pg_catalog.octet_length(VALUE) >= 48 AND "
      "pg_catalog.get_byte(VALUE, 0) = 199 AND pg_catalog.get_byte(VALUE, 1) >> 4 = 1); COMMIT",
      deadline));
  return {};
}

std::string twin_of(const std::string& column) { return with_ending(column, "_bz_new"); }
std::string stored_index_of(const std::string& column) { return with_ending(column, "_bz"); }

Result<void> ColumnMigrator::steps(const std::vector<sql::MigrationStep>& steps) {
  BZ_CHECK(connection_.exec("BEGIN", deadline()));
  for (const auto& step : steps) {
    auto done = connection_.exec(step.sql, deadline());
    if (done && step.must_be_zero && (done->empty() || done->at(0, 0) != "0"))
      done = fail(Errc::Conflict, "rows are left to do");
    if (done) continue;
    if (connection_.open()) [[maybe_unused]]
      const auto undone = connection_.exec("ROLLBACK", deadline());
    return tl::unexpected(done.error());
  }
  BZ_CHECK(connection_.exec("COMMIT", deadline()));
  return {};
}

Result<std::vector<std::string>> ColumnMigrator::dependents() {
  BZ_TRY(const auto rows, connection_.exec(migration_.dependents, deadline()));
  std::vector<std::string> out;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const auto name = rows.at(i, 1).value_or("");
    const auto object = rows.at(i, 0).value_or("");
    const bool ours = !name.empty() && (name == migration_.index || name == migration_.stored_index);
    if (!ours && !object.starts_with("default ") && object.find("zz_bartizan_stale") == std::string::npos)
      out.push_back(object);
  }
  return out;
}

Result<std::vector<ColumnMigrator::Row>> ColumnMigrator::batch(const std::string& first, const std::string& next,
                                                               const Row& last) {
  Row parameters(last.begin(), last.begin() + static_cast<std::ptrdiff_t>(std::min(last.size(), key_columns_)));
  parameters.emplace_back(kBatch);
  BZ_TRY(const auto rows, connection_.exec(last.empty() ? first : next, parameters, deadline()));
  std::vector<Row> out;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    Row& row = out.emplace_back();
    for (std::size_t c = 0; c < rows.columns(); ++c) row.push_back(rows.at(i, c));
  }
  return out;
}

Result<std::optional<transform::RowDigest>> ColumnMigrator::digest_of(const Row& row) const {
  if (row_key_.empty()) return std::optional<transform::RowDigest>();
  BZ_TRY(const auto digest, row_digest_of(row_key_, std::span(row).subspan(std::min(row.size(), bound_at_))));
  return std::optional(digest);
}

Result<std::string> ColumnMigrator::other_form(const Row& row) {
  const std::string& value = *row.back();
  BZ_TRY(const auto digest, digest_of(row));
  if (!encrypts_) return cell_as_text(cipher_, value, digest);
  Bytes cell;
  transform::BoundedBytes out(cell, kMaxFieldBytes);
  BZ_CHECK(
      cipher_.encrypt(transform::WireFormat::Text, as_bytes(value), utc_settings(), pointer_to(digest), random_, out));
  return "\\x" + hex_encode(cell);
}

/// False: the row was changed meanwhile.
Result<bool> ColumnMigrator::swapped(Row& row) {
  auto form = other_form(row);
  // A cell that nobody can open any more has no other form: it becomes what it is read as.
  const bool forgotten = !form && !encrypts_ && form.error().code == Errc::NotFound;
  if (!form && !encrypts_ && !forgotten) return tl::unexpected(form.error());
  if (!form && !forgotten)
    return fail(form.error().code, form.error().code == Errc::PermissionDenied
                                       ? "a row has a value of a data subject whose keys were destroyed: set it to NULL"
                                       : form.error().detail);
  Row parameters;
  if (form) parameters.emplace_back(std::move(*form));
  parameters.insert(parameters.end(), row.begin(), row.begin() + static_cast<std::ptrdiff_t>(key_columns_));
  parameters.push_back(row[value_at_]);
  const auto done = connection_.exec(forgotten ? migration_.forget : migration_.swap, parameters, deadline());
  if (!done && forgotten)
    return fail(
        Errc::FailedPrecondition,
        "values of data subjects whose keys were destroyed can't become NULL here: delete those rows, or drop NOT "
        "NULL");
  if (!done) return tl::unexpected(done.error());
  return done->command_tag() == "UPDATE 1";
}

Result<void> ColumnMigrator::backfill() {
  BZ_TRY(const auto left, connection_.scalar(migration_.remaining, deadline()));
  figures_.total = figures_.done + std::stoull(left);
  for (;;) {
    Row last;
    bool any = false;
    for (;;) {
      BZ_TRY(auto rows, batch(migration_.read_first, migration_.read_next, last));
      if (rows.empty()) break;
      any = true;
      BZ_CHECK(connection_.exec("BEGIN", deadline()));
      for (auto& row : rows) {
        if (row.size() != value_at_ + 2 || !row.back()) return fail(Errc::Internal, "a row is not as asked for");
        const auto done = swapped(row);
        if (!done) {
          if (connection_.open()) [[maybe_unused]]
            const auto undone = connection_.exec("ROLLBACK", deadline());
          return tl::unexpected(done.error());
        }
        if (*done) ++figures_.done;
        secure_wipe(row.back()->data(), row.back()->size());
      }
      BZ_CHECK(connection_.exec("COMMIT", deadline()));
      last = std::move(rows.back());
    }
    if (!any) return {};
  }
}

Result<std::uint64_t> ColumnMigrator::verify() {
  std::uint64_t count = 0;
  Row last;
  for (;;) {
    BZ_TRY(auto rows, batch(migration_.verify_first, migration_.verify_next, last));
    if (rows.empty()) return count;
    for (const auto& row : rows) {
      const auto& old_form = row[value_at_];
      const auto& new_form = row[value_at_ + 1];
      if (!old_form && new_form) return fail(Errc::Conflict, "a row has a value in its new form alone");
      if (!old_form || !new_form) continue;  // changed meanwhile: still to be done
      BZ_TRY(const auto digest, digest_of(row));
      BZ_TRY(const auto opened, cell_as_text(cipher_, encrypts_ ? *new_form : *old_form, digest));
      if (opened != (encrypts_ ? *old_form : *new_form))
        return fail(Errc::Conflict, "a row's two forms do not say the same");
      ++count;
    }
    last = std::move(rows.back());
  }
}

Result<void> ColumnMigrator::after() {
  for (const auto& text : migration_.after) BZ_CHECK(connection_.exec(text, deadline()));
  return {};
}

}  // namespace bartizan::control
