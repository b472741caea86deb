#include "program.hpp"

#include <fmt/format.h>
#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <cstdlib>

#include "bartizan/base/log.hpp"
#include "bartizan/cells/time_zones.hpp"
#include "bartizan/config/reference.hpp"
#include "bartizan/control/zone_files.hpp"
#include "bartizan/postgres/demo.hpp"
#include "certificates.hpp"
#include "files.hpp"
#include "options.hpp"
#include "port_holder.hpp"
#include "storage_keys.hpp"

namespace bartizan::app {
namespace {

SteadyTime in(std::chrono::seconds time) { return system_clock().steady() + time; }

/// As many descriptors as the system permits: two a client.
void widen_limits() {
  rlimit files{};
  if (::getrlimit(RLIMIT_NOFILE, &files) == 0) {
    files.rlim_cur = files.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &files);
  }
  ::signal(SIGPIPE, SIG_IGN);
  // The statement parser is bounded for 4 MiB of stack; what ulimit says must not lower that.
  pthread_attr_t attributes;
  if (::pthread_attr_init(&attributes) == 0) {
    ::pthread_attr_setstacksize(&attributes, 8u << 20);
    ::pthread_setattr_default_np(&attributes);
    ::pthread_attr_destroy(&attributes);
  }
}

/// libpq must connect where the configuration says, whatever the caller's shell exports.
void forget_libpq_environment() {
  for (const char* name :
       {"PGHOST", "PGHOSTADDR", "PGPORT", "PGDATABASE", "PGUSER", "PGSERVICE", "PGSERVICEFILE", "PGOPTIONS"})
    ::unsetenv(name);
}

SecretBytes random_password() {
  std::array<std::byte, 24> random{};
  system_random().fill(random);
  SecretBytes made(hex_encode(random));
  secure_wipe(random.data(), random.size());
  return made;
}

}  // namespace

void Program::hide_memory() {
  ::prctl(PR_SET_DUMPABLE, 0);
  const rlimit none{0, 0};
  ::setrlimit(RLIMIT_CORE, &none);
}

Result<std::unique_ptr<Program>> Program::start(ProgramOptions options, const PhaseObserver& observer) {
  hide_memory();
  widen_limits();
  forget_libpq_environment();
  std::unique_ptr<Program> program(new Program(std::move(options)));
  struct Phase {
    std::string_view name;
    Result<std::string> (Program::*work)();
    bool wanted;
  };
  const auto& configuration = program->options_.configuration;
  const bool embedded = configuration.embedded.enabled;
  const std::array<Phase, 9> phases = {
      {{"embedded PostgreSQL", &Program::start_embedded, embedded},
       {"audit log", &Program::open_audit_log, true},
       {"control database", &Program::open_control_database, true},
       {"demo data", &Program::load_demo, embedded && configuration.embedded.demo},
       {"walls", &Program::raise_walls, true},
       {"encrypted columns", &Program::open_cells, true},
       {"wire port", &Program::open_wire_port, true},
       {"admin socket", &Program::open_admin_socket, true},
       {"metrics", &Program::open_metrics, configuration.metrics.address.has_value()}}};
  for (const auto& phase : phases) {
    if (!phase.wanted) continue;
    const auto begun = system_clock().steady();
    auto remark = (program.get()->*phase.work)();
    if (!remark) return fail(remark.error().code, fmt::format("{}: {}", phase.name, remark.error().detail));
    observer(phase.name, std::chrono::duration_cast<std::chrono::milliseconds>(system_clock().steady() - begun),
             *remark);
  }
  BZ_LOG(Info, "program.started", {"version", BZ_VERSION}, {"port", program->port()});
  return program;
}

Program::~Program() {
  // The reverse order of start: nobody new, no sessions, then what they used.
  observability_.reset();
  audit_socket_.reset();
  admin_.reset();
  gateway_.reset();
  cell_keeper_.reset();
  walls_.reset();
  feed_.reset();
  retention_.reset();
  change_recorder_.reset();
  database_.reset();
  audit_.reset();
  if (embedded_)
    if (const auto stopped = embedded_->stop(); !stopped)
      BZ_LOG(Error, "embedded.stop_failed", {"reason", stopped.error().detail});
}

