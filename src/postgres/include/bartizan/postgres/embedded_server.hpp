// The embedded PostgreSQL: found, initialised, started, supervised and stopped by the gateway,
// reachable only through a unix socket in a folder closed to others (no TCP at all).
//
//   Stopped -> Starting -> Running -> Stopping -> Stopped
//                 |  ^        | crash
//                 |  +--- BackingOff          Failed: the first start failed, or the data folder
//                 +--> Failed                 has become one that must not be started on
//
// A second gateway on the same folder is refused; a PostgreSQL left over from a gateway that was
// killed is stopped in order before ours starts.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "bartizan/atrest/protected_folder.hpp"
#include "bartizan/base/result.hpp"
#include "bartizan/base/secret.hpp"
#include "bartizan/postgres/control_connection.hpp"
#include "bartizan/postgres/server_binaries.hpp"

namespace bartizan::postgres {

/// That the cluster's files lie encrypted (docs/formats/at-rest.md).
struct AtRestOptions {
  atrest::Wanted wanted = atrest::Wanted::Auto;
  std::uint64_t image_bytes = 0;
  atrest::KeySource key;
};

struct AtRestState {
  atrest::Method method = atrest::Method::None;
  std::string how;        ///< for people; empty when it was not asked for
  std::uint32_t key = 0;
};

struct EmbeddedOptions {
  std::string data_directory;                     ///< absolute; see data_directory.hpp for its layout
  std::optional<std::string> binaries_directory;  ///< default: the system's packages
  std::optional<std::string> socket_directory;    ///< default: <data>/run, or a short one if that is too long
  std::string system_user = "bartizan-pg";        ///< used under root only
  std::optional<AtRestOptions> at_rest;           ///< absent: files in the clear
  std::optional<std::uint32_t> max_connections;   ///< default: by memory
  /// Further settings (name, value); those that the server's isolation rests on are refused.
  std::vector<std::pair<std::string, std::string>> settings;
  std::chrono::milliseconds start_timeout = std::chrono::seconds(120);  ///< crash recovery included
  std::chrono::milliseconds stop_timeout = std::chrono::seconds(30);    ///< of fast shutdown, before immediate
  std::chrono::milliseconds backoff_initial = std::chrono::milliseconds(200);
  std::chrono::milliseconds backoff_limit = std::chrono::seconds(30);
};

enum class ServerState : std::uint8_t { Stopped, Starting, Running, BackingOff, Stopping, Failed };
[[nodiscard]] std::string_view to_string(ServerState state) noexcept;

struct ServerStatus {
  ServerState state = ServerState::Stopped;
  int postmaster_pid = 0;                  ///< 0 unless Starting, Running or Stopping
  std::uint64_t restarts = 0;              ///< after crashes, since start()
  std::chrono::milliseconds next_attempt{};  ///< BackingOff: the delay chosen
  std::string reason;                      ///< why BackingOff or Failed
};

/// One server. start() and stop() from one control thread; status() and the accessors from any.
/// The destructor stops it. Owns a supervision thread while started.
class EmbeddedServer {
 public:
  /// Called on every change of state, on the supervision thread (the first Starting and refusals:
  /// on start()'s), without locks held. Must not call start() or stop().
  using Observer = std::function<void(const ServerStatus&)>;

  explicit EmbeddedServer(EmbeddedOptions options, Observer observer = {});
  EmbeddedServer(const EmbeddedServer&) = delete;
  EmbeddedServer& operator=(const EmbeddedServer&) = delete;
  ~EmbeddedServer();

  /// Blocks until it accepts connections. FailedPrecondition says what to do: data folder of
  /// another major version, in use, wrong owner, not ours. NotFound: no server programs.
  Result<void> start();
  /// Fast shutdown, after stop_timeout immediate shutdown, then SIGKILL. Idempotent.
  Result<void> stop();

  [[nodiscard]] ServerStatus status() const;

  // After start() has succeeded:
  [[nodiscard]] const std::string& data_directory() const;    ///< the one in use
  [[nodiscard]] const std::string& data_directory_note() const;  ///< why it is not the one asked for, or empty
  [[nodiscard]] const AtRestState& at_rest() const;
  /// pgdata: in an image it is seen by this process and its children alone.
  [[nodiscard]] std::string cluster_directory() const;
  [[nodiscard]] const std::string& socket_directory() const;
  [[nodiscard]] std::string_view superuser() const noexcept { return "postgres"; }
  [[nodiscard]] const SecretBytes& superuser_password() const;
  [[nodiscard]] const ServerBinaries& binaries() const;
  /// superuser's endpoint to a database.
  [[nodiscard]] Endpoint endpoint(std::string database = "postgres") const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace bartizan::postgres
