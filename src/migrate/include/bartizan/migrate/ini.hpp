// PgBouncer's configuration file, to its entries in order. Its grammar is pgbouncer.ini(5)'s:
//   [section]      ; or # starts a comment line, nowhere else
//   key = value    to the end of the line; "a key" in double quotes, a doubled one inside stands for one
//   %include file
// Pure: files come through the reader that is handed in. Anything else is an error with its place.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "bartizan/base/result.hpp"

namespace bartizan::migrate {

inline constexpr std::size_t kMaxIniBytes = 1u << 20;  ///< of one file
inline constexpr std::size_t kMaxIniEntries = 100'000;
inline constexpr int kMaxIncludeDepth = 10;  ///< PgBouncer's own

/// Where something stands.
struct Place {
  std::string file;
  std::uint32_t line = 0;  ///< from 1
};

struct IniEntry {
  std::string section;
  std::string key;
  std::string value;  ///< without blanks around it
  Place place;
};

/// Content of a file by its path, or why it could not be read.
using FileReader = std::function<Result<std::string>(const std::string& path)>;

/// Entries of `file` and of what it includes, in the order in which PgBouncer reads them. Relative
/// paths start at the folder of `file`. Malformed says where; TooLarge; or the reader's error.
[[nodiscard]] Result<std::vector<IniEntry>> read_ini(const std::string& file, const FileReader& reader);

/// `path` as it is to be read from beside `file`: absolute, or below its folder.
[[nodiscard]] std::string path_beside(const std::string& file, std::string_view path);

}  // namespace bartizan::migrate
