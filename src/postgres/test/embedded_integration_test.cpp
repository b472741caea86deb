// The embedded server's life, on a real PostgreSQL.
#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <fstream>
#include <set>
#include <sstream>
#include <thread>

#include "bartizan/procs/child_process.hpp"
#include "bartizan/procs/process_handle.hpp"
#include "embedded_fixture.hpp"

using namespace bartizan;
using namespace bartizan::postgres;
using namespace bartizan::postgres::test;
using namespace std::chrono_literals;
namespace fs = std::filesystem;

namespace {

std::string scalar(ControlConnection& connection, std::string_view sql) {
  auto value = connection.scalar(sql, in(30s));
  REQUIRE_MESSAGE(value, (value ? "" : value.error().detail));
  return *value;
}

struct stat stat_of(const std::string& path) {
  struct stat info = {};
  REQUIRE_MESSAGE(::lstat(path.c_str(), &info) == 0, path);
  return info;
}

mode_t mode_of(const std::string& path) { return stat_of(path).st_mode & 07777; }

/// Inodes of all TCP sockets, or of those that a process holds.
std::set<std::string> tcp_inodes() {
  std::set<std::string> inodes;
  for (const char* table : {"/proc/net/tcp", "/proc/net/tcp6"}) {
    std::ifstream file(table);
    std::string line;
    std::getline(file, line);
    while (std::getline(file, line)) {
      std::istringstream fields(line);
      std::string field;
      for (int i = 0; i < 10; ++i) fields >> field;
      inodes.insert("socket:[" + field + "]");
    }
  }
  return inodes;
}

std::set<std::string> socket_inodes(int pid) {
  std::set<std::string> inodes;
  for (const auto& entry : fs::directory_iterator("/proc/" + std::to_string(pid) + "/fd")) {
    std::error_code error;
    const auto target = fs::read_symlink(entry.path(), error).string();
    if (target.starts_with("socket:")) inodes.insert(target);
  }
  return inodes;
}

std::string cluster_state(RunningServer& server) {
  procs::Command command;
  command.argv = {server->binaries().directory + "/pg_controldata", server->data_directory() + "/pgdata"};
  command.environment = {{"LC_ALL", "C"}};
  command.standard_output = procs::Capture{};
  const auto completed = procs::run(command, in(20s));
  REQUIRE(completed);
  const auto at = completed->standard_output.find("Database cluster state:");
  REQUIRE(at != std::string::npos);
  const auto line = completed->standard_output.substr(at, completed->standard_output.find('\n', at) - at);
  return line.substr(line.find_first_not_of(' ', line.find(':') + 1));
}

std::string crash_host() {
  const char* moved = std::getenv("BZ_CRASH_HOST_COPY");
  return moved != nullptr ? moved : BZ_CRASH_HOST;
}

struct CrashHost {
  procs::ChildProcess process;
  pid_t postmaster;
};

CrashHost start_host(const DataFolder& folder) {
  const auto output = (folder.base() / "host.out").string();
  procs::Command command;
  command.argv = {crash_host(), folder.path()};
  command.standard_output = procs::ToFile{output, true};
  auto process = procs::ChildProcess::spawn(command);
  REQUIRE(process);
  std::string word;
  pid_t postmaster = 0;
  for (const auto deadline = in(60s); postmaster == 0 && std::chrono::steady_clock::now() < deadline;) {
    std::ifstream(output) >> word >> postmaster;
    if (postmaster == 0) std::this_thread::sleep_for(20ms);
  }
  REQUIRE(word == "ready");
  REQUIRE(postmaster > 0);
  return {std::move(*process), postmaster};
}

}  // namespace

TEST_SUITE_BEGIN("embedded");

