#include "initdb.hpp"

#include <fcntl.h>
#include <locale.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <system_error>

#include "bartizan/base/bytes.hpp"
#include "bartizan/base/log.hpp"
#include "bartizan/procs/child_process.hpp"
#include "private_files.hpp"

namespace bartizan::postgres {
namespace {

constexpr std::size_t kPasswordBytes = 24;
constexpr std::size_t kPasswordFileLimit = 1024;

/// Bytewise order with UTF-8 classification where the system has it.
const char* pick_locale() {
  const locale_t utf8 = ::newlocale(LC_ALL_MASK, "C.UTF-8", nullptr);
  if (utf8 == nullptr) return "C";
  ::freelocale(utf8);
  return "C.UTF-8";
}

/// initdb's password file; gone when this is.
class PasswordFile {
 public:
  static Result<PasswordFile> write(std::string path, const SecretBytes& password, const ServerAccount& account) {
    remove_file(path);  // left by a start that was killed
    SecretBytes line(password.size() + 1);
    const auto out = line.reveal_mutable();
    std::ranges::copy(password.reveal(), out.begin());
    out.back() = std::byte{'\n'};
    BZ_CHECK(create_file(path, line.reveal(), {account.uid, account.gid}, 0600));
    return PasswordFile(std::move(path));
  }
  PasswordFile(PasswordFile&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  PasswordFile& operator=(PasswordFile&&) = delete;
  ~PasswordFile() {
    if (!path_.empty()) remove_file(path_);
  }
  [[nodiscard]] const std::string& path() const noexcept { return path_; }

 private:
  explicit PasswordFile(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

procs::Command initdb_command(const DataLayout& layout, const ServerAccount& account, const ServerBinaries& binaries,
                              const std::string& password_file) {
  procs::Command command;
  command.argv = {binaries.directory + "/initdb",
                  "--pgdata=" + layout.pgdata_new(),
                  "--username=postgres",
                  "--pwfile=" + password_file,
                  "--auth-local=scram-sha-256",
                  "--auth-host=reject",
                  "--data-checksums",
                  "--encoding=UTF8",
                  std::string("--locale=") + pick_locale(),
                  "--no-instructions"};
  command.environment = {{"PATH", "/usr/bin:/bin"}, {"LC_MESSAGES", "C"}, {"TZ", "UTC"}};
  if (account.separate) command.run_as = procs::RunAs{account.uid, account.gid};
  command.standard_output = procs::Capture{16 * 1024};
  command.standard_error = procs::Capture{16 * 1024};
  return command;
}

void sync_directory(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return;
  ::fsync(fd);
  ::close(fd);
}

}  // namespace

Result<SecretBytes> load_or_make_password(const DataLayout& layout) {
  auto stored = read_small_file(layout.superuser_password(), kPasswordFileLimit);
  if (stored) {
    SecretBytes password(*stored);
    secure_wipe(stored->data(), stored->size());
    if (password.empty())
      return fail(Errc::FailedPrecondition, layout.superuser_password() + " is empty: restore it from a backup");
    return password;
  }
  if (stored.error().code != Errc::NotFound) return tl::unexpected(std::move(stored.error()));
  std::error_code error;
  if (std::filesystem::exists(layout.pgdata(), error))
    return fail(Errc::FailedPrecondition, layout.superuser_password() +
                                              " is missing, without which the cluster can't be used: restore it from "
                                              "a backup, or choose another data folder");
  std::array<std::byte, kPasswordBytes> raw{};
  system_random().fill(raw);
  auto text = hex_encode(raw);
  secure_wipe(raw.data(), raw.size());
  SecretBytes password(text);
  secure_wipe(text.data(), text.size());
  BZ_CHECK(replace_file(layout.superuser_password(), password.reveal(), {::geteuid(), ::getegid()}, 0600));
  sync_directory(layout.secrets());
  return password;
}

Result<void> initialise_cluster(const DataLayout& layout, const ServerAccount& account, const ServerBinaries& binaries,
                                const SecretBytes& password, SteadyTime deadline) {
  std::error_code error;
  std::filesystem::remove_all(layout.pgdata_new(), error);  // of an initdb that was killed
  if (error) return fail(Errc::Io, "can't remove " + layout.pgdata_new() + ": " + error.message());
  BZ_CHECK(ensure_directory(layout.pgdata_new(), {account.uid, account.gid}, 0700));
  BZ_TRY(const auto password_file, PasswordFile::write(layout.run() + "/initdb.password", password, account));
  BZ_LOG(Info, "postgres.initialising", {"folder", layout.pgdata()}, {"version", binaries.version});
  BZ_TRY(const auto completed, procs::run(initdb_command(layout, account, binaries, password_file.path()), deadline));
  if (!completed.status.success())
    return fail(Errc::Io, "initdb failed with " + completed.status.to_string() + ": " + completed.standard_error);
  if (::rename(layout.pgdata_new().c_str(), layout.pgdata().c_str()) != 0)
    return fail(Errc::Io, "can't rename to " + layout.pgdata() + ": " + std::generic_category().message(errno));
  sync_directory(layout.around_pgdata());
  return {};
}

}  // namespace bartizan::postgres
