#include "bartizan/auditlog/slot_store.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "bartizan/auditlog/file_layer.hpp"
#include "bartizan/auditlog/tree_reader.hpp"
#include "bartizan/base/log.hpp"

namespace bartizan::auditlog {
namespace {

/// Indices that a process may have given out and not written when it died: a new one goes on beyond them.
constexpr std::uint64_t kPassedOver = 16 * 1024;
constexpr std::size_t kMaxKeyFile = 128;

tl::unexpected<Error> failed(const std::string& what) { return fail(Errc::Io, what + ": " + std::strerror(errno)); }

/// Owns a descriptor.
class OpenFile {
 public:
  OpenFile(const std::string& path, int flags) : fd_(::open(path.c_str(), flags | O_CLOEXEC | O_NOFOLLOW, 0600)) {}
  ~OpenFile() {
    if (fd_ >= 0) ::close(fd_);
  }
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;
  [[nodiscard]] int get() const noexcept { return fd_; }

  [[nodiscard]] bool write_at(std::uint64_t offset, ByteView bytes) const {
    while (!bytes.empty()) {
      const ssize_t n = ::pwrite(fd_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) return false;
      offset += static_cast<std::uint64_t>(n);
      bytes = bytes.subspan(static_cast<std::size_t>(n));
    }
    return true;
  }
  /// False when fewer are there.
  [[nodiscard]] bool read_at(std::uint64_t offset, std::span<std::byte> out) const {
    return ::pread(fd_, out.data(), out.size(), static_cast<off_t>(offset)) == static_cast<ssize_t>(out.size());
  }
  [[nodiscard]] std::uint64_t size() const {
    struct stat info{};
    return ::fstat(fd_, &info) == 0 ? static_cast<std::uint64_t>(info.st_size) : 0;
  }

 private:
  int fd_;
};

/// Zeros over all of it, on disk, then away.
Result<void> overwrite_and_remove(const std::string& path) {
  {
    const OpenFile file(path, O_RDWR);
    if (file.get() < 0 && errno == ENOENT) return {};
    if (file.get() < 0) return failed(path);
    const Bytes zeros(64 * 1024);
    const std::uint64_t size = file.size();
    for (std::uint64_t at = 0; at < size; at += zeros.size())
      if (!file.write_at(at, ByteView(zeros).first(std::min<std::uint64_t>(zeros.size(), size - at))))
        return failed(path);
    if (::fdatasync(file.get()) != 0) return failed(path);
  }
  if (::unlink(path.c_str()) != 0) return failed(path);
  return {};
}

}  // namespace

struct SlotStore::Month {
  Month(crypto::SealingKey opened, const std::string& slots) : key(std::move(opened)), file(slots, O_RDWR | O_CREAT) {}

