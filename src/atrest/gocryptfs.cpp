#include "gocryptfs.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <system_error>
#include <thread>

#include "bartizan/base/clock.hpp"
#include "kernel.hpp"

namespace bartizan::atrest {
namespace {

namespace fs = std::filesystem;

constexpr const char* kProgram = "/usr/bin/gocryptfs";
constexpr const char* kUnmounter = "/usr/bin/fusermount3";
constexpr const char* kDevice = "/dev/fuse";
constexpr std::size_t kPasswordBytes = 32;
constexpr auto kInitTimeout = std::chrono::seconds(30);
constexpr auto kMountTimeout = std::chrono::seconds(20);
constexpr auto kUnmountTimeout = std::chrono::seconds(10);
constexpr auto kPause = std::chrono::milliseconds(20);
/// For how long nothing is open before it unmounts by itself: once we, who hold the folder open, have died.
constexpr const char* kIdle = "10s";
/// gocryptfs(1), "EXIT CODES": the password does not open it.
constexpr int kWrongPassword = 12;

SteadyTime in(std::chrono::milliseconds time) { return system_clock().steady() + time; }

/// Hexadecimal, since a password ends at a line feed. What is made of 256 random bits needs no slow scrypt.
SecretBytes password_of(const SecretBytes& key) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  SecretBytes out(2 * kPasswordBytes + 1);
  auto to = out.reveal_mutable();
  const auto from = key.reveal().first(kPasswordBytes);
  for (std::size_t i = 0; i < kPasswordBytes; ++i) {
    const auto byte = static_cast<std::uint8_t>(from[i]);
    to[2 * i] = static_cast<std::byte>(kDigits[byte >> 4U]);
    to[2 * i + 1] = static_cast<std::byte>(kDigits[byte & 15U]);
  }
  to.back() = std::byte{'\n'};
  return out;
}

procs::Command command_of(std::vector<std::string> arguments) {
  procs::Command out;
  out.argv = std::move(arguments);
  out.environment = {{"PATH", "/usr/bin:/bin"}};  // in which it looks for fusermount3
  return out;
}

enum class At : std::uint8_t { Plain, Served, Abandoned };

/// A mount point has another device than the folder around it; one whose process died answers nothing.
At state_of(const std::string& folder) {
  struct stat here{};
  struct stat above{};
  if (::stat(folder.c_str(), &here) != 0) return errno == ENOTCONN || errno == EACCES ? At::Abandoned : At::Plain;
  const bool same = ::stat(fs::path(folder).parent_path().c_str(), &above) == 0 && here.st_dev == above.st_dev;
  return same ? At::Plain : At::Served;
}

bool unmounted(const std::string& folder, bool lazily) {
  std::vector<std::string> arguments{kUnmounter, "-u"};
  if (lazily) arguments.emplace_back("-z");
  arguments.push_back(folder);
  const auto done = procs::run(command_of(std::move(arguments)), in(kUnmountTimeout));
  return done && done->status.success();
}

tl::unexpected<Error> failure(const procs::ExitStatus& status, const std::string& folder) {
  if (status.signal == 0 && status.code == kWrongPassword)
    return fail(Errc::Crypto, "the key of the keyring does not open " + folder +
                                  ": restore the key store that belongs to these files");
  return fail(Errc::Io, fmt::format("gocryptfs ends with {}", status.to_string()));
}

tl::unexpected<Error> io_error(const std::string& path) {
  return fail(Errc::Io, fmt::format("{}: {}", path, std::generic_category().message(errno)));
}

/// Whole or not at all: it is made beside, and put in the place of the empty folder.
Result<void> initialise(const std::string& cipher, const SecretBytes& key) {
  std::error_code error;
  if (!fs::is_empty(cipher, error) || error)
    return fail(Errc::FailedPrecondition, cipher + " holds files and no gocryptfs.conf: restore it from a backup");
  const auto beside = cipher + ".new";
  fs::remove_all(beside, error);  // of a start that was killed
  if (::mkdir(beside.c_str(), 0700) != 0) return io_error(beside);
  auto command = command_of({kProgram, "-init", "-q", "-nosyslog", "-scryptn", "10", beside});
  command.stdin_bytes = password_of(key);
  BZ_TRY(const auto done, procs::run(command, in(kInitTimeout)));
  if (!done.status.success()) return failure(done.status, cipher);
  {
    BZ_TRY(const auto folder, open_folder(beside));
    if (::syncfs(folder.get()) != 0) return io_error(beside);
  }
  return ::rename(beside.c_str(), cipher.c_str()) == 0 ? Result<void>() : io_error(cipher);
}

}  // namespace

