#include "bartizan/store/root_key.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <optional>

namespace bartizan::store {
namespace {

constexpr std::byte kLayout{1};
constexpr std::size_t kTextBytes = crypto::SealingKey::kSize * 2 + 1;

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  [[nodiscard]] int get() const noexcept { return fd_; }

 private:
  int fd_;
};

tl::unexpected<Error> io(const std::filesystem::path& path, const char* what) {
  return fail(Errc::Io, "root key file " + path.string() + ": " + what + ": " + std::strerror(errno));
}

tl::unexpected<Error> refused(const std::filesystem::path& path, const char* why) {
  return fail(Errc::FailedPrecondition, "root key file " + path.string() + " " + why);
}

/// nullopt: there is no such file.
Result<std::optional<SecretBytes>> load(const std::filesystem::path& path) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (file.get() < 0 && errno == ENOENT) return std::optional<SecretBytes>();
  if (file.get() < 0) return io(path, "cannot be opened");
  struct stat info{};
  if (::fstat(file.get(), &info) != 0) return io(path, "cannot be examined");
  if (!S_ISREG(info.st_mode)) return refused(path, "is not a plain file");
  if (info.st_uid != ::geteuid() && info.st_uid != 0)
    return refused(path, "belongs to another user; chown it to the gateway's");
  if ((info.st_mode & 0777) != 0600 && (info.st_mode & 0777) != 0400)
    return refused(path, "is open to others; chmod it to 0600");
  SecretBytes text(kTextBytes + 1);
  const auto got = ::read(file.get(), text.reveal_mutable().data(), text.size());
  if (got < 0) return io(path, "cannot be read");
  std::string_view digits = text.reveal_chars().substr(0, static_cast<std::size_t>(got));
  if (digits.ends_with('\n')) digits.remove_suffix(1);
  auto bytes = hex_decode(digits);
  if (!bytes || bytes->size() != crypto::SealingKey::kSize)
    return refused(path, "holds no key (64 hexadecimal digits)");
  SecretBytes key{ByteView(*bytes)};
  secure_wipe(bytes->data(), bytes->size());
  return std::optional<SecretBytes>(std::move(key));
}

Result<void> write_all(int fd, std::string_view text, const std::filesystem::path& path) {
  while (!text.empty()) {
    const auto done = ::write(fd, text.data(), text.size());
    if (done < 0 && errno == EINTR) continue;
    if (done <= 0) return io(path, "cannot be written");
    text.remove_prefix(static_cast<std::size_t>(done));
  }
  return {};
}

/// Whole or not at all, and never over an existing file: link(2) fails where one is.
Result<void> create(const std::filesystem::path& path, const SecretBytes& key, Random& random) {
  std::array<std::byte, 8> suffix{};
  random.fill(suffix);
  auto beside = path;
  beside += ".new-" + hex_encode(suffix);
  const Descriptor file(::open(beside.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (file.get() < 0) return io(path, "cannot be created");
  auto text = hex_encode(key.reveal()) + "\n";
  auto written = write_all(file.get(), text, path);
  secure_wipe(text.data(), text.size());
  if (written && (::fsync(file.get()) != 0 || ::link(beside.c_str(), path.c_str()) != 0) && errno != EEXIST) {
    written = io(path, "cannot be put in place");
  }
  ::unlink(beside.c_str());
  if (!written) return written;
  const auto folder = path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
  const Descriptor directory(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (directory.get() < 0 || ::fsync(directory.get()) != 0) return io(path, "cannot be made durable");
  return {};
}

Bytes associated_data(const SealedPlace& place) {
  std::string text = "bartizan.";
  text.append(place.table).push_back('\0');
  text.append(place.column).push_back('\0');
  text.append(place.id.to_string());
  return to_bytes(text);
}

}  // namespace

Result<RootKey> RootKey::load_or_create(const std::filesystem::path& path, Random& random) {
  for (int attempt = 0; attempt < 2; ++attempt) {
    BZ_TRY(auto found, load(path));
    if (found) return from_bytes(std::move(*found));
    // Another gateway may be faster: what is then in the file counts, so it is read in any case.
    BZ_CHECK(create(path, crypto::SealingKey::generate(random).bytes(), random));
  }
  return refused(path, "vanished while it was made");
}

Result<RootKey> RootKey::from_bytes(SecretBytes key) {
  BZ_TRY(auto sealing, crypto::SealingKey::from_bytes(std::move(key)));
  return RootKey(std::move(sealing));
}

Result<Bytes> RootKey::seal(const SealedPlace& place, const SecretBytes& plaintext, Random& random) const {
  BZ_TRY(const auto sealed, key_.seal(plaintext.reveal(), associated_data(place), random));
  Bytes out{kLayout};
  out.insert(out.end(), sealed.begin(), sealed.end());
  return out;
}

Result<SecretBytes> RootKey::open(const SealedPlace& place, ByteView sealed) const {
  if (sealed.empty() || sealed.front() != kLayout) return fail(Errc::Crypto, "a sealed value has an unknown layout");
  return key_.open(sealed.subspan(1), associated_data(place));
}

}  // namespace bartizan::store