Result<std::string> Program::start_embedded() {
  const auto& data = data_directory();
  BZ_CHECK(make_folder(data, 0755));
  BZ_CHECK(make_cell_keys());
  auto options = embedded_options(options_.configuration.embedded);
  options.at_rest->key = storage_keys(*cell_keys_);
  embedded_ = std::make_unique<postgres::EmbeddedServer>(std::move(options), [](const postgres::ServerStatus& status) {
    BZ_LOG(Info, "embedded.state", {"state", postgres::to_string(status.state)}, {"reason", status.reason},
           {"restarts", status.restarts});
  });
  BZ_CHECK(embedded_->start());
  auto remark = fmt::format("PostgreSQL {}, unix socket only", embedded_->binaries().version);
  remark += "; at rest: " + embedded_->at_rest().how;
  if (!embedded_->data_directory_note().empty()) remark += "; " + embedded_->data_directory_note();
  return remark;
}

Result<void> Program::make_cell_keys() {
  BZ_TRY(cell_keys_, open_cell_keys(options_.configuration));
  return {};
}

/// A role and a database of its own; the role's password lives in a 0600 file.
Result<SecretBytes> Program::prepare_control_database(postgres::ControlConnection& superuser, SteadyTime deadline) {
  BZ_CHECK(make_folder(data_directory() / "keys", 0700));
  BZ_TRY(auto password, load_or_create_secret(data_directory() / "keys" / "control.password"));
  BZ_TRY(const auto role,
         superuser.exec("SELECT FROM pg_catalog.pg_roles WHERE rolname = 'bartizan_control'", deadline));
  if (role.command_tag() == "SELECT 0")
    BZ_CHECK(superuser.exec("CREATE ROLE bartizan_control LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE", deadline));
  BZ_CHECK(superuser.set_role_password("bartizan_control", password, deadline));
  BZ_TRY(const auto database,
         superuser.exec("SELECT FROM pg_catalog.pg_database WHERE datname = 'bartizan'", deadline));
  if (database.command_tag() == "SELECT 0")
    BZ_CHECK(superuser.exec("CREATE DATABASE bartizan OWNER bartizan_control", deadline));
  BZ_CHECK(superuser.exec("REVOKE ALL ON DATABASE bartizan FROM PUBLIC", deadline));
  return password;
}

Result<std::string> Program::open_control_database() {
  const auto& control = options_.configuration.control;
  store::DatabaseOptions database;
  if (embedded_) {
    BZ_TRY(auto superuser, postgres::ControlConnection::connect(embedded_->endpoint(), embedded_->superuser_password(),
                                                                in(std::chrono::seconds(20))));
    BZ_TRY(database.password, prepare_control_database(superuser, in(std::chrono::seconds(60))));
    database.conninfo = fmt::format("host='{}' port={} dbname=bartizan user=bartizan_control",
                                    embedded_->socket_directory(), embedded_->endpoint().port);
  } else {
    if (control.dsn.empty())
      return fail(Errc::InvalidArgument, "control.dsn or control.dsn_file is needed without an embedded PostgreSQL");
    database.conninfo = std::string(control.dsn.reveal_chars());
  }
  BZ_CHECK(make_folder(control.root_key_file.parent_path(), 0700));
  BZ_TRY(auto root_key, store::RootKey::load_or_create(control.root_key_file, system_random()));
  BZ_TRY(database_, store::Database::open(std::move(database), std::move(root_key), system_random()));
  BZ_TRY(const int applied, database_->migrate());
  change_recorder_ = std::make_unique<control::ChangeRecorder>(
      *database_, audit_->log(), system_clock(),
      auditlog::CursorFile(options_.configuration.audit.directory.string(), "changes.cursor"));
  if (audit_->source() != nullptr)
    retention_ = std::make_unique<control::RetentionKeeper>(*database_, *audit_->source(), system_clock());
  control::WallKeeperOptions walls;
  walls.interruptions = &interruptions_;
  walls_ = std::make_unique<control::WallKeeper>(*database_, snapshots_, *this, system_clock(), system_random(), walls);
  audit_readers_ = std::make_unique<control::AuditReaderSignIn>(*database_, system_clock(), system_random());
  if (!cell_keys_) BZ_CHECK(make_cell_keys());
  static control::ZoneFiles zones;
  cells::provide_time_zones(&zones);
  key_uses_ = std::make_unique<control::KeyUses>(audit_->log(), snapshots_, system_clock());
  cell_keys_->record_uses(*key_uses_);
  BZ_CHECK(cell_keys_->record_storage_use());
  cell_keeper_ = std::make_unique<control::CellKeeper>(
      control::CellSurroundings{*database_, snapshots_, *this, *cell_keys_, cells_, system_clock(), system_random()});
  verbs_ = std::make_unique<control::Verbs>(
      control::ServiceContext{*database_, snapshots_, *this, system_clock(), system_random(),
                              static_cast<int>(options_.configuration.scram.iterations), walls_.get(), audit_->source(),
                              &audit_followers_, audit_readers_.get(), audit_->break_glass(), &audit_->log(),
                              change_recorder_.get(), audit_->slots(), cell_keeper_.get(), cell_keys_.get()});
  BZ_TRY(feed_, store::ChangeFeed::start(*database_, snapshots_, system_clock(), {}));
  return fmt::format("{} migrations applied", applied);
}

