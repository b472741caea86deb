// Data folders that must not be started on: each is refused with what to do, and left as it is.
#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <functional>
#include <thread>

#include "bartizan/procs/child_process.hpp"
#include "embedded_fixture.hpp"

using namespace bartizan;
using namespace bartizan::postgres;
using namespace bartizan::postgres::test;
using namespace std::chrono_literals;
namespace fs = std::filesystem;

namespace {

Error refusal(const std::string& folder) {
  EmbeddedOptions options;
  options.data_directory = folder;
  EmbeddedServer server(options);
  const auto started = server.start();
  REQUIRE_FALSE(started);
  CHECK(server.status().state == ServerState::Failed);
  CHECK(server.status().reason == started.error().detail);
  return started.error();
}

}  // namespace

TEST_SUITE_BEGIN("refusal");

TEST_CASE("another major version, another owner, open modes, a lost password: refused; mended: started") {
  const DataFolder folder;
  RunningServer server(folder.path());
  REQUIRE(server->stop());
  const auto pgdata = folder.path() + "/pgdata";
  const auto version = pgdata + "/PG_VERSION";
  const auto password = folder.path() + "/secrets/superuser.password";
  const auto spare = (folder.base() / "spare").string();
  struct stat owner = {};
  REQUIRE(::stat(pgdata.c_str(), &owner) == 0);
  const bool root = ::geteuid() == 0;

  struct Row {
    const char* name;
    std::function<void()> spoil;
    Errc code;
    const char* what_to_do;
    std::function<void()> mend;
  };
  const Row rows[] = {
      {"another major version", [&] { std::ofstream(version) << "9\n"; }, Errc::FailedPrecondition,
       "install the package postgresql-9", [&] { std::ofstream(version) << server->binaries().major << "\n"; }},
      {"not a cluster", [&] { fs::rename(version, spare); }, Errc::FailedPrecondition, "not a PostgreSQL cluster",
       [&] { fs::rename(spare, version); }},
      {"open to others", [&] { fs::permissions(pgdata, fs::perms(0755)); }, Errc::FailedPrecondition, "chmod 700",
       [&] { fs::permissions(pgdata, fs::perms(0700)); }},
      {"another owner", [&] { REQUIRE(::chown(pgdata.c_str(), 54321, 54321) == 0); }, Errc::FailedPrecondition, "chown",
       [&] { REQUIRE(::chown(pgdata.c_str(), owner.st_uid, owner.st_gid) == 0); }},
      {"the password is lost", [&] { fs::rename(password, spare); }, Errc::FailedPrecondition, "restore it",
       [&] { fs::rename(spare, password); }},
      {"the password is another's",
       [&] {
         fs::rename(password, spare);
         std::ofstream(password) << "something else";
       },
       Errc::Unauthenticated, "", [&] { fs::rename(spare, password); }}};
  for (const auto& row : rows) {
    CAPTURE(row.name);
    if (!root && std::string_view(row.name) == "another owner") continue;
    row.spoil();
    const auto error = refusal(folder.path());
    CHECK(error.code == row.code);
    CHECK(error.detail.find(row.what_to_do) != std::string::npos);
    CHECK_FALSE(fs::exists(pgdata + "/postmaster.pid"));  // nothing is left running
    row.mend();
    const auto started = server->start();
    REQUIRE_MESSAGE(started, (started ? "" : started.error().detail));
    REQUIRE(server->stop());
  }
}

TEST_CASE("a folder that is not ours") {
  const DataFolder folder;
  fs::create_directory(folder.path());
  std::ofstream(folder.path() + "/letters.txt") << "dear";
  const auto error = refusal(folder.path());
  CHECK(error.code == Errc::FailedPrecondition);
  CHECK(error.detail.find("not made by Bartizan") != std::string::npos);
  CHECK(std::distance(fs::directory_iterator(folder.path()), {}) == 1);
}

TEST_CASE("a live PostgreSQL that Bartizan did not start is left alone") {
  const DataFolder folder;
  RunningServer server(folder.path());
  REQUIRE(server->stop());
  struct stat info = {};
  REQUIRE(::stat((folder.path() + "/pgdata").c_str(), &info) == 0);
  procs::Command command;
  command.argv = {server->binaries().directory + "/postgres",
                  "-D",
                  folder.path() + "/pgdata",
                  "-c",
                  "listen_addresses=",
                  "-c",
                  "unix_socket_directories=" + folder.path() + "/run"};
  if (::geteuid() == 0) command.run_as = procs::RunAs{info.st_uid, info.st_gid};
  command.parent_death_signal = SIGQUIT;
  auto foreign = procs::ChildProcess::spawn(command);
  REQUIRE(foreign);
  for (const auto deadline = in(20s);
       !fs::exists(folder.path() + "/run/.s.PGSQL.5432") && std::chrono::steady_clock::now() < deadline;)
    std::this_thread::sleep_for(20ms);
  const auto error = refusal(folder.path());
  CHECK(error.code == Errc::FailedPrecondition);
  CHECK(error.detail.find("did not start (process " + std::to_string(foreign->pid()) + ")") != std::string::npos);
  CHECK_FALSE(foreign->exit_status());
  CHECK(foreign->wait(in(0ms)).value() == procs::WaitResult::Deadline);
  REQUIRE(foreign->signal(SIGINT));
  CHECK(foreign->wait(in(30s)).value() == procs::WaitResult::Exited);
  CHECK(server->start());
}

TEST_CASE("an initdb that was killed leaves nothing that counts") {
  const DataFolder folder;
  {
    RunningServer first(folder.path());
  }
  fs::rename(folder.path() + "/pgdata", folder.path() + "/pgdata.new");
  fs::remove(folder.path() + "/pgdata.new/PG_VERSION");
  RunningServer again(folder.path());
  CHECK_FALSE(fs::exists(folder.path() + "/pgdata.new"));
}

TEST_CASE("no server programs, and settings that are not the caller's to make") {
  const DataFolder folder;
  EmbeddedOptions options;
  options.data_directory = folder.path();
  options.binaries_directory = "/nonexistent";
  CHECK(EmbeddedServer(options).start().error().code == Errc::NotFound);
  options.binaries_directory.reset();
  options.settings = {{"listen_addresses", "*"}};
  CHECK(EmbeddedServer(options).start().error().code == Errc::InvalidArgument);
  options.settings.clear();
  options.data_directory = "relative";
  CHECK(EmbeddedServer(options).start().error().code == Errc::InvalidArgument);
}

TEST_SUITE_END();
