#include "bartizan/postgres/embedded_server.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <filesystem>
#include <map>
#include <mutex>

#include "bartizan/base/log.hpp"
#include "bartizan/postgres/data_directory.hpp"
#include "bartizan/postgres/pg_hba.hpp"
#include "bartizan/postgres/server_account.hpp"
#include "initdb.hpp"
#include "instance_lock.hpp"
#include "orphans.hpp"
#include "path_hash.hpp"
#include "private_files.hpp"
#include "server_settings.hpp"
#include "supervisor.hpp"

namespace bartizan::postgres {
namespace {

constexpr auto kPrepareTimeout = std::chrono::seconds(120);  // initdb on a slow disk
constexpr std::size_t kStartupLogLimit = 1 << 20;
constexpr std::size_t kComplaintLimit = 600;

SteadyTime in(std::chrono::milliseconds time) { return std::chrono::steady_clock::now() + time; }

/// The binaries of the cluster's own version, or the newest for a new cluster.
Result<ServerBinaries> pick_binaries(const std::vector<ServerBinaries>& found, std::optional<int> cluster_major,
                                     const DataLayout& layout) {
  if (!cluster_major) return found.front();
  for (const auto& binaries : found)
    if (binaries.major == *cluster_major) return binaries;
  std::string installed;
  for (const auto& binaries : found) installed += (installed.empty() ? "" : ", ") + std::to_string(binaries.major);
  const auto wanted = std::to_string(*cluster_major);
  return fail(Errc::FailedPrecondition,
              layout.pgdata() + " was made by PostgreSQL " + wanted + ", and here is " + installed +
                  ": install the package postgresql-" + wanted +
                  ", or move the data with pg_dumpall or pg_upgrade, or choose another data folder");
}

Result<std::string> pick_socket_directory(const EmbeddedOptions& options, const DataLayout& layout,
                                          const ServerAccount& account) {
  if (options.socket_directory) {
    if (!fits_socket(*options.socket_directory))
      return fail(Errc::InvalidArgument, "the socket folder must be an absolute path of at most 93 plain characters");
    BZ_CHECK(ensure_directory(*options.socket_directory, {account.uid, account.gid}, 0700));
    return *options.socket_directory;
  }
  if (fits_socket(layout.run())) return layout.run();
  auto directory = "/tmp/bartizan-" + std::to_string(account.uid) + "-" + path_hash(layout.root);
  BZ_CHECK(ensure_directory(directory, {account.uid, account.gid}, 0700));
  return directory;
}

Result<void> write_configuration(const DataLayout& layout, const ServerAccount& account,
                                 const EmbeddedOptions& options) {
  auto size = size_server(measure_machine());
  if (options.max_connections) size.max_connections = std::clamp(*options.max_connections, 20u, 10000u);
  const Owner owner{::geteuid(), account.separate ? account.gid : ::getegid()};
  const mode_t mode = account.separate ? 0640 : 0600;
  BZ_TRY(const auto text, render_configuration(size, options.settings));
  BZ_CHECK(replace_file(layout.conf() + "/postgresql.conf", as_bytes(text), owner, mode));
  BZ_CHECK(replace_file(layout.conf() + "/pg_hba.conf", as_bytes(embedded_pg_hba()), owner, mode));
  return replace_file(layout.conf() + "/pg_ident.conf", as_bytes("# Nobody.\n"), owner, mode);
}

procs::Command postmaster_command(const DataLayout& layout, const ServerAccount& account,
                                  const ServerBinaries& binaries, const std::string& socket_directory) {
  procs::Command command;
  command.argv = {binaries.directory + "/postgres", "-D", layout.pgdata()};
  for (const auto& [name, value] : fixed_settings(layout, socket_directory)) {
    command.argv.emplace_back("-c");
    command.argv.push_back(name + "=" + value);
  }
  command.environment = {{"PATH", "/usr/bin:/bin"}, {"LC_ALL", "C"}, {"TZ", "UTC"}};
  command.working_directory = layout.pgdata();
  if (account.separate) command.run_as = procs::RunAs{account.uid, account.gid};
  command.standard_error = procs::ToFile{layout.startup_log(), true};
  command.parent_death_signal = SIGINT;  // fast shutdown
  return command;
}

/// The last lines that the postmaster wrote before it had a log of its own.
std::string last_words(const DataLayout& layout) {
  const auto text = read_small_file(layout.startup_log(), kStartupLogLimit);
  if (!text || text->empty()) return "see " + layout.pgdata() + "/log";
  return text->substr(text->size() - std::min(text->size(), kComplaintLimit)) + "(see also " + layout.pgdata() +
         "/log)";
}

/// Sessions log nothing below FATAL, so that what a client can put into the log by itself (RAISE
/// LOG, debug_print_plan) stays out; the server's own processes keep telling of crashes.
Result<void> silence_sessions(ControlConnection& connection, SteadyTime deadline) {
  constexpr std::string_view kAsk =
      "SELECT count(*) FROM pg_catalog.pg_db_role_setting WHERE setdatabase = 0 AND setrole = 0 "
      "AND 'log_min_messages=fatal' = ANY (setconfig)";
  BZ_TRY(const auto count, connection.scalar(kAsk, deadline));
  if (count == "0") BZ_CHECK(connection.exec("ALTER ROLE ALL SET log_min_messages = 'fatal'", deadline));
  return {};
}

}  // namespace

std::string_view to_string(ServerState state) noexcept {
  switch (state) {
    case ServerState::Stopped: return "stopped";
    case ServerState::Starting: return "starting";
    case ServerState::Running: return "running";
    case ServerState::BackingOff: return "backing off";
    case ServerState::Stopping: return "stopping";
    case ServerState::Failed: return "failed";
  }
  return "unknown";
}

struct EmbeddedServer::State {
  EmbeddedOptions options;
  Observer observer;
  ServerAccount account;
  DataLayout layout;
  std::string note;
  std::string socket_directory;
  SecretBytes password;
  ServerBinaries binaries;
  std::optional<InstanceLock> lock;
  std::optional<atrest::ProtectedFolder> files;
  AtRestState at_rest;
  mutable std::mutex mutex;  ///< guards supervisor's exchange and status
  std::unique_ptr<Supervisor> supervisor;
  ServerStatus status;