Result<std::string> Program::open_audit_log() {
  BZ_TRY(audit_, AuditTrail::open(options_.configuration.audit, options_.configuration.shipping));
  return audit_->remark();
}

Result<std::string> Program::load_demo() {
  const auto deadline = in(std::chrono::seconds(120));
  BZ_TRY(const auto summary, postgres::load_demo(embedded_->endpoint(), embedded_->superuser_password(), {}, deadline));
  BZ_TRY(auto superuser,
         postgres::ControlConnection::connect(embedded_->endpoint(), embedded_->superuser_password(), deadline));
  control::DemoDepot depot;
  depot.endpoint = {embedded_->socket_directory(), embedded_->endpoint().port};
  depot.database = std::string(postgres::kDemoDatabase);
  for (const auto& [role, secret] :
       {std::pair{"demo_owner", &depot.demo_owner}, std::pair{"demo_reader", &depot.demo_reader},
        std::pair{"demo_app", &depot.demo_app}}) {
    *secret = random_password();
    BZ_CHECK(superuser.set_role_password(role, *secret, deadline));
  }
  const control::ServiceContext context{*database_,      snapshots_,
                                        *this,           system_clock(),
                                        system_random(), static_cast<int>(options_.configuration.scram.iterations)};
  BZ_TRY(demo_, control::bootstrap_demo(context, depot));
  BZ_CHECK(write_demo_passwords());
  feed_->look_now();
  return summary.loaded ? fmt::format("{} rows loaded", summary.rows) : std::string("there already");
}

/// Before anybody is let in. A depot whose wall can't be raised is refused, not the start.
Result<std::string> Program::raise_walls() {
  BZ_CHECK(walls_->run_now());
  walls_->start();
  std::size_t classes = 0;
  std::size_t ready = 0;
  for (const auto& depot : walls_->status()) {
    classes += depot.classes.size();
    for (const auto& one : depot.classes) ready += one.ready ? 1 : 0;
  }
  if (classes == 0) return std::string("no policies in force");
  return fmt::format("{} of {} classes ready", ready, classes);
}

/// Before anybody is let in. A depot whose columns can't be read is closed, not the start.
Result<std::string> Program::open_cells() {
  cell_keeper_->start();
  BZ_CHECK(cell_keeper_->run_now());
  BZ_TRY(const auto columns, cell_keeper_->status());
  return columns.empty() ? std::string("none") : fmt::format("{} columns", columns.size());
}

std::string Program::pgpass_file() const { return (data_directory() / "demo" / "pgpass").string(); }

/// One file a new identity, and all of them in a PGPASSFILE; all 0600.
Result<void> Program::write_demo_passwords() {
  const auto folder = data_directory() / "demo";
  BZ_CHECK(make_folder(folder, 0700));
  std::string pgpass;
  for (const auto& identity : demo_) {
    const auto file = folder / (identity.name + ".password");
    if (!identity.password.empty()) BZ_CHECK(write_file(file, identity.password.reveal(), 0600));
    const auto password = read_file(file);
    if (password) pgpass += fmt::format("*:*:*:{}:{}\n", identity.name, password->reveal_chars());
  }
  const auto written = write_file(pgpass_file(), pgpass, 0600);
  secure_wipe(pgpass.data(), pgpass.size());
  return written;
}