  crypto::SealingKey key;
  OpenFile file;
  std::uint64_t next = 0;
  std::vector<std::pair<std::uint64_t, audit::SlotBytes>> unwritten;
};

SlotStore::SlotStore(std::string directory, crypto::SealingKey root, Random& random)
    : directory_(std::move(directory)), root_(std::move(root)), random_(random) {}

Result<std::unique_ptr<SlotStore>> SlotStore::open(std::string directory, crypto::SealingKey root, Random& random) {
  BZ_CHECK(system_files().make_directory(directory));
  std::unique_ptr<SlotStore> store(new SlotStore(std::move(directory), std::move(root), random));
  store->thread_ = std::thread([raw = store.get()] { raw->run(); });
  return store;
}

SlotStore::~SlotStore() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

std::string SlotStore::path(const Name& name, std::string_view suffix) const {
  return (directory_ + "/" + name.first + "/" + name.second).append(suffix);
}

/// REQUIRES: mutex_ is held. NotFound when it is not there, and not to be made.
Result<SlotStore::Month*> SlotStore::month_of(const Name& name, bool make) {
  const auto known = months_.find(name);
  if (known != months_.end()) return known->second.get();
  const std::string aad = "bartizan-month 1 " + name.first + "/" + name.second;
  const std::string key_path = path(name, ".key");
  Bytes sealed(kMaxKeyFile);
  std::unique_ptr<Month> month;
  {
    const OpenFile file(key_path, O_RDONLY);
    if (file.get() < 0 && errno != ENOENT) return failed(key_path);
    if (file.get() < 0 && !make) return fail(Errc::NotFound, "the key of this month was erased");
    if (file.get() >= 0) {
      sealed.resize(std::min<std::uint64_t>(file.size(), kMaxKeyFile));
      if (!file.read_at(0, sealed)) return failed(key_path);
      BZ_TRY(SecretBytes opened, root_.open(sealed, as_bytes(aad)));
      BZ_TRY(auto key, crypto::SealingKey::from_bytes(std::move(opened)));
      month = std::make_unique<Month>(std::move(key), path(name, ".slots"));
    }
  }
  if (!month) {
    BZ_CHECK(system_files().make_directory(directory_ + "/" + name.first));
    auto key = crypto::SealingKey::generate(random_);
    BZ_TRY(sealed, root_.seal(key.bytes().reveal(), as_bytes(aad), random_));
    const OpenFile file(key_path, O_WRONLY | O_CREAT | O_EXCL);
    if (file.get() < 0 || !file.write_at(0, sealed) || ::fdatasync(file.get()) != 0) {
      const auto error = failed(key_path);
      ::unlink(key_path.c_str());  // half a key opens nothing
      return error;
    }
    month = std::make_unique<Month>(std::move(key), path(name, ".slots"));
    BZ_CHECK(system_files().sync_directory(directory_ + "/" + name.first));
  }
  if (month->file.get() < 0) return failed(path(name, ".slots"));
  const std::uint64_t held = (month->file.size() + audit::kSlotBytes - 1) / audit::kSlotBytes;
  month->next = held == 0 ? 0 : held + kPassedOver;
  return months_.emplace(name, std::move(month)).first->second.get();
}

Result<std::string> SlotStore::seal(std::string_view tenant, std::string_view members, WallTime at) {
  const Name name{tenant.empty() ? std::string(kSystemTree) : tree_name(tenant), audit::month_of(at)};
  const auto key = crypto::SealingKey::generate(random_);
  audit::Slot slot{name.first, name.second, 0};
  {
    const std::lock_guard lock(mutex_);
    BZ_TRY(Month* const month, month_of(name, true));
    if (month->unwritten.size() >= kPassedOver) return fail(Errc::Io, "the keys of sealed values can't be written");
    BZ_TRY(const auto wrapped, audit::wrap_slot(month->key, key));
    slot.index = month->next++;
    month->unwritten.emplace_back(slot.index, wrapped);
    dirty_ = true;
  }
  wake_.notify_one();
  return audit::sealed_member(slot, key, members, random_);
}

Result<std::string> SlotStore::open_value(const audit::Sealed& sealed) {
  const std::lock_guard io(io_mutex_);
  BZ_CHECK(flush());
  const std::lock_guard lock(mutex_);
  BZ_TRY(Month* const month, month_of({sealed.slot.tree, sealed.slot.month}, false));
  audit::SlotBytes bytes{};
  if (!month->file.read_at(sealed.slot.index * audit::kSlotBytes, bytes))
    return fail(Errc::NotFound, "the key of this value is not there");
  BZ_TRY(const auto key, audit::unwrap_slot(month->key, bytes));
  return audit::open_sealed(sealed, key);
}

Result<void> SlotStore::erase_slot(const audit::Slot& slot) {
  const std::lock_guard io(io_mutex_);
  BZ_CHECK(flush());
  const std::lock_guard lock(mutex_);
  BZ_TRY(Month* const month, month_of({slot.tree, slot.month}, false));
  audit::SlotBytes there{};
  const std::uint64_t at = slot.index * audit::kSlotBytes;
  if (!month->file.read_at(at, there) || there == audit::SlotBytes{})
    return fail(Errc::NotFound, "the key of this value is not there: it was erased before");
  const audit::SlotBytes zeros{};
  if (!month->file.write_at(at, zeros) || ::fdatasync(month->file.get()) != 0) return failed("erase a slot");
  return {};
}

Result<void> SlotStore::erase_month_locked(const Name& name) {
  const bool there = ::access(path(name, ".key").c_str(), F_OK) == 0;
  months_.erase(name);
  BZ_CHECK(overwrite_and_remove(path(name, ".key")));
  BZ_CHECK(overwrite_and_remove(path(name, ".slots")));
  if (!there) return fail(Errc::NotFound, "there is no key of that month");
  return system_files().sync_directory(directory_ + "/" + name.first);
}

Result<void> SlotStore::erase_month(const std::string& tree, const std::string& month) {
  const std::lock_guard io(io_mutex_);
  const std::lock_guard lock(mutex_);
  return erase_month_locked({tree, month});
}

Result<unsigned> SlotStore::erase_tree(const std::string& tree) {
  const std::lock_guard io(io_mutex_);
  const std::lock_guard lock(mutex_);
  const auto names = system_files().list(directory_ + "/" + tree);
  if (!names && names.error().code == Errc::NotFound) return fail(Errc::NotFound, "this tree has no sealed values");
  if (!names) return tl::unexpected(names.error());
  unsigned months = 0;
  for (const auto& file : *names) {
    if (!file.ends_with(".key") || !audit::is_month(std::string_view(file).substr(0, file.size() - 4))) continue;
    BZ_CHECK(erase_month_locked({tree, file.substr(0, file.size() - 4)}));
    ++months;
  }
  return months;
}

/// REQUIRES: io_mutex_ is held, and mutex_ is not: sealing goes on meanwhile. What could not be written stays to be.
Result<void> SlotStore::flush() {
  using Unwritten = std::vector<std::pair<std::uint64_t, audit::SlotBytes>>;
  std::vector<std::pair<Month*, Unwritten>> taken;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [name, month] : months_)
      if (!month->unwritten.empty()) taken.emplace_back(month.get(), std::exchange(month->unwritten, {}));
    dirty_ = false;
  }
  Result<void> outcome;
  for (auto& [month, slots] : taken) {
    bool written = outcome.has_value();
    for (const auto& [index, bytes] : slots)
      written = written && month->file.write_at(index * audit::kSlotBytes, bytes);
    if (written && ::fdatasync(month->file.get()) == 0) continue;
    if (outcome) outcome = failed("write the keys of sealed values");
    const std::lock_guard lock(mutex_);
    month->unwritten.insert(month->unwritten.begin(), slots.begin(), slots.end());
    dirty_ = true;
  }
  return outcome;
}

void SlotStore::run() {
  bool worked = true;
  for (;;) {
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [this] { return stopping_ || dirty_; });
    }
    Result<void> flushed;
    {
      const std::lock_guard io(io_mutex_);
      flushed = flush();
    }
    if (!flushed && worked) BZ_LOG(Error, "audit.slots_not_written", {"reason", flushed.error().detail});
    worked = flushed.has_value();
    std::unique_lock lock(mutex_);
    if (stopping_) return;
    wake_.wait_for(lock, kFlushEvery, [this] { return stopping_; });
  }
}

}  // namespace bartizan::auditlog
