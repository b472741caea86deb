// Settings that every gateway of an environment shares (the process's own are in its TOML file).
// store keeps name and text; which names there are and what they mean is control's.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "bartizan/store/database.hpp"

namespace bartizan::store {

/// Repository over one transaction, which must outlive it.
class Settings {
 public:
  explicit Settings(Transaction& transaction) : transaction_(transaction) {}
  /// Those that were set.
  [[nodiscard]] Result<std::map<std::string, std::string, std::less<>>> list();
  [[nodiscard]] Result<void> set(std::string_view name, std::string_view value);
  /// Back to the default. Not set: nothing happens.
  [[nodiscard]] Result<void> reset(std::string_view name);

 private:
  Transaction& transaction_;
};

}  // namespace bartizan::store
