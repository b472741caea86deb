#include "records.hpp"

#include <array>
#include <charconv>

namespace bartizan::store {
namespace {

std::optional<std::int64_t> parse_integer(std::string_view text) {
  std::int64_t value = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
  if (parsed.ec != std::errc{} || parsed.ptr != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace

std::optional<std::string_view> RowReader::next() {
  if (!ok_ || column_ >= rows_.columns()) {
    ok_ = false;
    return std::nullopt;
  }
  return rows_.at(row_, column_++);
}

template <class T>
T RowReader::required(std::optional<T> value) {
  if (!value) ok_ = false;
  return ok_ ? std::move(*value) : T{};
}

std::optional<std::string> RowReader::text_or_null() {
  const auto field = next();
  return field ? std::optional(std::string(*field)) : std::nullopt;
}

std::optional<Uuid> RowReader::uuid_or_null() {
  const auto field = next();
  if (!field) return std::nullopt;
  auto id = Uuid::parse(*field);
  if (!id) ok_ = false;
  return id;
}

std::optional<WallTime> RowReader::time_or_null() {
  const auto field = next();
  if (!field) return std::nullopt;
  const auto micros = parse_integer(*field);
  if (!micros) ok_ = false;
  return micros ? std::optional(WallTime(std::chrono::microseconds(*micros))) : std::nullopt;
}

std::optional<Bytes> RowReader::bytes_or_null() {
  const auto field = next();
  if (!field) return std::nullopt;
  auto bytes = field->starts_with("\\x") ? hex_decode(field->substr(2)) : std::nullopt;
  if (!bytes) ok_ = false;
  return bytes;
}

std::string RowReader::text() { return required(text_or_null()); }
Uuid RowReader::uuid() { return required(uuid_or_null()); }
WallTime RowReader::time() { return required(time_or_null()); }

std::int64_t RowReader::integer() {
  const auto field = next();
  return required(field ? parse_integer(*field) : std::nullopt);
}

bool RowReader::boolean() {
  const auto field = next();
  if (field != "t" && field != "f") ok_ = false;
  return ok_ && field == "t";
}

Meta RowReader::meta() {
  Meta meta;
  meta.version = integer();
  meta.created_at = time();
  meta.created_by = text();
  meta.updated_at = time();
  meta.updated_by = text();
  return meta;
}

tl::unexpected<Error> unexpected_row() {
  return fail(Errc::Internal, "the control database holds a row of another form than this program knows");
}

Error why_no_row(Transaction& transaction, const char* table, const Uuid& id) {
  const std::array<Text, 1> parameters = {id.to_string()};
  auto rows =
      transaction.query("SELECT version FROM bartizan." + std::string(table) + " WHERE id = $1::uuid", parameters);
  if (!rows) return std::move(rows).error();
  if (rows->empty()) return {Errc::NotFound, "it is not there any more"};
  return {Errc::Conflict, "it was changed meanwhile: its version is now " + std::string(rows->at(0, 0).value_or("?"))};
}

Result<void> remove_row(Transaction& transaction, const char* table, const Uuid& id, std::int64_t version) {
  const std::array<Text, 2> parameters = {id.to_string(), std::to_string(version)};
  BZ_TRY(const Rows rows, transaction.query("DELETE FROM bartizan." + std::string(table) +
                                                " WHERE id = $1::uuid AND version = $2::bigint",
                                            parameters));
  if (rows.affected() == 0) return tl::unexpected<Error>(why_no_row(transaction, table, id));
  return {};
}

}  // namespace bartizan::store