TEST_CASE("initialised with checksums and SCRAM, private, without TCP; stopped in order; started again") {
  const DataFolder folder;
  RunningServer server(folder.path());
  auto connection = server.connect();

  CHECK(scalar(connection, "SHOW data_checksums") == "on");
  CHECK(scalar(connection, "SHOW server_encoding") == "UTF8");
  CHECK(scalar(connection, "SHOW fsync") == "on");
  CHECK(scalar(connection, "SHOW listen_addresses").empty());
  CHECK(scalar(connection, "SHOW ssl") == "off");
  CHECK(scalar(connection, "SELECT rolpassword LIKE 'SCRAM-SHA-256$%' FROM pg_authid WHERE rolname = 'postgres'") ==
        "t");
  CHECK(
      scalar(
          connection,
          "SELECT string_agg(concat_ws(' ', type, database[1], user_name[1], auth_method), ', ' ORDER BY line_number) "
          "FROM pg_hba_file_rules") ==
      "local all all scram-sha-256, local replication postgres scram-sha-256, host all all reject, "
      "host replication all reject");

  {
    INFO("a TCP connection is impossible: no process of it holds a TCP socket");
    const auto pid = server->status().postmaster_pid;
    const auto sockets = socket_inodes(pid);
    CHECK_FALSE(sockets.empty());  // its unix socket: so the look-up works
    const auto tcp = tcp_inodes();
    for (const auto& inode : sockets) CHECK_FALSE(tcp.contains(inode));
  }
  {
    INFO("no sign-in without the password");
    const auto refused =
        ControlConnection::connect(server->endpoint(), SecretBytes(std::string_view("wrong")), in(20s));
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == Errc::Unauthenticated);
  }
  {
    INFO("owners and modes");
    const auto root = server->data_directory();
    const bool separate = ::geteuid() == 0;
    CHECK(mode_of(root) == (separate ? 0710 : 0700));
    CHECK(mode_of(root + "/secrets") == 0700);
    CHECK(mode_of(root + "/secrets/superuser.password") == 0600);
    CHECK(stat_of(root + "/secrets/superuser.password").st_uid == ::geteuid());
    CHECK(mode_of(root + "/pgdata") == 0700);
    CHECK(mode_of(server->socket_directory()) == 0700);
    CHECK((stat_of(root + "/pgdata").st_uid != ::geteuid()) == separate);
    CHECK(stat_of(server->socket_directory()).st_uid == stat_of(root + "/pgdata").st_uid);
    CHECK(stat_of(root + "/conf/pg_hba.conf").st_uid == ::geteuid());
    CHECK_FALSE(fs::exists(server->socket_directory() + "/initdb.password"));
    const auto process = procs::ProcessHandle::open(server->status().postmaster_pid);
    REQUIRE(process);
    CHECK(process->uid() == stat_of(root + "/pgdata").st_uid);
  }
  {
    INFO("statements, values and rows stay out of the log");
    REQUIRE(
        connection.exec("CREATE TABLE secrets (v text UNIQUE, n int CHECK (n < 10)); "
                        "CREATE ROLE plain LOGIN; GRANT ALL ON secrets TO plain",
                        in(10s)));
    const SecretBytes password(std::string_view("zq-password-zq"));
    REQUIRE(connection.set_role_password("plain", password, in(10s)));
    auto endpoint = server->endpoint();
    endpoint.user = "plain";
    auto plain = ControlConnection::connect(endpoint, password, in(10s));
    REQUIRE(plain);
    const char* statements[] = {"INSERT INTO secrets VALUES ('zq-row-zq', 1)",
                                "INSERT INTO secrets VALUES ('zq-row-zq', 1)",
                                "INSERT INTO secrets VALUES ('zq-check-zq', 11)",
                                "SELECT 'zq-cast-zq'::int",
                                "SELEC 'zq-syntax-zq'",
                                "DO $$ BEGIN RAISE LOG 'zq-raise-zq'; RAISE WARNING 'zq-raise-zq'; END $$",
                                "SET debug_print_plan = on; SET debug_print_parse = on; SELECT 'zq-plan-zq'"};
    for (const char* statement : statements) (void)plain->exec(statement, in(10s));
    CHECK_FALSE(plain->exec("SET log_min_messages = debug5", in(10s)));
    CHECK_FALSE(plain->exec("SET log_statement = 'all'", in(10s)));
    // PostgreSQL tells in its log what a backend that crashed was doing.
    const auto backend = scalar(*plain, "SELECT pg_backend_pid()");
    {
      const std::jthread doomed([&] { (void)plain->exec("SELECT pg_sleep(60), 'zq-crash-zq'", in(60s)); });
      const auto asleep = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND pid = " + backend;
      const auto seen_by = in(20s);
      while (scalar(connection, asleep) == "0") REQUIRE(std::chrono::steady_clock::now() < seen_by);
      REQUIRE(::kill(std::stoi(backend), SIGKILL) == 0);
    }
    REQUIRE(server->stop());
    // The logger writes the last line when the postmaster has gone already.
    auto log = server_log(server->data_directory());
    for (const auto deadline = in(20s); std::chrono::steady_clock::now() < deadline;) {
      if (log.find("database system is shut down") != std::string::npos) break;
      std::this_thread::sleep_for(10ms);
      log = server_log(server->data_directory());
    }
    CHECK(log.find("database system is shut down") != std::string::npos);
    CHECK(log.find("was terminated by signal 9") != std::string::npos);
    CHECK(log.find("zq-") == std::string::npos);
  }
  REQUIRE(server->start());
  connection = server.connect();
  {
    INFO("an orderly stop leaves a clean cluster, and a second start finds the data");
    REQUIRE(connection.exec("CREATE TABLE kept AS SELECT 42 AS n", in(10s)));
    const auto pid = server->status().postmaster_pid;
    REQUIRE(server->stop());
    CHECK(server->status().state == ServerState::Stopped);
    CHECK_FALSE(procs::ProcessHandle::open(pid));
    CHECK(cluster_state(server) == "shut down");
    CHECK_FALSE(fs::exists(server->data_directory() + "/pgdata/postmaster.pid"));
    REQUIRE(server->start());
    auto again = server.connect();
    CHECK(scalar(again, "SELECT n FROM kept") == "42");
    CHECK(again.exec("ALTER SYSTEM SET listen_addresses = '*'", in(10s)));
    REQUIRE(server->stop());
    REQUIRE(server->start());
    auto still = server.connect();
    CHECK(scalar(still, "SHOW listen_addresses").empty());  // the command line counts
  }
}

