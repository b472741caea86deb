// One raw value into one slot of the schema: type, range and form. Knows nothing of files,
// sections or other keys.
#pragma once

#include <filesystem>
#include <set>
#include <string>
#include <string_view>

#include "bartizan/config/issue.hpp"
#include "document.hpp"
#include "schema.hpp"

namespace bartizan::config {

/// Where relative paths are looked for; see Input.
struct Places {
  const std::filesystem::path& directory;
  const std::filesystem::path& credentials_directory;
  const std::set<std::string, std::less<>>& credentials;
};

/// What the key takes, for messages and the reference: `a duration from 1s to 30d, or 0`.
[[nodiscard]] std::string expected_of(const Key& key);

/// Sets the slot, or adds what is wrong with the value (each faulty item of a list by itself) and
/// leaves the slot as it was. True when it was set.
bool assign(const Key& key, const Slot& slot, const RawValue& raw, const Places& places, Issues& issues);

/// The text of an environment variable as the key's type; what does not fit stays text, for
/// assign() to complain about.
[[nodiscard]] RawValue from_text(const Slot& slot, std::string_view text, Origin origin);

}  // namespace bartizan::config
