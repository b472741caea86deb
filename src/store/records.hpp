// From rows to records: a cursor over one row's columns with a sticky error, and the three ways
// in which repositories read (all, one by key, one that was written with a version).
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "bartizan/store/database.hpp"
#include "connection.hpp"

namespace bartizan::store {

/// Reads columns from left to right. After the first that is not what it should be all others
/// are empty, and ok() is false. The Rows must outlive it.
class RowReader {
 public:
  RowReader(const Rows& rows, int row) : rows_(rows), row_(row) {}
  [[nodiscard]] std::string text();
  [[nodiscard]] std::int64_t integer();
  [[nodiscard]] bool boolean();
  [[nodiscard]] Uuid uuid();
  [[nodiscard]] WallTime time();
  [[nodiscard]] std::optional<std::string> text_or_null();
  [[nodiscard]] std::optional<Uuid> uuid_or_null();
  [[nodiscard]] std::optional<WallTime> time_or_null();
  [[nodiscard]] std::optional<Bytes> bytes_or_null();
  [[nodiscard]] Meta meta();  ///< the five columns of kMetaColumns
  [[nodiscard]] bool ok() const noexcept { return ok_; }

 private:
  std::optional<std::string_view> next();
  template <class T>
  T required(std::optional<T> value);

  const Rows& rows_;
  int row_;
  int column_ = 0;
  bool ok_ = true;
};

inline const std::string kMetaColumns =
    "version, bartizan.micros(created_at), created_by, bartizan.micros(updated_at), updated_by";

[[nodiscard]] tl::unexpected<Error> unexpected_row();

/// parse(RowReader&) -> T reads the value's columns; those of Meta follow.
template <class Parse>
auto read_records(const Rows& rows, Parse parse)
    -> Result<std::vector<Record<decltype(parse(std::declval<RowReader&>()))>>> {
  std::vector<Record<decltype(parse(std::declval<RowReader&>()))>> out;
  out.reserve(static_cast<std::size_t>(rows.size()));
  for (int row = 0; row < rows.size(); ++row) {
    RowReader reader(rows, row);
    auto value = parse(reader);
    auto meta = reader.meta();
    if (!reader.ok()) return unexpected_row();
    out.push_back({std::move(value), std::move(meta)});
  }
  return out;
}

/// The only record of a result; NotFound with absent as its detail.
template <class Parse>
auto read_record(const Rows& rows, Parse parse, std::string absent)
    -> Result<Record<decltype(parse(std::declval<RowReader&>()))>> {
  if (rows.empty()) return fail(Errc::NotFound, std::move(absent));
  BZ_TRY(auto records, read_records(rows, parse));
  return std::move(records.front());
}

/// Why a write by id and version met no row: Conflict, or NotFound.
/// REQUIRES: table is one of ours.
[[nodiscard]] Error why_no_row(Transaction& transaction, const char* table, const Uuid& id);

/// DELETE by id and version. FailedPrecondition: something still refers to it.
[[nodiscard]] Result<void> remove_row(Transaction& transaction, const char* table, const Uuid& id,
                                      std::int64_t version);

/// The id, or a fresh one for nil.
template <class Id>
void ensure_id(Id& id, Random& random) {
  if (id.get().is_nil()) id = Id(Uuid::random(random));
}

[[nodiscard]] inline Text uuid_text(const std::optional<policy::TenantId>& id) {
  return id ? Text(id->get().to_string()) : std::nullopt;
}
[[nodiscard]] inline std::string micros_text(WallTime time) { return std::to_string(time.time_since_epoch().count()); }
[[nodiscard]] inline Text micros_text(const std::optional<WallTime>& time) {
  return time ? Text(micros_text(*time)) : std::nullopt;
}
[[nodiscard]] inline std::string boolean_text(bool value) { return value ? "t" : "f"; }
[[nodiscard]] inline std::string bytea_text(ByteView bytes) { return "\\x" + hex_encode(bytes); }
[[nodiscard]] inline std::optional<policy::TenantId> tenant_of(std::optional<Uuid> id) {
  return id ? std::optional(policy::TenantId(*id)) : std::nullopt;
}

}  // namespace bartizan::store
