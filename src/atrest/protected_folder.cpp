#include "bartizan/atrest/protected_folder.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <system_error>
#include <utility>

#include "bartizan/atrest/inspection.hpp"
#include "bartizan/base/log.hpp"
#include "gocryptfs.hpp"
#include "image.hpp"
#include "kernel.hpp"
#include "record.hpp"

namespace bartizan::atrest {
namespace {

namespace fs = std::filesystem;

constexpr auto kUnmountPatience = std::chrono::seconds(5);

std::string record_of(const std::string& folder) { return folder + "/record"; }
std::string image_of(const std::string& folder) { return folder + "/image"; }
std::string cipher_of(const std::string& folder) { return folder + "/cipher"; }
std::string opened_of(const std::string& folder) { return folder + "/open"; }
std::string cluster_of(const std::string& folder) { return folder + "/open/cluster"; }

tl::unexpected<Error> io_error(const std::string& path) {
  return fail(Errc::Io, fmt::format("{}: {}", path, std::generic_category().message(errno)));
}

/// Ours; the group may pass through and see nothing.
Result<void> make_passable(const std::string& path, const std::optional<gid_t>& group) {
  if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) return io_error(path);
  BZ_TRY(const auto folder, open_folder(path));
  if (group && ::fchown(folder.get(), ::geteuid(), *group) != 0) return io_error(path);
  if (::fchmod(folder.get(), group ? 0710 : 0700) != 0) return io_error(path);
  return {};
}

Result<void> sync_folder(const std::string& path) {
  BZ_TRY(const auto folder, open_folder(path));
  return ::fsync(folder.get()) == 0 ? Result<void>() : io_error(path);
}

Result<void> write_whole(const std::string& path, std::string_view text) {
  const Descriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (file.get() < 0) return io_error(path);
  // Shorter than any disk's sector: written at once or not.
  if (::write(file.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()) || ::fsync(file.get()) != 0)
    return io_error(path);
  return {};
}

/// nullopt: there are no encrypted files.
Result<std::optional<Record>> find_record(const std::string& folder) {
  std::error_code error;
  if (!fs::exists(folder, error)) return std::optional<Record>();
  const Descriptor file(::open(record_of(folder).c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
  if (file.get() < 0)
    return fail(Errc::FailedPrecondition, record_of(folder) +
                                              " can't be read, without which the encrypted files can't be opened: "
                                              "restore it from a backup");
  std::array<char, kMaxRecordBytes + 1> buffer{};
  const auto n = ::read(file.get(), buffer.data(), buffer.size());
  if (n < 0) return io_error(record_of(folder));
  auto record = read_record(std::string_view(buffer.data(), static_cast<std::size_t>(n)));
  if (!record) return fail(Errc::FailedPrecondition, record_of(folder) + ": " + record.error().detail);
  return std::optional<Record>(*record);
}

/// Whether this file system and kernel do what is wanted, by doing it in a folder that is thrown away.
Result<void> try_encryption(const std::string& inside) {
  const auto path = inside + "/trial";
  SecretBytes key(kStorageKeyBytes);
  system_random().fill(key.reveal_mutable());
  BZ_TRY(const auto above, open_folder(inside));
  BZ_TRY(const auto policy, policy_of(above));
  if (policy.cipher != Cipher::None)
    return fail(Errc::Unsupported, "the folder lies in one that is encrypted by other means");
  BZ_TRY(const auto identifier, add_key(above, key));
  const auto trial = [&]() -> Result<void> {
    if (::mkdir(path.c_str(), 0700) != 0) return io_error(path);
    BZ_TRY(const auto folder, open_folder(path));
    BZ_CHECK(set_policy(folder, identifier));
    // Only now is it seen whether the kernel has the ciphers.
    const Descriptor file(::openat(folder.get(), "file", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    if (file.get() < 0) return fail(Errc::Unsupported, "the kernel has no AES-256-XTS for files");
    return {};
  }();
  std::error_code error;
  fs::remove_all(path, error);
  const auto removed = remove_key(above, identifier);
  BZ_CHECK(trial);
  return removed ? Result<void>() : tl::unexpected(removed.error());
}

Result<void> prepare_image(const std::string& folder, std::uint64_t bytes) {
  BZ_CHECK(can_have_image());
  BZ_CHECK(make_image(image_of(folder), bytes));
  BZ_CHECK(mount_image(image_of(folder), opened_of(folder), bytes, std::chrono::seconds(0)));
  auto tried = try_encryption(opened_of(folder));
  if (!unmount(opened_of(folder), kUnmountPatience) && tried) return fail(Errc::Io, "the new image stays in use");
  return tried;
}

/// Everything but the cluster's folder and its key, beside the place where it is to be.
Result<void> prepare(const std::string& folder, Method method, const Request& request) {
  std::error_code error;
  fs::remove_all(folder, error);  // of a start that was killed
  if (error) return fail(Errc::Io, folder + ": " + error.message());
  BZ_CHECK(make_passable(folder, request.group));
  BZ_CHECK(make_passable(opened_of(folder), request.group));
  if (method == Method::Image) return prepare_image(folder, request.image_bytes);
  if (method == Method::Fscrypt) return try_encryption(opened_of(folder));
  BZ_CHECK(make_passable(cipher_of(folder), std::nullopt));
  return try_gocryptfs(opened_of(folder));
}

/// By the first method for which there are means. False: there are none, and why says so.
Result<bool> make(const Request& request, std::string& why) {
  const auto beside = request.folder + ".new";
  for (const auto method : {Method::Fscrypt, Method::Image, Method::Gocryptfs}) {
    const auto prepared = prepare(beside, method, request);
    if (!prepared) {
      std::error_code error;
      fs::remove_all(beside, error);
      why += fmt::format("{}{}: {}", why.empty() ? "" : "; ", to_string(method), prepared.error().detail);
      continue;
    }
    Record record{method, Uuid::random(system_random()), 0};
    BZ_TRY(const auto key, request.key(record.storage, std::nullopt));
    record.key = key.id;
    BZ_CHECK(write_whole(record_of(beside), write_record(record)));
    BZ_CHECK(sync_folder(beside));
    if (::rename(beside.c_str(), request.folder.c_str()) != 0) return io_error(request.folder);
    BZ_CHECK(sync_folder(fs::path(request.folder).parent_path()));
    BZ_LOG(Info, "at_rest.made", {"method", to_string(method)}, {"key", record.key});
    return true;
  }
  return false;
}

std::string_view description(Method method) {
  switch (method) {
    case Method::None: return "not held";
    case Method::Fscrypt: return "AES-256-XTS, fscrypt";
    case Method::Image: return "AES-256-XTS, fscrypt on an ext4 image";
    case Method::Gocryptfs: return "AES-256-GCM, gocryptfs";
  }
  return "not held";
}

}  // namespace

std::string_view to_string(Method method) noexcept {
  switch (method) {
    case Method::None: return "none";
    case Method::Fscrypt: return "fscrypt";
    case Method::Image: return "image";
    case Method::Gocryptfs: return "gocryptfs";
  }
  return "none";
}

struct ProtectedFolder::State {
  std::string folder;
  Record record;
  std::string path;
  std::string how;
  bool mounted = false;
  std::optional<KeyIdentifier> key;
  std::optional<GocryptfsMount> served;

  /// Through gocryptfs: the folder is one like others, in what it has mounted.
  Result<void> open_served(const SecretBytes& bytes, const Request& request) {
    if (const auto may = can_have_gocryptfs(); !may)
      return fail(Errc::FailedPrecondition,
                  "the files that gocryptfs has encrypted can't be opened: gocryptfs " + may.error().detail);
    BZ_TRY(auto mount, GocryptfsMount::mount(cipher_of(folder), opened_of(folder), bytes));
    served.emplace(std::move(mount));
    BZ_CHECK(make_passable(cluster_of(folder), request.group));
    struct stat inside{};
    struct stat outside{};
    if (::stat(cluster_of(folder).c_str(), &inside) != 0 || ::stat(folder.c_str(), &outside) != 0)
      return io_error(cluster_of(folder));
    if (inside.st_dev == outside.st_dev) return fail(Errc::Unavailable, "gocryptfs has ended");
    path = cluster_of(folder);
    return {};
  }

  /// The folder with the policy: made at the first opening, and after a crash in the middle of it.
  Result<void> open_cluster(const SecretBytes& bytes, const Request& request) {
    const auto cluster = cluster_of(folder);
    BZ_CHECK(make_passable(opened_of(folder), request.group));
    BZ_TRY(const auto above, open_folder(opened_of(folder)));
    BZ_TRY(key, add_key(above, bytes));
    BZ_CHECK(make_passable(cluster, request.group));
    BZ_TRY(const auto inside, open_folder(cluster));
    BZ_TRY(auto policy, policy_of(inside));
    if (policy.cipher == Cipher::None) {
      std::error_code error;
      if (!fs::is_empty(cluster, error) || error)
        return fail(Errc::FailedPrecondition, cluster +
                                                  " holds files in the clear, though its record says otherwise: "
                                                  "restore it from a backup");
      BZ_CHECK(set_policy(inside, *key));
      BZ_CHECK(sync_folder(opened_of(folder)));
      BZ_TRY(policy, policy_of(inside));
    }
    if (policy.cipher != Cipher::Aes256Xts)
      return fail(Errc::FailedPrecondition, cluster + " is encrypted by another cipher than AES-256-XTS");
    if (policy.key != *key)
      return fail(Errc::Crypto, "the key of the keyring does not open " + cluster +
                                    ": restore the key store that belongs to these files");
    path = cluster;
    return {};
  }
};

ProtectedFolder::ProtectedFolder(std::unique_ptr<State> state) : state_(std::move(state)) {}
ProtectedFolder::ProtectedFolder(ProtectedFolder&&) noexcept = default;
ProtectedFolder& ProtectedFolder::operator=(ProtectedFolder&& other) noexcept {
  if (this != &other) {
    close();
    state_ = std::move(other.state_);
  }
  return *this;
}
ProtectedFolder::~ProtectedFolder() { close(); }

Result<ProtectedFolder> ProtectedFolder::open_recorded(const Request& request) {
  BZ_TRY(const auto record, find_record(request.folder));
  if (!record) return fail(Errc::Internal, "the encrypted files have no record");
  BZ_TRY(const auto bytes, request.key(record->storage, record->key));
  ProtectedFolder out(std::make_unique<State>());
  auto& state = *out.state_;
  state.folder = request.folder;
  state.record = *record;
  if (record->method == Method::Gocryptfs) {
    BZ_CHECK(state.open_served(bytes.bytes, request));
    state.how = description(record->method);
    return out;
  }
  if (record->method == Method::Image) {
    if (const auto may = can_have_image(); !may)
      return fail(Errc::FailedPrecondition,
                  "the image with the encrypted files can't be mounted: " + may.error().detail);
    BZ_CHECK(mount_image(image_of(state.folder), opened_of(state.folder), request.image_bytes, request.patience));
    state.mounted = true;
  }
  // What fails from here on is undone by out's end.
  BZ_CHECK(state.open_cluster(bytes.bytes, request));
  state.how = description(record->method);
  return out;
}

Result<ProtectedFolder> ProtectedFolder::open(const Request& request) {
  BZ_TRY(const auto record, find_record(request.folder));
  if (record) return open_recorded(request);
  std::string why;
  if (request.plain_data) {
    why = "the data was made without it, and `bartizan rest encrypt` moves it while Bartizan is stopped";
  } else if (request.wanted == Wanted::Off) {
    why = "switched off";
  } else {
    BZ_TRY(const bool made, make(request, why));
    if (made) return open_recorded(request);
  }
  // Perhaps by other means: a disk under dm-crypt, an administrator's own fscrypt.
  const auto found = inspect(fs::path(request.folder).parent_path());
  if (request.wanted == Wanted::Require && !found.held)
    return fail(Errc::FailedPrecondition,
                "encryption at rest is required (embedded.at_rest), and not to be had: " + why);
  ProtectedFolder out(std::make_unique<State>());
  out.state_->how = found.held ? found.how : "not held: " + why;
  return out;
}

Method ProtectedFolder::method() const noexcept { return state_ ? state_->record.method : Method::None; }
const std::string& ProtectedFolder::path() const noexcept {
  static const std::string kNone;
  return state_ ? state_->path : kNone;
}
const std::string& ProtectedFolder::how() const noexcept {
  static const std::string kClosed = "closed";
  return state_ ? state_->how : kClosed;
}
std::uint32_t ProtectedFolder::key() const noexcept { return state_ ? state_->record.key : 0; }

void ProtectedFolder::close() noexcept {
  if (!state_) return;
  auto state = std::move(state_);
  if (state->key) {
    const auto above = open_folder(opened_of(state->folder));
    const auto removed = above ? remove_key(*above, *state->key) : Result<bool>(false);
    if (!removed || !*removed) BZ_LOG(Error, "at_rest.key_still_in_use", {"folder", state->folder});
  }
  if (state->served && !state->served->unmount(kUnmountPatience))
    BZ_LOG(Error, "at_rest.still_mounted", {"folder", state->folder});
  if (state->mounted && !unmount(opened_of(state->folder), kUnmountPatience))
    BZ_LOG(Error, "at_rest.still_mounted", {"folder", state->folder});
}

}  // namespace bartizan::atrest
