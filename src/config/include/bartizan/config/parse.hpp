// TOML text to a valid Configuration, or to everything that is wrong with it at once (after a
// fault of TOML syntax the rest cannot be read, so that fault stands alone). Pure: the
// environment and the credentials are handed in. Order, later wins: defaults, file,
// BARTIZAN_<SECTION>_<KEY> variables, overrides of the command line.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "bartizan/config/configuration.hpp"
#include "bartizan/config/issue.hpp"

namespace bartizan::config {

using Environment = std::map<std::string, std::string, std::less<>>;

/// "limits.clients" = "100", written as in an environment variable (lists separated by commas).
struct Override {
  std::string key;
  std::string value;
};

/// Longest configuration text that is looked at.
inline constexpr std::size_t kMaxTextBytes = 1u << 20;

struct Input {
  std::string_view text;                        ///< the file's content; empty for defaults alone
  std::string file_name = "(no file)";          ///< as it is to stand in messages
  std::filesystem::path directory;              ///< relative paths start here; empty: they stay as they are
  std::filesystem::path credentials_directory;  ///< systemd's $CREDENTIALS_DIRECTORY
  std::set<std::string, std::less<>> credentials;  ///< names of the files in it
  std::vector<Override> overrides;
};

/// Variables that start with BARTIZAN_ but neither name a section nor come close to a key are
/// passed over: orchestrators make BARTIZAN_PORT and the like out of service names.
/// A dsn_file is located, not read: see load_file().
[[nodiscard]] tl::expected<Configuration, Issues> parse(const Input& input, const Environment& environment);

}  // namespace bartizan::config