TEST_CASE("kill -9 of the postmaster under load is survived") {
  const DataFolder folder;
  RunningServer server(folder.path());
  auto connection = server.connect();
  REQUIRE(connection.exec("CREATE TABLE kept AS SELECT generate_series(1, 1000) AS n", in(10s)));
  // A backend that computes does not notice by itself that its postmaster has gone.
  const std::jthread load([&] {
    auto busy = ControlConnection::connect(server->endpoint(), server->superuser_password(), in(10s));
    if (busy) (void)busy->exec("SELECT sum(n) FROM generate_series(1, 10000000000) AS n", in(60s));
  });
  const auto seen_by = in(20s);
  while (scalar(connection, "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'SELECT sum(n)%'") == "0") {
    REQUIRE(std::chrono::steady_clock::now() < seen_by);
    std::this_thread::sleep_for(10ms);
  }
  for (int round = 1; round <= 2; ++round) {
    const auto pid = server->status().postmaster_pid;
    REQUIRE(::kill(pid, SIGKILL) == 0);
    server.wait_for(ServerState::BackingOff, round);
    server.wait_for(ServerState::Running, round + 1);
    CHECK(server->status().postmaster_pid != pid);
    auto again = server.connect();
    CHECK(scalar(again, "SELECT sum(n) FROM kept") == "500500");
  }
  CHECK(server->status().restarts == 2);  // no attempt failed on what the dead postmaster left
  CHECK_FALSE(connection.exec("SELECT 1", in(10s)));
  REQUIRE(server->stop());
  CHECK(cluster_state(server) == "shut down");
}

TEST_CASE("a second server on a folder in use is refused, and does no harm") {
  const DataFolder folder;
  RunningServer first(folder.path());
  EmbeddedOptions options;
  options.data_directory = folder.path();
  EmbeddedServer second(options);
  const auto refused = second.start();
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == Errc::FailedPrecondition);
  CHECK(refused.error().detail.find("in use") != std::string::npos);
  CHECK(refused.error().detail.find(std::to_string(::getpid())) != std::string::npos);
  CHECK(second.status().state == ServerState::Failed);
  auto connection = first.connect();
  CHECK(scalar(connection, "SELECT 1") == "1");
  CHECK(first.times(ServerState::BackingOff) == 0);
}

TEST_CASE("a killed gateway's PostgreSQL stops in order by itself, and the next gateway takes over") {
  const DataFolder folder;
  {
    INFO("left alone");
    auto host = start_host(folder);
    const auto postmaster = procs::ProcessHandle::open(host.postmaster);
    REQUIRE(postmaster);
    host.process.kill_and_reap();
    CHECK(postmaster->wait_gone(in(30s)));
    CHECK_FALSE(fs::exists(folder.path() + "/pgdata/postmaster.pid"));
  }
  auto host = start_host(folder);
  const auto postmaster = procs::ProcessHandle::open(host.postmaster);
  REQUIRE(postmaster);
  // Held, so that the kernel's death signal is not acted on before the next gateway comes.
  REQUIRE(postmaster->signal(SIGSTOP));
  host.process.kill_and_reap();
  const std::jthread thaw([&] {
    std::this_thread::sleep_for(300ms);
    (void)postmaster->signal(SIGCONT);
  });
  RunningServer next(folder.path());
  CHECK_FALSE(postmaster->alive());
  auto connection = next.connect();
  CHECK(scalar(connection, "SELECT 1") == "1");
  CHECK(server_log(folder.path()).find("not properly shut down") == std::string::npos);
}

