#include "bartizan/postgres/server_account.hpp"

#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <optional>
#include <vector>

#include "bartizan/base/log.hpp"
#include "bartizan/procs/child_process.hpp"

namespace bartizan::postgres {
namespace {

constexpr std::size_t kPasswdBuffer = 16384;

struct PasswdEntry {
  ServerAccount account;
  std::string shell;
};

std::optional<PasswdEntry> convert(const passwd& found) {
  return PasswdEntry{{found.pw_name, found.pw_uid, found.pw_gid, true}, found.pw_shell ? found.pw_shell : ""};
}

std::optional<PasswdEntry> look_up(const std::string& name) {
  std::vector<char> buffer(kPasswdBuffer);
  passwd entry = {};
  passwd* found = nullptr;
  if (::getpwnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found) != 0 || !found) return std::nullopt;
  return convert(*found);
}

ServerAccount ourselves() {
  std::vector<char> buffer(kPasswdBuffer);
  passwd entry = {};
  passwd* found = nullptr;
  ServerAccount account{std::to_string(::geteuid()), ::geteuid(), ::getegid(), false};
  if (::getpwuid_r(::geteuid(), &entry, buffer.data(), buffer.size(), &found) == 0 && found)
    account.name = found->pw_name;
  return account;
}

bool plausible_name(std::string_view name) {
  return !name.empty() && name.size() <= 32 && std::islower(static_cast<unsigned char>(name[0])) != 0 &&
         std::ranges::all_of(
             name, [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_'; });
}

Result<void> create_user(const std::string& name, SteadyTime deadline) {
  const std::vector<std::vector<std::string>> ways = {
      {"/usr/sbin/useradd", "--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent", "--shell",
       "/usr/sbin/nologin", name},
      {"/usr/sbin/adduser", "--system", "--group", "--no-create-home", "--home", "/nonexistent", "--shell",
       "/usr/sbin/nologin", name}};
  std::string why;
  for (const auto& argv : ways) {
    procs::Command command;
    command.argv = argv;
    command.environment = {{"PATH", "/usr/sbin:/usr/bin:/sbin:/bin"}, {"LC_ALL", "C"}};
    command.standard_error = procs::Capture{4096};
    const auto completed = procs::run(command, deadline);
    // Another Bartizan may have made it meanwhile: what counts is that it is there.
    if (look_up(name)) return {};
    why = completed ? completed->standard_error : completed.error().detail;
  }
  return fail(Errc::FailedPrecondition, "can't create the system user " + name + " for PostgreSQL (" + why +
                                            "): create it with useradd --system " + name);
}

}  // namespace

Result<ServerAccount> resolve_server_account(std::string_view system_user, SteadyTime deadline) {
  if (::geteuid() != 0) return ourselves();
  const std::string name(system_user);
  if (!plausible_name(name)) return fail(Errc::InvalidArgument, "the system user's name is not one that Linux takes");
  auto entry = look_up(name);
  if (!entry) {
    BZ_CHECK(create_user(name, deadline));
    entry = look_up(name);
    if (!entry) return fail(Errc::Internal, "the system user " + name + " was created but is not there");
    BZ_LOG(Info, "postgres.user_created", {"user", name}, {"uid", entry->account.uid});
  }
  const bool may_log_in = !entry->shell.ends_with("/nologin") && !entry->shell.ends_with("/false");
  if (entry->account.uid == 0 || may_log_in)
    return fail(Errc::FailedPrecondition, "the user " + name +
                                              " is root or can log in: name another system user for PostgreSQL, one "
                                              "with the shell /usr/sbin/nologin");
  return entry->account;
}

}  // namespace bartizan::postgres
