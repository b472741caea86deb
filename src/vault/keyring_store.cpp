#include "bartizan/vault/keyring_store.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "bartizan/vault/private_file.hpp"

namespace bartizan::vault {
namespace {

constexpr std::size_t kMaxFileBytes = std::size_t{16} << 20;
constexpr std::string_view kEnding = ".keyring";
constexpr int kIdAttempts = 64;

/// Held from a look to the write that follows from it.
class FolderLock {
 public:
  explicit FolderLock(const std::filesystem::path& folder)
      : fd_(::open((folder / "lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600)) {
    if (fd_ >= 0 && ::flock(fd_, LOCK_EX) != 0) {
      ::close(fd_);
      fd_ = -1;
    }
  }
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;
  ~FolderLock() {
    if (fd_ >= 0) ::close(fd_);
  }
  [[nodiscard]] bool held() const noexcept { return fd_ >= 0; }

 private:
  int fd_;
};

Result<keys::Keyring> read(const std::filesystem::path& file) {
  BZ_TRY(const auto content, read_private_file(file, kMaxFileBytes));
  return keys::decode_keyring(content.reveal());
}

}  // namespace

Result<std::unique_ptr<KeyringStore>> KeyringStore::open(std::filesystem::path folder) {
  std::error_code error;
  if (!std::filesystem::exists(folder, error)) {
    if (::mkdir(folder.c_str(), 0700) != 0) return fail(Errc::Io, "the folder of the keyrings can't be made");
  }
  return std::unique_ptr<KeyringStore>(new KeyringStore(std::move(folder)));
}

std::filesystem::path KeyringStore::file_of(const keys::KeyringOwner& owner) const {
  const std::string kind = owner.kind == keys::OwnerKind::Tenant    ? "tenant-"
                           : owner.kind == keys::OwnerKind::Subject ? "subject-"
                           : owner.kind == keys::OwnerKind::Storage ? "storage-"
                                                                    : "depot-";
  return folder_ / (kind + owner.id.to_string() + std::string(kEnding));
}

Result<keys::Keyring> KeyringStore::load(const keys::KeyringOwner& owner) const {
  auto found = read(file_of(owner));
  if (!found && found.error().code == Errc::NotFound) return keys::Keyring::make(owner);
  if (found && found->owner() != owner) return fail(Errc::Malformed, "a keyring file is another owner's");
  return found;
}

Result<std::vector<keys::Keyring>> KeyringStore::list() const {
  std::vector<keys::Keyring> out;
  std::error_code error;
  for (std::filesystem::directory_iterator file(folder_, error), end; !error && file != end; file.increment(error)) {
    if (file->path().extension() != kEnding) continue;
    BZ_TRY(auto keyring, read(file->path()));
    out.push_back(std::move(keyring));
  }
  if (error) return fail(Errc::Io, "the folder of the keyrings can't be read");
  std::ranges::sort(out, {}, &keys::Keyring::owner);
  return out;
}

Result<void> KeyringStore::put(const keys::Keyring& changed, Random& random) {
  const FolderLock lock(folder_);
  if (!lock.held()) return fail(Errc::Io, "the folder of the keyrings can't be locked");
  BZ_TRY(const auto stored, load(changed.owner()));
  if (stored.revision() + 1 != changed.revision())
    return fail(Errc::Conflict, "the keyring was changed by another meanwhile");
  return write_private_file(file_of(changed.owner()), keys::encode_keyring(changed), Replace::Yes, random);
}

Result<keys::KeyId> KeyringStore::fresh_id(Random& random) const {
  BZ_TRY(const auto keyrings, list());
  for (int attempt = 0; attempt < kIdAttempts; ++attempt) {
    std::array<std::byte, 4> bytes{};
    random.fill(bytes);
    const keys::KeyId id(load_be32(bytes.data()));
    const bool taken = id.get() == 0 ||
                       std::ranges::any_of(keyrings, [&](const auto& keyring) { return keyring.find(id) != nullptr; });
    if (!taken) return id;
  }
  return fail(Errc::ResourceExhausted, "no key id is left");
}

}  // namespace bartizan::vault
