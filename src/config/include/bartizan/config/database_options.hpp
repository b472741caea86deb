// [control] and [embedded]: where the control database is, and the PostgreSQL that Bartizan runs
// itself. Exactly one of the two holds the control database: the embedded server, or control.dsn.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "bartizan/base/secret.hpp"
#include "bartizan/config/quantity.hpp"

namespace bartizan::config {

/// Move-only: the connection string may hold a password.
struct ControlOptions {
  SecretBytes dsn;                      ///< filled from dsn_file by load_file()
  std::filesystem::path dsn_file;
  std::filesystem::path root_key_file;  ///< never empty after parse(): <data_directory>/keys/root.key
  Duration max_stale = std::chrono::seconds{60};
};

/// Whether the embedded server's files lie encrypted.
enum class AtRest : std::uint8_t { Auto, Require, Off };  ///< Auto: where there are means

struct EmbeddedOptions {
  bool enabled = true;
  std::filesystem::path data_directory = "/var/lib/bartizan";
  std::filesystem::path postgres_bin_directory;  ///< empty: the newest one found
  std::optional<ByteSize> shared_buffers;        ///< absent: sized to the machine
  bool demo = false;
  AtRest at_rest = AtRest::Auto;
  std::optional<ByteSize> at_rest_image;  ///< absent: by the space on the disk
  std::string user = "bartizan-pg";  ///< used only when Bartizan starts as root
};

}  // namespace bartizan::config
