#include "bartizan/store/resource_names.hpp"

#include <array>

#include "records.hpp"

namespace bartizan::store {

Result<std::optional<std::string>> name_of(Transaction& transaction, Named kind, const std::string& id) {
  const char* const table = kind == Named::Identity ? "identities" : kind == Named::Role ? "roles" : "depots";
  if (!Uuid::parse(id)) return std::optional<std::string>();
  const std::array<Text, 1> parameters = {id};
  BZ_TRY(const Rows rows,
         transaction.query(std::string("SELECT name FROM bartizan.") + table + " WHERE id = $1::uuid", parameters));
  if (rows.empty()) return std::optional<std::string>();
  RowReader row(rows, 0);
  auto name = row.text();
  if (!row.ok()) return unexpected_row();
  return std::optional(std::move(name));
}

}  // namespace bartizan::store
