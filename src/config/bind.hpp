// A document, environment variables and overrides onto a Configuration, key by key. What spans
// several keys is validate.hpp's.
#pragma once

#include <map>
#include <set>
#include <string>

#include "assign.hpp"
#include "bartizan/config/parse.hpp"
#include "document.hpp"

namespace bartizan::config {

/// A configuration in the making, with where each key came from. Keys that were set wrongly are
/// remembered, so that no later check speaks about their defaults.
struct Draft {
  Configuration configuration;
  std::string file_name;
  std::map<std::string, Origin, std::less<>> origins;  ///< by full name, of keys that were set
  std::set<std::string, std::less<>> faulty;           ///< by full name
  Issues issues;

  /// Of the key, or of the file as a whole when it was not set.
  [[nodiscard]] Origin origin_of(std::string_view full_name) const;
  [[nodiscard]] bool is_set(std::string_view full_name) const { return origins.contains(full_name); }
};

void bind_document(const Document& document, const Places& places, Draft& draft);
void bind_environment(const Environment& environment, const Places& places, Draft& draft);
void bind_overrides(const std::vector<Override>& overrides, const Places& places, Draft& draft);

/// BARTIZAN_LIMITS_CLIENTS
[[nodiscard]] std::string variable_of(const Key& key);

}  // namespace bartizan::config
