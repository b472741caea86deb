// Which statement stands behind a prepared statement's or a portal's name. A named statement is
// known from its ParseComplete on: a Parse that fails must not change what the name meant.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "bartizan/sql/analysis_cache.hpp"

namespace bartizan::session {

/// The analysis is null where nothing is known.
using Prepared = sql::AnalysisCache::Found;

/// One session's. Bounded: put() refuses a new name beyond kMaxNames.
class PreparedNames {
 public:
  static constexpr std::size_t kMaxNames = 65536;

  /// Empty when the name is not known here: made by SQL's PREPARE or DECLARE, or not at all.
  [[nodiscard]] const Prepared& find(std::string_view name) const;
  [[nodiscard]] bool put(std::string_view name, Prepared statement);
  void erase(std::string_view name);
  /// Names other than the unnamed.
  void clear_named() { named_.clear(); }
  [[nodiscard]] bool has_named() const noexcept { return !named_.empty(); }
  void clear() {
    named_.clear();
    unnamed_ = {};
  }

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const noexcept { return std::hash<std::string_view>{}(text); }
  };
  Prepared unnamed_;
  std::unordered_map<std::string, Prepared, Hash, std::equal_to<>> named_;
};

}  // namespace bartizan::session
