#include "orphans.hpp"

#include <algorithm>
#include <csignal>
#include <string_view>
#include <vector>

#include "bartizan/base/log.hpp"
#include "bartizan/procs/process_handle.hpp"
#include "postmaster_pid.hpp"
#include "private_files.hpp"

namespace bartizan::postgres {
namespace {

constexpr std::size_t kPidFileLimit = 8192;
constexpr auto kImmediateTimeout = std::chrono::seconds(5);

SteadyTime in(std::chrono::milliseconds time) { return std::chrono::steady_clock::now() + time; }

bool is_postmaster(const procs::ProcessHandle& process, const ServerAccount& account) {
  const auto& arguments = process.arguments();
  if (process.uid() != account.uid || arguments.empty()) return false;
  const std::string_view program = arguments[0];
  const auto name = program.substr(program.rfind('/') + 1);
  return name == "postgres" || name == "postmaster";
}

/// The folder given with -D; empty if it stands elsewhere (PGDATA, a configuration file).
std::string data_folder(const procs::ProcessHandle& process) {
  const auto& arguments = process.arguments();
  const auto option = std::ranges::find(arguments, "-D");
  return option == arguments.end() || option + 1 == arguments.end() ? "" : *(option + 1);
}

bool started_by_us(const procs::ProcessHandle& process, const DataLayout& layout, const std::string& cluster_name) {
  const auto folder = data_folder(process);
  return (folder == layout.pgdata() || folder.starts_with(layout.encrypted() + "/")) &&
         std::ranges::find(process.arguments(), "cluster_name=" + cluster_name) != process.arguments().end();
}

/// A reused pid may belong to the postmaster of another Bartizan's folder.
bool runs_elsewhere(const procs::ProcessHandle& process, const DataLayout& layout) {
  return data_folder(process).starts_with('/') && data_folder(process) != layout.pgdata();
}

/// Fast shutdown, immediate shutdown, SIGKILL.
Result<void> stop_in_order(const procs::ProcessHandle& postmaster, std::chrono::milliseconds stop_timeout) {
  const struct {
    int signal;
    std::chrono::milliseconds timeout;
  } steps[] = {{SIGINT, stop_timeout}, {SIGQUIT, kImmediateTimeout}, {SIGKILL, kImmediateTimeout}};
  for (const auto& step : steps) {
    const auto sent = postmaster.signal(step.signal);
    if (!sent && sent.error().code == Errc::NotFound) return {};
    BZ_CHECK(sent);
    if (postmaster.wait_gone(in(step.timeout))) return {};
  }
  return fail(Errc::FailedPrecondition, "process " + std::to_string(postmaster.pid()) +
                                            ", a PostgreSQL left over on this data folder, can't be ended");
}

/// Backends whose postmaster was killed: one in a long query does not notice by itself, and holds
/// the shared memory that keeps the next postmaster from starting.
void end_backends(const ServerAccount& account, const std::string& cluster_name) {
  const std::string title = "postgres: " + cluster_name + ": ";
  std::vector<procs::ProcessHandle> left;
  for (const pid_t pid : procs::find_processes(account.uid, title)) {
    auto process = procs::ProcessHandle::open(pid);
    if (!process || process->uid() != account.uid || process->arguments().empty() ||
        !process->arguments()[0].starts_with(title))
      continue;
    left.push_back(std::move(*process));
  }
  if (left.empty()) return;
  BZ_LOG(Warn, "postgres.orphans_ended", {"count", left.size()});
  for (const int number : {SIGQUIT, SIGKILL}) {
    for (const auto& process : left) (void)process.signal(number);  // an error: it is gone
    const auto deadline = in(kImmediateTimeout);
    std::erase_if(left, [&](const auto& process) { return process.wait_gone(deadline); });
    if (left.empty()) return;
  }
}

/// The pid in it may be a zombie's, or a stranger's by now: PostgreSQL would not start then.
void remove_socket_lock(const DataLayout& layout, const std::string& socket_directory) {
  const auto lock_file = socket_directory + "/.s.PGSQL.5432.lock";
  const auto text = read_small_file(lock_file, kPidFileLimit);
  const auto recorded = text ? parse_postmaster_pid(*text) : std::nullopt;
  if (recorded && recorded->data_directory == layout.pgdata()) remove_file(lock_file);
}

}  // namespace

Result<void> stop_left_over(const DataLayout& layout, const ServerAccount& account, const std::string& cluster_name,
                            std::chrono::milliseconds stop_timeout) {
  for (const pid_t pid : procs::find_processes(account.uid, "/")) {
    const auto process = procs::ProcessHandle::open(pid);
    if (!process || !is_postmaster(*process, account) || !started_by_us(*process, layout, cluster_name)) continue;
    BZ_LOG(Warn, "postgres.orphan_found", {"pid", pid});
    BZ_CHECK(stop_in_order(*process, stop_timeout));
  }
  end_backends(account, cluster_name);
  return {};
}

Result<void> clear_the_way(const DataLayout& layout, const ServerAccount& account, const std::string& cluster_name,
                           const std::string& socket_directory, std::chrono::milliseconds stop_timeout) {
  const std::string lock_file = layout.pgdata() + "/postmaster.pid";
  const auto text = read_small_file(lock_file, kPidFileLimit);
  if (!text && text.error().code == Errc::NotFound) {
    end_backends(account, cluster_name);
    remove_socket_lock(layout, socket_directory);
    return {};
  }
  const auto recorded = text ? parse_postmaster_pid(*text) : std::nullopt;
  if (recorded) {
    const auto process = procs::ProcessHandle::open(recorded->pid);
    if (process && is_postmaster(*process, account) && !runs_elsewhere(*process, layout)) {
      if (!started_by_us(*process, layout, cluster_name))
        return fail(Errc::FailedPrecondition, "a PostgreSQL that Bartizan did not start (process " +
                                                  std::to_string(recorded->pid) + ") runs on " + layout.pgdata() +
                                                  ": stop it with pg_ctl stop, then start again");
      BZ_LOG(Warn, "postgres.orphan_found", {"pid", recorded->pid});
      BZ_CHECK(stop_in_order(*process, stop_timeout));
    }
  }
  end_backends(account, cluster_name);
  // Nobody is left. PostgreSQL would remove it too, except when a stranger or a zombie has its pid.
  remove_file(lock_file);
  remove_socket_lock(layout, socket_directory);
  return {};
}

}  // namespace bartizan::postgres