Result<std::string> Program::open_wire_port() {
  const auto& configuration = options_.configuration;
  BZ_TRY(auto options, gateway_options(configuration));
  options.listen.inherited = std::move(options_.sockets);
  const bool inherited = !options.listen.inherited.empty();
  std::vector<std::string> addresses;
  for (const auto& listen : options.listen.addresses) addresses.push_back(listen.address);
  BZ_TRY(auto loaded, load_certificate(configuration.tls, data_directory() / "tls", addresses));
  ca_file_ = loaded.ca_file;
  certificate_not_after_ = loaded.not_after.time_since_epoch().count();
  BZ_TRY(auto mock_secret, load_or_create_secret(configuration.control.root_key_file.parent_path() / "mock.secret"));
  auto gateway =
      proxy::Gateway::start(std::move(options),
                            {snapshots_, audit_->log(), system_clock(), system_random(), audit_->sealer(), &cells_,
                             options_.configuration.audit.seal_values ? audit_->sealer() : nullptr, &interruptions_},
                            std::move(loaded.certificate), std::move(mock_secret));
  if (!gateway && gateway.error().code == Errc::AlreadyExists)
    return fail(Errc::AlreadyExists, gateway.error().detail + port_holder(configuration.listen.port) +
                                         "; choose another with PORT=, --port or listen.port");
  if (!gateway) return tl::unexpected(gateway.error());
  gateway_ = std::move(*gateway);
  auto remark = fmt::format("TLS 1.3 on port {}", gateway_->port());
  if (inherited) remark += ", the service manager's";
  if (!loaded.made.empty()) remark += "; made " + loaded.made;
  return remark;
}

Result<std::string> Program::open_admin_socket() {
  const auto& admin = options_.configuration.admin;
  BZ_CHECK(make_folder(admin.socket_file.parent_path(), 0755));
  control::AdminServerOptions options;
  options.socket_path = admin.socket_file;
  options.policy = control::AdminPolicy::of_this_process(admin.group);
  BZ_TRY(admin_, control::AdminServer::start(std::move(options), *verbs_));
  const auto& readers = options_.configuration.audit.reader_socket_file;
  if (!readers.empty()) {
    BZ_CHECK(make_folder(readers.parent_path(), 0755));
    control::AdminServerOptions audit;
    audit.socket_path = readers;
    audit.for_readers = true;
    audit.max_line_bytes = 64u * 1024;
    BZ_TRY(audit_socket_, control::AdminServer::start(std::move(audit), *verbs_));
  }
  return admin.socket_file.string();
}

Result<std::string> Program::open_metrics() {
  const auto& metrics = options_.configuration.metrics;
  api::ObservabilityOptions options;
  options.address = metrics.address->to_string();
  options.port = metrics.port;
  api::Sources sources;
  sources.metrics = [this] { return metrics_text(); };
  sources.not_ready = [this]() -> std::optional<std::string> {
    const auto fresh = snapshots_.fresh(system_clock().steady(), options_.configuration.control.max_stale);
    if (!fresh) return "the control database is away";
    if (embedded_ && embedded_->status().state != postgres::ServerState::Running)
      return "the embedded PostgreSQL is not running";
    if (!audit_->healthy()) return "the audit log can't be written";
    return std::nullopt;
  };
  BZ_TRY(observability_, api::ObservabilityServer::start(options, std::move(sources)));
  return fmt::format("http://{}:{}/metrics", options.address, observability_->port());
}

void Program::block_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&set, signal);
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
}

void Program::run_until_stopped() {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&set, signal);
  while (!stop_requested_.load()) {
    const timespec pause{1, 0};
    const int signal = ::sigtimedwait(&set, nullptr, &pause);
    if (signal == SIGTERM || signal == SIGINT) break;
    if (signal == SIGHUP)
      if (const auto reloaded = reload(); !reloaded)
        BZ_LOG(Error, "reload.failed", {"reason", reloaded.error().detail});
  }
  BZ_LOG(Info, "program.draining");
  auto patience = options_.configuration.limits.drain_timeout;
  {
    const std::lock_guard lock(reload_mutex_);
    if (reloaded_) patience = reloaded_->limits.drain_timeout;
  }
  gateway_->drain(patience);
}

