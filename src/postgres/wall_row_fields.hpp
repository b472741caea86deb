// One result row of a catalog query, taken column by column from the left. The first field that is
// not what was asked for makes the whole row Malformed.
#pragma once

#include <charconv>
#include <optional>
#include <string>
#include <vector>

#include "bartizan/base/result.hpp"
#include "bartizan/postgres/control_connection.hpp"

namespace bartizan::postgres {

/// Lives no longer than its Rows.
class RowFields {
 public:
  RowFields(const Rows& rows, std::size_t row) : rows_(rows), row_(row) {}

  /// NULL is the empty text.
  std::string text() {
    const auto& cell = next();
    return cell.value_or("");
  }
  bool flag() { return next().value_or("") == "t"; }
  char letter() {
    const auto& cell = next();
    return cell && !cell->empty() ? cell->front() : '\0';
  }
  /// NULL is 0.
  template <class Int>
  Int number() {
    const auto& cell = next();
    return cell ? parsed<Int>(*cell) : Int{};
  }
  /// Numbers with spaces between them; NULL and empty text are none.
  template <class Int>
  std::vector<Int> numbers() {
    std::vector<Int> out;
    const auto& cell = next();
    std::string_view rest = cell ? std::string_view(*cell) : std::string_view();
    while (!rest.empty()) {
      const auto end = std::min(rest.find(' '), rest.size());
      out.push_back(parsed<Int>(rest.substr(0, end)));
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    return out;
  }

  [[nodiscard]] Result<void> check() const {
    if (malformed_ || column_ != rows_.columns()) return fail(Errc::Malformed, "a catalog row is not as expected");
    return {};
  }

 private:
  const std::optional<std::string>& next() { return rows_.at(row_, column_++); }
  template <class Int>
  Int parsed(std::string_view text) {
    Int value{};
    const auto* end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, value);
    if (error != std::errc{} || stop != end) malformed_ = true;
    return value;
  }

  const Rows& rows_;
  std::size_t row_;
  std::size_t column_ = 0;
  bool malformed_ = false;
};

}  // namespace bartizan::postgres