  Endpoint endpoint(std::string database) const {
    Endpoint endpoint;
    endpoint.host = socket_directory;
    endpoint.database = std::move(database);
    endpoint.user = "postgres";
    return endpoint;
  }

  void report(const ServerStatus& now) {
    {
      const std::lock_guard guard(mutex);
      status = now;
    }
    if (observer) observer(now);
  }

  /// Everything before the first process: folders, lock, cluster, configuration.
  Result<void> prepare() {
    const auto deadline = in(kPrepareTimeout);
    BZ_TRY(account, resolve_server_account(options.system_user, deadline));
    BZ_TRY(auto choice, choose_data_directory(options.data_directory, account));
    layout.root = std::move(choice.path);
    note = std::move(choice.reason);
    if (choice.moved) BZ_LOG(Warn, "postgres.data_directory_moved", {"folder", layout.root});
    BZ_TRY(const auto found, find_server_binaries(options.binaries_directory, deadline));
    BZ_CHECK(prepare_layout(layout, account));
    BZ_TRY(lock, InstanceLock::take(layout.lock()));
    if (options.at_rest) BZ_CHECK(open_files(*options.at_rest));
    BZ_TRY(const auto major, inspect_cluster(layout, account));
    BZ_TRY(binaries, pick_binaries(found, major, layout));
    BZ_TRY(socket_directory, pick_socket_directory(options, layout, account));
    BZ_CHECK(write_configuration(layout, account, options));
    BZ_TRY(password, load_or_make_password(layout));
    if (!major) BZ_CHECK(initialise_cluster(layout, account, binaries, password, deadline));
    return {};
  }

