// [admin], [metrics], [audit], [log], [pool] and [workers]: how an instance is operated and observed.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "bartizan/config/ip_network.hpp"
#include "bartizan/config/quantity.hpp"

namespace bartizan::config {

struct AdminOptions {
  std::filesystem::path socket_file = "/run/bartizan/admin.sock";
  std::string group = "bartizan";
};

struct MetricsOptions {
  std::optional<IpAddress> address = IpAddress{{127, 0, 0, 1}, false};  ///< absent: no metrics port
  std::uint16_t port = 9632;
};

/// What happens when the log cannot be written. There is no other choice: a statement that
/// leaves no record is not run.
enum class AuditFailure : std::uint8_t { Refuse };
enum class AuditMode : std::uint8_t { Tree, Basic };     ///< the provable log, or plain JSON lines
enum class AuditReads : std::uint8_t { Strict, Async };  ///< Async: results of reads wait for no flush

struct AuditOptions {
  AuditMode mode = AuditMode::Tree;
  AuditReads reads = AuditReads::Strict;
  std::filesystem::path directory;  ///< never empty after parse(): <data_directory>/audit
  std::filesystem::path key_file;   ///< never empty after parse(): <data_directory>/keys/audit.key
  std::string origin;               ///< empty: the one that the key file names
  std::filesystem::path reader_socket_file;  ///< empty: tenants' readers are not let in
  std::string witness;      ///< URL; empty: none
  std::string witness_key;  ///< its public key
  Duration witness_every = std::chrono::seconds{60};
  bool seal = false;                    ///< clients' addresses
  bool seal_values = false;             ///< and the values of Bind messages
  std::filesystem::path seal_key_file;  ///< never empty after parse(): <data_directory>/keys/audit-seal.key
  Duration max_wait = std::chrono::seconds{5};
  Duration checkpoint_every = std::chrono::seconds{1};
  Duration compress_every = std::chrono::seconds{60};
  Duration count_every = std::chrono::hours{1};
  ByteSize free_floor_bytes{256ull << 20};
  ByteSize segment_bytes{64ull << 20};
  Duration flush{10};
  ByteSize max_file_bytes{256ull << 20};
  AuditFailure on_failure = AuditFailure::Refuse;
};

enum class LogLevel : std::uint8_t { Debug, Info, Warn, Error };
enum class LogFormat : std::uint8_t { Auto, Json, Text };  ///< Auto: Text when stderr is a terminal

struct LogOptions {
  LogLevel level = LogLevel::Info;
  LogFormat format = LogFormat::Auto;
};

struct PoolOptions {
  bool always_reset = false;  ///< server connections between two sessions, clean or not
};

struct WorkersOptions {
  std::uint32_t threads = 0;  ///< 0: one a core
};

}  // namespace bartizan::config