Result<void> can_have_gocryptfs() {
  if (::geteuid() == 0) return fail(Errc::Unsupported, "is for users without rights");
  for (const char* program : {kProgram, kUnmounter})
    if (::access(program, X_OK) != 0) return fail(Errc::Unsupported, fmt::format("{} is not installed", program));
  const Descriptor device(::open(kDevice, O_RDWR | O_CLOEXEC));
  if (device.get() < 0)
    return fail(Errc::Unsupported, fmt::format("{}: {}", kDevice, std::generic_category().message(errno)));
  return {};
}

Result<GocryptfsMount> GocryptfsMount::mount(const std::string& cipher, const std::string& folder,
                                             const SecretBytes& key) {
  if (state_of(folder) != At::Plain && !unmounted(folder, false) && !unmounted(folder, true))
    return fail(Errc::Unavailable, folder + " is still mounted, and can't be unmounted: fusermount3 -u -z " + folder);
  std::error_code error;
  if (!fs::exists(cipher + "/gocryptfs.conf", error)) BZ_CHECK(initialise(cipher, key));
  // Without the mount nothing can be written there: what is to be encrypted must not lie in the clear if it ends.
  BZ_TRY(const auto below, open_folder(folder));
  if (::fchmod(below.get(), 0700) != 0) return io_error(folder);
  auto command =
      command_of({kProgram, "-fg", "-q", "-nosyslog", "-nodev", "-nosuid", "-noexec", "-idle", kIdle, cipher, folder});
  command.stdin_bytes = password_of(key);
  command.parent_death_signal = 0;
  BZ_TRY(auto server, procs::ChildProcess::spawn(command));
  const auto deadline = in(kMountTimeout);
  while (state_of(folder) != At::Served) {
    const auto ended = server.finish(in(kPause));  // feeds it the password too
    if (ended) return failure(ended->status, cipher);
    if (ended.error().code != Errc::DeadlineExceeded) return tl::unexpected(ended.error());
    if (system_clock().steady() >= deadline) return fail(Errc::Unavailable, "gocryptfs does not mount " + folder);
  }
  if (::fchmod(below.get(), 0500) != 0) return io_error(folder);
  BZ_TRY(auto held, open_folder(folder));
  return GocryptfsMount(std::move(server), folder, std::move(held));
}

bool GocryptfsMount::unmount(std::chrono::milliseconds patience) noexcept {
  const auto folder = std::exchange(folder_, std::string());
  if (folder.empty()) return true;
  held_ = Descriptor();
  const auto deadline = in(patience);
  bool done = unmounted(folder, false);
  while (!done && system_clock().steady() < deadline) {
    std::this_thread::sleep_for(kPause);
    done = unmounted(folder, false);
  }
  // Its end is the key's: whoever still has a file open gets errors from then on.
  if (!done && !unmounted(folder, true)) [[maybe_unused]]
    const auto asked = server_.signal(SIGTERM);
  if (const auto ended = server_.wait(in(kUnmountTimeout)); !ended || *ended != procs::WaitResult::Exited)
    server_.kill_and_reap();
  return done;
}

GocryptfsMount::~GocryptfsMount() { [[maybe_unused]] const bool done = unmount(std::chrono::milliseconds(0)); }

Result<void> try_gocryptfs(const std::string& inside) {
  BZ_CHECK(can_have_gocryptfs());
  const auto cipher = inside + "/trial";
  const auto folder = inside + "/trial.open";
  SecretBytes key(std::size_t{64});
  system_random().fill(key.reveal_mutable());
  const auto trial = [&]() -> Result<void> {
    for (const auto& path : {cipher, folder})
      if (::mkdir(path.c_str(), 0700) != 0)
        return fail(Errc::Io, fmt::format("{}: {}", path, std::generic_category().message(errno)));
    BZ_TRY(auto mounted, GocryptfsMount::mount(cipher, folder, key));
    const Descriptor file(::open((folder + "/file").c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    const bool written = file.get() >= 0 && ::write(file.get(), "trial", 5) == 5 && ::fsync(file.get()) == 0;
    return written ? Result<void>() : fail(Errc::Unsupported, "nothing can be written through it");
  }();
  std::error_code error;
  fs::remove_all(cipher, error);
  fs::remove_all(folder, error);
  return trial;
}

}  // namespace bartizan::atrest