  Result<void> open_files(const AtRestOptions& wanted) {
    atrest::Request request;
    request.folder = layout.encrypted();
    request.wanted = wanted.wanted;
    std::error_code error;
    request.plain_data = std::filesystem::exists(layout.pgdata(), error);
    if (account.separate) request.group = account.gid;
    request.image_bytes = wanted.image_bytes;
    request.key = wanted.key;
    request.patience = options.stop_timeout + std::chrono::seconds(10);
    // In an image that a killed gateway has mounted they are out of sight: found by what they are called.
    if (std::filesystem::exists(layout.encrypted(), error)) {
      if (request.plain_data)
        return fail(Errc::FailedPrecondition,
                    "there are both " + layout.encrypted() + " and " + layout.pgdata() +
                        ": run `bartizan rest encrypt` again, or move away the one that is not wanted");
      BZ_CHECK(stop_left_over(layout, account, cluster_name_of(layout), options.stop_timeout));
    }
    BZ_TRY(files, atrest::ProtectedFolder::open(request));
    layout.files = files->path();
    at_rest = {files->method(), files->how(), files->key()};
    return {};
  }

  void close_files() {
    files.reset();
    layout.files.clear();
  }

  Result<void> probe(SteadyTime deadline) {
    BZ_TRY(auto connection, ControlConnection::connect(endpoint("postgres"), password, deadline));
    return silence_sessions(connection, deadline);
  }

  /// Checked before every start, since a crash may have come from what changed in the folder.
  Result<void> clear_way() {
    BZ_TRY(const auto major, inspect_cluster(layout, account));
    if (major != binaries.major)
      return fail(Errc::FailedPrecondition, layout.pgdata() +
                                                " has changed: it is no longer the cluster that was "
                                                "started; restore it from a backup");
    return clear_the_way(layout, account, cluster_name_of(layout), socket_directory, options.stop_timeout);
  }

  SupervisedServer supervised() {
    return {.command = postmaster_command(layout, account, binaries, socket_directory),
            .clear_the_way = [this] { return clear_way(); },
            .probe = [this](SteadyTime deadline) { return probe(deadline); },
            .complaint = [this] { return last_words(layout); },
            .start_timeout = options.start_timeout,
            .stop_timeout = options.stop_timeout,
            .backoff_initial = options.backoff_initial,
            .backoff_limit = options.backoff_limit};
  }
};

EmbeddedServer::EmbeddedServer(EmbeddedOptions options, Observer observer) : state_(std::make_unique<State>()) {
  state_->options = std::move(options);
  state_->observer = std::move(observer);
}

EmbeddedServer::~EmbeddedServer() { (void)stop(); }

Result<void> EmbeddedServer::start() {
  auto& self = *state_;
  if (self.supervisor) return fail(Errc::FailedPrecondition, "the embedded PostgreSQL has been started already");
  ServerStatus preparing;
  preparing.state = ServerState::Starting;
  self.report(preparing);
  if (auto prepared = self.prepare(); !prepared) {
    self.close_files();
    self.lock.reset();
    ServerStatus refused;
    refused.state = ServerState::Failed;
    refused.reason = prepared.error().detail;
    self.report(refused);
    return prepared;
  }
  self.supervisor =
      std::make_unique<Supervisor>(self.supervised(), [&self](const ServerStatus& now) { self.report(now); });
  auto started = self.supervisor->start();
  if (!started) {
    self.supervisor.reset();
    self.close_files();
    self.lock.reset();
  }
  return started;
}

Result<void> EmbeddedServer::stop() {
  if (!state_->supervisor) return {};
  state_->supervisor->stop();
  state_->supervisor.reset();
  state_->close_files();
  state_->lock.reset();
  return {};
}

ServerStatus EmbeddedServer::status() const {
  const std::lock_guard guard(state_->mutex);
  return state_->status;
}

const std::string& EmbeddedServer::data_directory() const { return state_->layout.root; }
const AtRestState& EmbeddedServer::at_rest() const { return state_->at_rest; }
std::string EmbeddedServer::cluster_directory() const { return state_->layout.pgdata(); }
const std::string& EmbeddedServer::data_directory_note() const { return state_->note; }
const std::string& EmbeddedServer::socket_directory() const { return state_->socket_directory; }
const SecretBytes& EmbeddedServer::superuser_password() const { return state_->password; }
const ServerBinaries& EmbeddedServer::binaries() const { return state_->binaries; }
Endpoint EmbeddedServer::endpoint(std::string database) const { return state_->endpoint(std::move(database)); }

}  // namespace bartizan::postgres
