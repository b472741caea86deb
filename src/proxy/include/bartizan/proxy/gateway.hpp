// The wire port: listeners, workers and their sessions. What people connect to.
// One io_context and thread a worker; a session lives on one worker from accept to end.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "bartizan/audit/log.hpp"
#include "bartizan/audit/sealing.hpp"
#include "bartizan/base/bytes.hpp"
#include "bartizan/base/clock.hpp"
#include "bartizan/base/result.hpp"
#include "bartizan/base/secret.hpp"
#include "bartizan/cells/depot_holder.hpp"
#include "bartizan/identity/lockout.hpp"
#include "bartizan/net/address.hpp"
#include "bartizan/net/listening_socket.hpp"
#include "bartizan/net/tls.hpp"
#include "bartizan/policy/decision.hpp"
#include "bartizan/policy/interruptions.hpp"
#include "bartizan/policy/snapshot.hpp"

namespace bartizan::proxy {

struct ListenAddress {
  std::string address;
  bool required = true;  ///< false: passed over where the machine does not have it
};

struct ListenOptions {
  std::vector<ListenAddress> addresses;
  std::uint16_t port = 6432;  ///< 0: a free one
  int backlog = 1024;
  std::vector<net::ListeningSocket> inherited;  ///< where there are any they are listened on, and none is opened
};

/// Zero durations and counts mean no limit.
struct SessionLimits {
  std::uint32_t clients = 10'000;
  std::uint32_t clients_per_address = 0;
  std::uint32_t half_open = 1'000;  ///< beyond, the oldest connection that has not signed in goes
  std::chrono::milliseconds sign_in_timeout{15'000};
  std::chrono::milliseconds idle_timeout{0};
  std::chrono::milliseconds idle_in_transaction_timeout{0};
  std::chrono::milliseconds statement_timeout{0};
  std::chrono::milliseconds server_check_interval{30'000};  ///< of unused server connections
  std::uint32_t statement_bytes = 16u << 20;
  std::uint32_t buffer_bytes = 64u << 10;  ///< to a slow reader, before the other side is not read
  std::vector<net::Network> proxy_protocol_from;  ///< load balancers, whose PROXY header is demanded and believed
};

struct GatewayOptions {
  ListenOptions listen;
  SessionLimits limits;
  identity::SignInThrottlePolicy throttle;
  std::uint32_t scram_iterations = 4096;  ///< of the mock exchange while there is no identity
  std::chrono::milliseconds max_stale{60'000};
  policy::BarrierMode barriers = policy::BarrierMode::None;
  std::chrono::milliseconds longest_durable_wait{5'000};  ///< then the session ends
  bool always_reset = false;  ///< server connections between two sessions, clean or not
  unsigned workers = 0;  ///< 0: one a core
};

/// The certificate in use and what clients bind their sign-in to.
struct ServerCertificate {
  std::shared_ptr<const net::TlsContext> context;
  std::optional<Bytes> end_point_hash;  ///< absent: SCRAM-SHA-256-PLUS is not offered
  bool client_name_is_identity = false;  ///< a client's certificate must bear the name that signs in
};

struct SessionInfo {
  std::uint64_t id = 0;
  std::string identity;
  std::string depot;
  std::string login;
  std::string address;
  std::string application_name;
  /// "idle", "active", "idle in transaction", "idle in transaction (aborted)", "starting", "waiting" (for a
  /// server connection, or for its depot to be resumed)
  std::string state;
  WallTime since{};
  std::uint32_t server_process_id = 0;
  std::uint64_t statements = 0;
  std::string pinned;  ///< why it keeps its server connection: "session", a pin's reason, or empty
};

struct GatewayFigures {
  std::uint64_t accepted = 0;
  std::uint64_t sessions = 0;   ///< signed in now
  std::uint64_t half_open = 0;  ///< not signed in yet
  std::uint64_t sign_ins = 0;
  std::uint64_t sign_in_failures = 0;
  std::uint64_t refused_connections = 0;
  std::uint64_t cancels = 0;
  std::uint64_t statements = 0;
  std::uint64_t statements_refused = 0;
  std::uint64_t observed_denials = 0;  ///< that enforcement would have refused, in depots in observe
  std::uint64_t observed_masks = 0;    ///< of which it would have masked something
  std::uint64_t errors = 0;
  std::uint64_t rows = 0;
  std::uint64_t bytes_from_clients = 0;
  std::uint64_t bytes_to_clients = 0;
  std::uint64_t analysis_hits = 0;
  std::uint64_t analysis_misses = 0;
  std::uint64_t server_connections = 0;  ///< open now
  std::uint64_t servers_idle = 0;
  std::uint64_t sessions_waiting = 0;  ///< for a server connection
  std::uint64_t queue_timeouts = 0;
  std::uint64_t durable_waits = 0;           ///< statements and results that waited for the audit log
  std::uint64_t durable_waits_given_up = 0;  ///< of those, sessions ended for it
  std::vector<std::pair<std::string, std::uint64_t>> pins;  ///< sessions pinned to a server connection, by reason
};

/// What the sessions of one depot do.
struct DepotActivity {
  bool followed = true;  ///< whoever works on the depot knows of its traffic
  std::uint64_t running = 0;  ///< sessions in the midst of a statement or of a transaction
  std::uint64_t waiting = 0;  ///< for a server connection, or for the depot to be resumed
  std::uint64_t server_connections = 0;
};

/// Thread-safe. Everything handed to start() must outlive it. The destructor ends all sessions.
class Gateway {
 public:
  struct Surroundings {
    const policy::SnapshotHolder& snapshots;
    audit::Log& log;
    const Clock& clock;
    Random& random;
    audit::Sealer* sealer = nullptr;  ///< of clients' addresses in records; null: they stand in the clear
    cells::DepotHolder* cells = nullptr;  ///< null: no depot has encrypted columns
    audit::Sealer* values = nullptr;  ///< of bind values in records; null: they are in none
    policy::Interruptions* interruptions = nullptr;  ///< of classes' statements by the wall's keeper; null: none
  };
  /// mock_secret: steady over restarts, so that unknown names look steady.
  [[nodiscard]] static Result<std::unique_ptr<Gateway>> start(GatewayOptions options, Surroundings surroundings,
                                                              ServerCertificate certificate, SecretBytes mock_secret);
  virtual ~Gateway() = default;

  /// For new connections; running sessions keep theirs.
  virtual void use_certificate(ServerCertificate certificate) = 0;
  /// For new and running sessions; the longest statement for new ones only.
  virtual void use_limits(const SessionLimits& limits) = 0;
  /// For failures from now on; what was counted stays.
  virtual void use_throttle(const identity::SignInThrottlePolicy& policy) = 0;
  /// The port that is listened on, and the addresses.
  [[nodiscard]] virtual std::uint16_t port() const = 0;
  [[nodiscard]] virtual std::vector<std::string> addresses() const = 0;
  [[nodiscard]] virtual std::vector<SessionInfo> sessions() const = 0;
  /// False when there is no such session.
  virtual bool kill(std::uint64_t session) = 0;
  [[nodiscard]] virtual GatewayFigures figures() const = 0;
  /// traffic: what the depot is expected to have been set to.
  [[nodiscard]] virtual DepotActivity activity(policy::DepotId depot, policy::Traffic traffic) const = 0;
  /// Takes no new connections; sessions end when idle, all of them by the deadline. Blocks.
  virtual void drain(std::chrono::milliseconds deadline) = 0;
};

}  // namespace bartizan::proxy
