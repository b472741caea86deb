#include "bartizan/store/settings.hpp"

#include <array>

#include "records.hpp"

namespace bartizan::store {

Result<std::map<std::string, std::string, std::less<>>> Settings::list() {
  BZ_TRY(const Rows rows, transaction_.query("SELECT name, value FROM bartizan.settings ORDER BY name", {}));
  std::map<std::string, std::string, std::less<>> out;
  for (int i = 0; i < rows.size(); ++i) {
    RowReader row(rows, i);
    auto name = row.text();
    out.emplace(std::move(name), row.text());
    if (!row.ok()) return unexpected_row();
  }
  return out;
}

Result<void> Settings::set(std::string_view name, std::string_view value) {
  const std::array<Text, 3> parameters = {Uuid::random(transaction_.database().random()).to_string(), std::string(name),
                                          std::string(value)};
  BZ_CHECK(
      transaction_.query("INSERT INTO bartizan.settings (id, name, value) VALUES ($1::uuid, $2, $3)"
                         " ON CONFLICT (name) DO UPDATE SET value = EXCLUDED.value",
                         parameters));
  return {};
}

Result<void> Settings::reset(std::string_view name) {
  const std::array<Text, 1> parameters = {std::string(name)};
  BZ_CHECK(transaction_.query("DELETE FROM bartizan.settings WHERE name = $1", parameters));
  return {};
}

}  // namespace bartizan::store