TEST_CASE("a stale postmaster.pid, even with a living stranger's number, does not stand in the way") {
  const DataFolder folder;
  RunningServer server(folder.path());
  REQUIRE(server->stop());
  const auto lock_file = server->data_directory() + "/pgdata/postmaster.pid";
  std::ofstream(lock_file) << ::getpid() << "\n" << server->data_directory() << "/pgdata\n0\n5432\n\n\n";
  fs::permissions(lock_file, fs::perms(0600));
  const auto owner = stat_of(server->data_directory() + "/pgdata");
  REQUIRE(::lchown(lock_file.c_str(), owner.st_uid, owner.st_gid) == 0);
  const auto started = server->start();
  CHECK_MESSAGE(started, (started ? "" : started.error().detail));
}

TEST_CASE("a data folder with a long or odd name gets its socket elsewhere") {
  for (const char* suffix :
       {"-a-name-that-is-so-long-that-no-unix-socket-can-be-bound-below-it-whatever-one-tries-to-do-here",
        " with blank"}) {
    const DataFolder folder(suffix);
    std::string socket;
    {
      RunningServer server(folder.path());
      socket = server->socket_directory();
      CHECK(socket.size() < 90);
      CHECK(mode_of(socket) == 0700);
      auto connection = server.connect();
      CHECK(scalar(connection, "SELECT 1") == "1");
    }
    fs::remove_all(socket);
  }
}

TEST_CASE("settings are taken; a deadline ends a statement and the connection") {
  const DataFolder folder;
  EmbeddedOptions options;
  options.data_directory = folder.path();
  options.max_connections = 33;
  options.settings = {{"work_mem", "7MB"}};
  RunningServer server(options);
  auto connection = server.connect();
  CHECK(scalar(connection, "SHOW max_connections") == "33");
  CHECK(scalar(connection, "SHOW work_mem") == "7MB");
  const std::optional<std::string> parameters[] = {"4", std::nullopt};
  const auto rows = connection.exec("SELECT $1::int + 1, $2::text", parameters, in(10s));
  REQUIRE(rows);
  CHECK(rows->at(0, 0) == "5");
  CHECK_FALSE(rows->at(0, 1));
  CHECK(connection.exec("SELECT 1/0", in(10s)).error().detail == "PostgreSQL 22012");
  CHECK(connection.last_sqlstate() == "22012");
  CHECK(connection.exec("COPY (SELECT 1) TO STDOUT", in(10s)).error().code == Errc::Unsupported);
  connection = server.connect();
  CHECK(connection.exec("SELECT pg_sleep(60)", in(200ms)).error().code == Errc::DeadlineExceeded);
  CHECK_FALSE(connection.open());
  CHECK(connection.exec("SELECT 1", in(10s)).error().code == Errc::Unavailable);
}

TEST_SUITE_END();

TEST_SUITE_BEGIN("unprivileged");

TEST_CASE("the same without root") {
  if (::geteuid() != 0) {
    MESSAGE("skipped: the suite embedded has run without root already");
    return;
  }
  // The tests' own folder may be closed to others, so the programs are copied; memory may be
  // mounted without exec.
  const DataFolder folder("", fs::temp_directory_path());
  const auto tests = folder.base() / "tests";
  const auto host = folder.base() / "host";
  fs::copy_file("/proc/self/exe", tests);
  fs::copy_file(BZ_CRASH_HOST, host);
  for (const auto& program : {tests, host}) fs::permissions(program, fs::perms(0755));
  procs::Command command;
  command.argv = {tests.string(), "--test-suite=embedded,refusal"};
  command.environment = {{"BZ_CRASH_HOST_COPY", host.string()}, {"PATH", "/usr/bin:/bin"}};
  command.run_as = procs::RunAs{65534, 65534};
  command.standard_output = procs::Capture{1 << 20};
  command.standard_error = procs::Capture{1 << 20};
  const auto completed = procs::run(command, in(280s));
  REQUIRE_MESSAGE(completed, (completed ? "" : completed.error().detail));
  CHECK_MESSAGE(completed->status.success(), completed->standard_output);
  CHECK(completed->standard_output.find(" 0 failed") != std::string::npos);
}

TEST_SUITE_END();
