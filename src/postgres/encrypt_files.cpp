#include "bartizan/postgres/encrypt_files.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <system_error>

#include "bartizan/base/log.hpp"
#include "bartizan/postgres/data_directory.hpp"
#include "bartizan/postgres/server_account.hpp"
#include "bartizan/procs/child_process.hpp"
#include "instance_lock.hpp"
#include "orphans.hpp"
#include "server_settings.hpp"

namespace bartizan::postgres {
namespace {

namespace fs = std::filesystem;

constexpr auto kPrepareTimeout = std::chrono::seconds(60);
constexpr auto kCopyTimeout = std::chrono::hours(48);

Result<void> io_error(const std::string& path) {
  return fail(Errc::Io, path + ": " + std::generic_category().message(errno));
}

/// Everything on the file system that the folder lies on.
Result<void> sync_all(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return io_error(path);
  const bool done = ::syncfs(fd) == 0;
  ::close(fd);
  return done ? Result<void>() : io_error(path);
}

Result<void> copy(const std::string& from, const DataLayout& to) {
  std::error_code error;
  fs::remove_all(to.pgdata_new(), error);  // of a copy that was broken off
  procs::Command command;
  command.argv = {"/bin/cp", "--archive", "--no-target-directory", from, to.pgdata_new()};
  command.environment = {{"PATH", "/usr/bin:/bin"}, {"LC_ALL", "C"}};
  command.standard_error = procs::Capture{4096};
  BZ_TRY(const auto done, procs::run(command, std::chrono::steady_clock::now() + kCopyTimeout));
  if (!done.status.success())
    return fail(Errc::Io, "the files can't be copied, and stay as they are: " + done.standard_error);
  BZ_CHECK(sync_all(to.files));
  if (::rename(to.pgdata_new().c_str(), to.pgdata().c_str()) != 0) return io_error(to.pgdata());
  return sync_all(to.files);
}

Result<void> check_plain(const DataLayout& layout, const ServerAccount& account) {
  std::error_code error;
  if (!fs::exists(layout.pgdata(), error)) {
    const bool done = fs::exists(layout.encrypted(), error);
    return fail(done ? Errc::AlreadyExists : Errc::NotFound,
                done ? "the files lie encrypted already" : "there are no files in " + layout.root);
  }
  BZ_CHECK(inspect_cluster(layout, account));
  if (!fs::is_empty(layout.pgdata() + "/pg_tblspc", error) || error)
    return fail(Errc::FailedPrecondition,
                "there are tablespaces, whose files lie elsewhere: move their tables back first");
  return {};
}

}  // namespace

Result<AtRestState> encrypt_files(const EmbeddedOptions& options) {
  BZ_TRY(const auto account,
         resolve_server_account(options.system_user, std::chrono::steady_clock::now() + kPrepareTimeout));
  BZ_TRY(const auto choice, choose_data_directory(options.data_directory, account));
  DataLayout layout;
  layout.root = choice.path;
  BZ_CHECK(check_plain(layout, account));
  BZ_CHECK(prepare_layout(layout, account));
  BZ_TRY(const auto lock, InstanceLock::take(layout.lock()));
  BZ_CHECK(clear_the_way(layout, account, cluster_name_of(layout), layout.run(), options.stop_timeout));
  atrest::Request request;
  request.folder = layout.encrypted();
  request.wanted = atrest::Wanted::Require;
  if (account.separate) request.group = account.gid;
  request.image_bytes = options.at_rest->image_bytes;
  request.key = options.at_rest->key;
  BZ_TRY(auto files, atrest::ProtectedFolder::open(request));
  if (files.method() == atrest::Method::None)
    return fail(Errc::FailedPrecondition, "nothing to be done: " + files.how());
  const AtRestState state{files.method(), files.how(), files.key()};
  auto encrypted = layout;
  encrypted.files = files.path();
  std::error_code error;
  // There already: a call before this one was ended while it removed the originals.
  if (!fs::exists(encrypted.pgdata(), error)) BZ_CHECK(copy(layout.pgdata(), encrypted));
  fs::remove_all(layout.pgdata(), error);
  if (error) return fail(Errc::Io, "the originals can't be removed: " + error.message());
  BZ_LOG(Info, "at_rest.files_encrypted", {"method", atrest::to_string(state.method)});
  return state;
}

}  // namespace bartizan::postgres
