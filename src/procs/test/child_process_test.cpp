#include "bartizan/procs/child_process.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "bartizan/procs/process_handle.hpp"

using namespace bartizan;
using namespace bartizan::procs;
using namespace std::chrono_literals;

namespace {

SteadyTime in(std::chrono::milliseconds time) { return std::chrono::steady_clock::now() + time; }

Command shell(std::string script) {
  Command command;
  command.argv = {"/bin/sh", "-c", std::move(script)};
  command.standard_output = Capture{};
  command.standard_error = Capture{};
  return command;
}

CompletedProcess must_run(const Command& command) {
  auto completed = run(command, in(20s));
  REQUIRE_MESSAGE(completed, (completed ? "" : completed.error().detail));
  return std::move(*completed);
}

}  // namespace

TEST_CASE("run reports the exit status and both outputs") {
  struct Row {
    const char* script;
    int code;
    int signal;
    const char* out;
    const char* err;
  };
  const Row rows[] = {
      {"true", 0, 0, "", ""},
      {"exit 7", 7, 0, "", ""},
      {"echo out; echo err >&2; exit 3", 3, 0, "out\n", "err\n"},
      {"kill -TERM $$", 0, SIGTERM, "", ""},
  };
  for (const auto& row : rows) {
    CAPTURE(row.script);
    const auto completed = must_run(shell(row.script));
    CHECK(completed.status.code == row.code);
    CHECK(completed.status.signal == row.signal);
    CHECK(completed.standard_output == row.out);
    CHECK(completed.standard_error == row.err);
    CHECK(completed.status.success() == (row.code == 0 && row.signal == 0));
  }
}

TEST_CASE("nothing is inherited: environment, descriptors, signal mask, working directory") {
  ::setenv("BZ_PROCS_LEAK", "leaked", 1);
  const int leaked = ::open("/dev/null", O_RDONLY);  // without close-on-exec
  REQUIRE(leaked > 2);
  sigset_t usr1;
  sigset_t before;
  ::sigemptyset(&usr1);
  ::sigaddset(&usr1, SIGUSR1);
  ::pthread_sigmask(SIG_BLOCK, &usr1, &before);
  auto command = shell(
      "env | grep -c BZ_PROCS_LEAK; echo $GIVEN; ls /proc/self/fd | tr '\\n' ' '; pwd; "
      "grep -E '^Sig(Blk|Ign)' /proc/self/status | tr -d '\\t' | tr '\\n' ' '");
  command.environment = {{"GIVEN", "value"}, {"PATH", "/usr/bin:/bin"}};
  command.working_directory = "/usr";
  const auto completed = must_run(command);
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  ::close(leaked);
  ::unsetenv("BZ_PROCS_LEAK");
  // ls itself holds descriptor 3 on the folder it lists.
  CHECK(completed.standard_output == "0\nvalue\n0 1 2 3 /usr\nSigBlk:0000000000000000 SigIgn:0000000000000000 ");
}

TEST_CASE("stdin is fed whole, more than a pipe holds, while output is drained") {
  const std::string text(1 << 20, 'x');
  auto command = shell("/bin/cat");
  command.stdin_bytes = SecretBytes(text);
  command.standard_output = Capture{2 << 20};
  CHECK(must_run(command).standard_output == text);
}

TEST_CASE("a child that does not read its stdin ends without harm to us") {
  auto command = shell("exit 4");
  command.stdin_bytes = SecretBytes(std::string(1 << 20, 'x'));
  CHECK(must_run(command).status.code == 4);
}

TEST_CASE("captured output is bounded and says so") {
  auto command = shell("yes | head -c 300000");
  command.environment = {{"PATH", "/usr/bin:/bin"}};
  command.standard_output = Capture{1000};
  const auto completed = must_run(command);
  CHECK(completed.standard_output.size() == 1000);
  CHECK(completed.truncated);
  CHECK(completed.status.success());
}

TEST_CASE("the deadline ends the child and its process group") {
  const auto started = std::chrono::steady_clock::now();
  const auto marker = std::filesystem::temp_directory_path() / ("bz-procs-" + std::to_string(::getpid()));
  auto command = shell("sleep 60 & echo $! > " + marker.string() + "; wait");
  command.environment = {{"PATH", "/usr/bin:/bin"}};
  const auto completed = run(command, in(500ms));
  REQUIRE_FALSE(completed);
  CHECK(completed.error().code == Errc::DeadlineExceeded);
  CHECK(std::chrono::steady_clock::now() - started < 20s);
  std::ifstream file(marker);
  pid_t grandchild = 0;
  file >> grandchild;
  REQUIRE(grandchild > 0);
  std::filesystem::remove(marker);
  const auto handle = ProcessHandle::open(grandchild);
  CHECK((!handle || handle->wait_gone(in(5s))));
}

