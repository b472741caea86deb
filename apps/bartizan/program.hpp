// The running Bartizan: every part, made in order and ended in the reverse one.
#pragma once

#include <atomic>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "audit_trail.hpp"
#include "bartizan/api/observability.hpp"
#include "bartizan/atrest/inspection.hpp"
#include "bartizan/cells/depot_holder.hpp"
#include "bartizan/config/configuration.hpp"
#include "bartizan/control/admin_server.hpp"
#include "bartizan/control/audit_followers.hpp"
#include "bartizan/control/audit_readers.hpp"
#include "bartizan/control/bootstrap_demo.hpp"
#include "bartizan/control/cell_keeper.hpp"
#include "bartizan/control/change_recorder.hpp"
#include "bartizan/control/key_uses.hpp"
#include "bartizan/control/retention_keeper.hpp"
#include "bartizan/control/runtime.hpp"
#include "bartizan/control/verbs.hpp"
#include "bartizan/control/wall_keeper.hpp"
#include "bartizan/net/listening_socket.hpp"
#include "bartizan/policy/snapshot.hpp"
#include "bartizan/postgres/embedded_server.hpp"
#include "bartizan/proxy/gateway.hpp"
#include "bartizan/store/change_feed.hpp"
#include "bartizan/store/database.hpp"

namespace bartizan::app {

struct ProgramOptions {
  config::Configuration configuration;
  /// Reads the configuration again, for reload; errors as one text.
  std::function<Result<config::Configuration>()> read_again;
  /// The wire port's, where a service manager holds it; empty: opened as [listen] says.
  std::vector<net::ListeningSocket> sockets;
};

/// Told of each phase as it ends.
using PhaseObserver =
    std::function<void(std::string_view phase, std::chrono::milliseconds elapsed, std::string_view remark)>;

/// The main thread's. The admin server's threads call the Runtime members.
class Program final : public control::Runtime {
 public:
  [[nodiscard]] static Result<std::unique_ptr<Program>> start(ProgramOptions options, const PhaseObserver& observer);
  ~Program() override;
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  /// Until SIGTERM, SIGINT or shutdown(); SIGHUP reloads. Drains, then returns.
  /// REQUIRES: these signals are blocked in every thread (block_signals()).
  void run_until_stopped();
  static void block_signals();
  /// No core files and no ptrace by others of our user: keys live in this memory.
  static void hide_memory();

  // control::Runtime
  control::Document status() override;
  control::Document list_sessions() override;
  control::DepotActivity depot_activity(policy::DepotId depot, policy::Traffic traffic) override;
  Result<void> kill_session(std::string_view id) override;
  Result<control::Reloaded> reload() override;
  void shutdown() override;
  control::Items doctor_checks() override;
  std::optional<policy::UnixEndpoint> embedded_endpoint() override;
  Result<control::EmbeddedDatabase> make_embedded_database(const std::string& database) override;
  Result<postgres::ControlConnection> embedded_superuser(const std::string& database, SteadyTime deadline) override;

  [[nodiscard]] const std::vector<control::DemoIdentity>& demo_identities() const { return demo_; }
  [[nodiscard]] std::string pgpass_file() const;
  [[nodiscard]] const std::string& ca_file() const { return ca_file_; }
  [[nodiscard]] std::uint16_t port() const { return gateway_->port(); }
  [[nodiscard]] const std::filesystem::path& data_directory() const {
    return options_.configuration.embedded.data_directory;
  }
  [[nodiscard]] std::string psql() const;

 private:
  explicit Program(ProgramOptions options) : options_(std::move(options)) {}
  Result<std::string> start_embedded();
  Result<void> make_cell_keys();
  Result<std::string> open_audit_log();
  Result<std::string> open_control_database();
  Result<std::string> load_demo();
  Result<std::string> raise_walls();
  Result<std::string> open_cells();
  Result<std::string> open_wire_port();
  Result<std::string> open_admin_socket();
  Result<std::string> open_metrics();
  Result<SecretBytes> prepare_control_database(postgres::ControlConnection& superuser, SteadyTime deadline);
  Result<void> write_demo_passwords();
  [[nodiscard]] atrest::Finding at_rest_now();
  [[nodiscard]] bool keys_on_the_same_disk();
  [[nodiscard]] std::string metrics_text();

  ProgramOptions options_;
  const WallTime started_ = system_clock().wall();
  std::atomic<bool> stop_requested_{false};
  std::mutex reload_mutex_;
  std::optional<config::Configuration> reloaded_;  // the newest that was read, under reload_mutex_
  std::string ca_file_;
  std::atomic<WallTime::rep> certificate_not_after_{0};
  std::vector<control::DemoIdentity> demo_;
  policy::SnapshotHolder snapshots_;
  std::unique_ptr<AuditTrail> audit_;
  std::unique_ptr<postgres::EmbeddedServer> embedded_;
  std::unique_ptr<store::Database> database_;
  std::unique_ptr<control::ChangeRecorder> change_recorder_;
  std::unique_ptr<control::RetentionKeeper> retention_;  // null without the provable log
  std::unique_ptr<store::ChangeFeed> feed_;
  policy::Interruptions interruptions_;
  std::unique_ptr<control::WallKeeper> walls_;
  cells::DepotHolder cells_;
  std::unique_ptr<control::KeyUses> key_uses_;
  std::unique_ptr<control::CellKeys> cell_keys_;
  std::unique_ptr<control::CellKeeper> cell_keeper_;
  std::unique_ptr<proxy::Gateway> gateway_;
  control::AuditFollowers audit_followers_{system_clock(), system_random()};
  std::unique_ptr<control::AuditReaderSignIn> audit_readers_;
  std::unique_ptr<control::Verbs> verbs_;
  std::unique_ptr<control::AdminServer> admin_;
  std::unique_ptr<control::AdminServer> audit_socket_;  // tenants' readers; null: none
  std::unique_ptr<api::ObservabilityServer> observability_;
};

}  // namespace bartizan::app