Result<void> Program::kill_session(std::string_view id) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(id.data(), id.data() + id.size(), number);
  if (error != std::errc{} || end != id.data() + id.size())
    return fail(Errc::InvalidArgument, "a session's id is a number");
  if (!gateway_->kill(number)) return fail(Errc::NotFound, "there is no such session");
  return {};
}

Result<control::Reloaded> Program::reload() {
  const std::lock_guard lock(reload_mutex_);  // SIGHUP and the admin socket may come at once
  BZ_TRY(auto fresh, options_.read_again());
  std::vector<std::string> addresses = gateway_->addresses();
  BZ_TRY(auto loaded, load_certificate(fresh.tls, data_directory() / "tls", addresses));
  BZ_TRY(const auto options, gateway_options(fresh));
  // From here on nothing fails: all of it is taken over, or nothing was.
  gateway_->use_certificate(std::move(loaded.certificate));
  certificate_not_after_ = loaded.not_after.time_since_epoch().count();
  gateway_->use_limits(options.limits);
  gateway_->use_throttle(options.throttle);
  apply_log_options(fresh.log);
  control::Reloaded done;
  done.certificate_not_after = loaded.not_after;
  for (auto& changed : config::differences(reloaded_ ? *reloaded_ : options_.configuration, fresh))
    if (!changed.needs_restart) done.taken_over.push_back(std::move(changed.key));
  for (auto& changed : config::differences(options_.configuration, fresh)) {
    if (!changed.needs_restart) continue;
    BZ_LOG(Warn, "reload.needs_restart", {"key", changed.key});
    done.needs_restart.push_back(std::move(changed.key));
  }
  reloaded_ = std::move(fresh);
  BZ_LOG(Info, "program.reloaded", {"taken_over", done.taken_over.size()});
  return done;
}

std::optional<policy::UnixEndpoint> Program::embedded_endpoint() {
  if (!embedded_) return std::nullopt;
  return policy::UnixEndpoint{embedded_->socket_directory(), embedded_->endpoint().port};
}

Result<postgres::ControlConnection> Program::embedded_superuser(const std::string& database, SteadyTime deadline) {
  if (!embedded_) return fail(Errc::Unsupported, "there is no embedded PostgreSQL");
  return postgres::ControlConnection::connect(embedded_->endpoint(database), embedded_->superuser_password(), deadline);
}

Result<control::EmbeddedDatabase> Program::make_embedded_database(const std::string& database) {
  if (database == "bartizan" || database == "postgres" || database.starts_with("template"))
    return fail(Errc::InvalidArgument, "\"" + database + "\" is a name of Bartizan's or PostgreSQL's own");
  const auto deadline = in(std::chrono::seconds(60));
  BZ_TRY(auto superuser,
         postgres::ControlConnection::connect(embedded_->endpoint(), embedded_->superuser_password(), deadline));
  control::EmbeddedDatabase made{*embedded_endpoint(), database + "_owner", random_password()};
  const std::array<std::optional<std::string>, 1> role_name = {made.owner};
  BZ_TRY(const auto role, superuser.exec("SELECT 1 FROM pg_catalog.pg_roles WHERE rolname = $1", role_name, deadline));
  const auto owner = postgres::quote_identifier(made.owner);
  if (role.empty())
    BZ_CHECK(superuser.exec("CREATE ROLE " + owner + " LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE", deadline));
  BZ_CHECK(superuser.set_role_password(made.owner, made.password, deadline));
  const std::array<std::optional<std::string>, 1> database_name = {database};
  BZ_TRY(const auto present,
         superuser.exec("SELECT 1 FROM pg_catalog.pg_database WHERE datname = $1", database_name, deadline));
  if (!present.empty()) return made;
  const auto quoted = postgres::quote_identifier(database);
  BZ_CHECK(superuser.exec("CREATE DATABASE " + quoted + " OWNER " + owner, deadline));
  BZ_CHECK(superuser.exec("REVOKE ALL ON DATABASE " + quoted + " FROM PUBLIC", deadline));
  return made;
}

void Program::shutdown() {
  stop_requested_.store(true);
  ::kill(::getpid(), SIGTERM);
}

std::string Program::psql() const { return embedded_ ? embedded_->binaries().directory + "/psql" : "/usr/bin/psql"; }

}  // namespace bartizan::app