TEST_CASE("what can't be run is an error that names the step") {
  struct Row {
    std::vector<std::string> argv;
    const char* directory;
    Errc code;
    const char* step;
  };
  const Row rows[] = {
      {{}, "/", Errc::InvalidArgument, "absolute"},
      {{"true"}, "/", Errc::InvalidArgument, "absolute"},
      {{std::string("/bin/true\0x", 11)}, "/", Errc::InvalidArgument, "NUL"},
      {{"/nonexistent/program"}, "/", Errc::NotFound, "exec"},
      {{"/etc/passwd"}, "/", Errc::PermissionDenied, "exec"},
      {{"/bin/true"}, "/nonexistent", Errc::NotFound, "working directory"},
  };
  for (const auto& row : rows) {
    Command command;
    command.argv = row.argv;
    command.working_directory = row.directory;
    const auto completed = run(command, in(10s));
    REQUIRE_FALSE(completed);
    CHECK(completed.error().code == row.code);
    CHECK(completed.error().detail.find(row.step) != std::string::npos);
  }
}

TEST_CASE("wait has a deadline and can be woken; signal ends the child; later calls say that it ended") {
  auto child = ChildProcess::spawn(shell("exec sleep 60"));
  REQUIRE(child);
  CHECK(child->wait(in(20ms)).value() == WaitResult::Deadline);
  int wake[2];
  REQUIRE(::pipe(wake) == 0);
  REQUIRE(::write(wake[1], "x", 1) == 1);
  CHECK(child->wait(in(20s), wake[0]).value() == WaitResult::Woken);
  CHECK(child->signal(SIGTERM));
  ::close(wake[0]);
  ::close(wake[1]);
  CHECK(child->wait(in(20s)).value() == WaitResult::Exited);
  CHECK(child->exit_status()->signal == SIGTERM);
  CHECK(child->wait(in(0ms)).value() == WaitResult::Exited);
  CHECK(child->signal(SIGTERM).error().code == Errc::FailedPrecondition);
}

TEST_CASE("a destroyed ChildProcess leaves no process") {
  pid_t pid = 0;
  {
    auto child = ChildProcess::spawn(shell("exec sleep 60"));
    REQUIRE(child);
    pid = child->pid();
  }
  CHECK_FALSE(ProcessHandle::open(pid));
}

TEST_CASE("a child gets its death signal when the spawning thread ends") {
  std::optional<ChildProcess> child;
  std::thread spawner([&] {
    auto command = shell("exec sleep 60");
    command.parent_death_signal = SIGINT;
    auto spawned = ChildProcess::spawn(command);
    if (spawned) child = std::move(*spawned);
  });
  spawner.join();
  REQUIRE(child);
  REQUIRE(child->wait(in(10s)).value() == WaitResult::Exited);
  CHECK(child->exit_status()->signal == SIGINT);
}

TEST_CASE("output to a file: appended or truncated, 0600, no link followed") {
  const auto folder = std::filesystem::temp_directory_path() / ("bz-procs-out-" + std::to_string(::getpid()));
  std::filesystem::create_directory(folder);
  const auto path = (folder / "log").string();
  auto write = [&](const char* text, bool truncate) {
    auto command = shell(std::string("echo ") + text);
    command.standard_output = ToFile{path, truncate};
    must_run(command);
    std::stringstream content;
    content << std::ifstream(path).rdbuf();
    return content.str();
  };
  CHECK(write("one", false) == "one\n");
  CHECK(write("two", false) == "one\ntwo\n");
  CHECK(write("three", true) == "three\n");
  struct stat info = {};
  REQUIRE(::stat(path.c_str(), &info) == 0);
  CHECK((info.st_mode & 0777) == 0600);
  std::filesystem::create_symlink(path, folder / "link");
  auto command = shell("echo x");
  command.standard_output = ToFile{(folder / "link").string()};
  CHECK(run(command, in(10s)).error().code == Errc::Io);
  std::filesystem::remove_all(folder);
}

TEST_CASE("run_as drops every group and user id, for good") {
  auto command = shell("id -u; id -g; id -G; grep -E '^(Uid|Gid)' /proc/self/status | tr -s '\\t' ' '");
  command.environment = {{"PATH", "/usr/bin:/bin"}};
  command.run_as = RunAs{65534, 65534};
  const auto completed = run(command, in(10s));
  if (::geteuid() != 0) {
    REQUIRE_FALSE(completed);
    CHECK(completed.error().code == Errc::PermissionDenied);
    return;
  }
  REQUIRE(completed);
  CHECK(completed->standard_output ==
        "65534\n65534\n65534\nUid: 65534 65534 65534 65534\nGid: 65534 65534 65534 65534\n");
}
