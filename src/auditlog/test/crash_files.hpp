// Files in memory that lose what was not synced, at any operation, and fail or slow down on demand.
// Names are lost too when their folder was not synced. Thread-safe.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <set>
#include <string>
#include <thread>

#include "bartizan/auditlog/file_layer.hpp"

namespace bartizan::auditlog {

class CrashFiles final : public FileLayer {
 public:
  struct Contents {
    Bytes now;
    Bytes synced;
    bool lost = false;  ///< a sync failed: later ones say yes and do nothing, as Linux may
  };
  using Image = std::map<std::string, Bytes>;

  CrashFiles() = default;
  /// What a disk holds after a power cut.
  CrashFiles(const Image& image, const std::set<std::string>& folders) : folders_(folders), durable_folders_(folders) {
    for (const auto& [path, bytes] : image) {
      names_[path] = std::make_shared<Contents>(Contents{bytes, bytes, false});
      durable_[path] = names_[path];
    }
  }

  /// From that operation on (counted from 1) everything fails: the power is gone.
  std::atomic<std::uint64_t> dead_from{~std::uint64_t{0}};
  std::atomic<std::uint64_t> operations{0};
  std::atomic<bool> disk_full{false};
  std::atomic<bool> sync_fails{false};
  std::atomic<int> sync_millis{0};
  std::atomic<std::uint64_t> syncs{0};

  /// What a power cut leaves of what was not synced.
  enum class Left : std::uint8_t {
    Some,     ///< each block of 512 bytes, as the random numbers say: writes torn and in any order
    Nothing,
    Names,    ///< nothing of the contents, but every name: a rename may be on disk before what was written
  };
  std::pair<Image, std::set<std::string>> power_cut(unsigned seed, Left left = Left::Some) {
    const std::lock_guard lock(mutex_);
    std::mt19937 random(seed);
    Image image;
    const auto& folders = left == Left::Names ? folders_ : durable_folders_;
    for (const auto& [path, contents] : left == Left::Names ? names_ : durable_) {
      bool reachable = true;
      for (std::size_t at = path.find('/', 1); at != std::string::npos; at = path.find('/', at + 1))
        reachable = reachable && folders.contains(path.substr(0, at));
      if (!reachable) continue;
      Bytes bytes = contents->synced;
      const Bytes& now = contents->now;
      if (left != Left::Some) {
        image[path] = std::move(bytes);
        continue;
      }
      if (random() % 2 == 0) bytes.resize(std::max(bytes.size(), now.size()));
      for (std::size_t block = 0; block < bytes.size(); block += 512)
        if (random() % 2 == 0)
          for (std::size_t i = block; i < std::min({block + 512, bytes.size(), now.size()}); ++i) bytes[i] = now[i];
      image[path] = std::move(bytes);
    }
    return {image, folders};
  }
  /// Everything as it is, as after kill -9 of the program alone.
  std::pair<Image, std::set<std::string>> as_it_is() {
    const std::lock_guard lock(mutex_);
    Image image;
    for (const auto& [path, contents] : names_) image[path] = contents->now;
    return {image, folders_};
  }
  void change(const std::string& path, const std::function<void(Bytes&)>& how) {
    const std::lock_guard lock(mutex_);
    how(names_.at(path)->now);
    names_.at(path)->synced = names_.at(path)->now;
  }

  Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) override {
    const std::lock_guard lock(mutex_);
    BZ_CHECK(alive());
    const auto found = names_.find(path);
    if (mode == OpenMode::Read && found == names_.end()) return fail(Errc::NotFound, path);
    if (mode == OpenMode::CreateNew && found != names_.end()) return fail(Errc::AlreadyExists, path);
    if (mode == OpenMode::Read) return std::make_unique<OpenFile>(*this, found->second);
    if (!folders_.contains(path.substr(0, path.rfind('/')))) return fail(Errc::NotFound, path);
    if (disk_full) return fail(Errc::Io, "no space left");
    if (found == names_.end()) {
      names_[path] = std::make_shared<Contents>();
    } else {
      found->second->now.clear();
      found->second->lost = false;
    }
    return std::make_unique<OpenFile>(*this, names_[path]);
  }
  Result<void> rename(const std::string& from, const std::string& to) override {
    const std::lock_guard lock(mutex_);
    BZ_CHECK(alive());
    const auto found = names_.find(from);
    if (found == names_.end()) return fail(Errc::NotFound, from);
    names_[to] = found->second;
    names_.erase(from);
    return {};
  }
  Result<void> remove(const std::string& path) override {
    const std::lock_guard lock(mutex_);
    BZ_CHECK(alive());
    if (names_.erase(path) + folders_.erase(path) == 0) return fail(Errc::NotFound, path);
    return {};
  }
  Result<std::vector<std::string>> list(const std::string& directory) override {
    const std::lock_guard lock(mutex_);
    BZ_CHECK(alive());
    if (!folders_.contains(directory)) return fail(Errc::NotFound, directory);
    std::vector<std::string> names;
    const auto add = [&](const std::string& path) {
      if (path.size() > directory.size() + 1 && path.starts_with(directory + "/") &&
          path.find('/', directory.size() + 1) == std::string::npos)
        names.push_back(path.substr(directory.size() + 1));
    };
    for (const auto& [path, contents] : names_) add(path);
    for (const auto& path : folders_) add(path);
    return names;
  }
  Result<void> make_directory(const std::string& directory) override {
    const std::lock_guard lock(mutex_);
    BZ_CHECK(alive());
    if (disk_full && !folders_.contains(directory)) return fail(Errc::Io, "no space left");
    for (std::size_t at = directory.find('/', 1); at != std::string::npos; at = directory.find('/', at + 1)) {
      folders_.insert(directory.substr(0, at));
      durable_folders_.insert(directory.substr(0, at));
    }
    folders_.insert(directory);
    durable_folders_.insert(directory);
    return {};
  }
  Result<void> sync_directory(const std::string& directory) override {
    const std::lock_guard lock(mutex_);
    BZ_CHECK(alive());
    if (sync_fails) return fail(Errc::Io, "input/output error");
    const auto inside = [&](const std::string& path) { return path.substr(0, path.rfind('/')) == directory; };
    std::erase_if(durable_, [&](const auto& entry) { return inside(entry.first); });
    for (const auto& [path, contents] : names_)
      if (inside(path)) durable_[path] = contents;
    return {};
  }
  Result<std::uint64_t> free_bytes(const std::string&) override { return disk_full ? 0 : std::uint64_t{1} << 40; }
  Result<std::unique_ptr<Lock>> lock(const std::string&) override { return std::make_unique<Lock>(); }

 private:
  class OpenFile final : public File {
   public:
    OpenFile(CrashFiles& files, std::shared_ptr<Contents> contents) : files_(files), contents_(std::move(contents)) {}
    Result<void> write_at(std::uint64_t offset, ByteView bytes) override {
      const std::lock_guard lock(files_.mutex_);
      BZ_CHECK(files_.alive());
      if (files_.disk_full) return fail(Errc::Io, "no space left");
      if (contents_->now.size() < offset + bytes.size()) contents_->now.resize(offset + bytes.size());
      std::copy(bytes.begin(), bytes.end(), contents_->now.begin() + static_cast<std::ptrdiff_t>(offset));
      return {};
    }
    Result<std::size_t> read_at(std::uint64_t offset, std::span<std::byte> out) override {
      const std::lock_guard lock(files_.mutex_);
      if (offset >= contents_->now.size()) return std::size_t{0};
      const std::size_t count = std::min<std::size_t>(out.size(), contents_->now.size() - offset);
      std::copy_n(contents_->now.begin() + static_cast<std::ptrdiff_t>(offset), count, out.begin());
      return count;
    }
    Result<void> sync() override {
      if (const int millis = files_.sync_millis; millis > 0)
        std::this_thread::sleep_for(std::chrono::milliseconds(millis));
      const std::lock_guard lock(files_.mutex_);
      BZ_CHECK(files_.alive());
      if (files_.sync_fails) {
        contents_->lost = true;
        return fail(Errc::Io, "input/output error");
      }
      if (!contents_->lost) contents_->synced = contents_->now;
      ++files_.syncs;
      return {};
    }
    Result<void> truncate(std::uint64_t bytes) override {
      const std::lock_guard lock(files_.mutex_);
      BZ_CHECK(files_.alive());
      if (files_.sync_fails) return fail(Errc::Io, "input/output error");
      contents_->now.resize(bytes);
      return {};
    }
    Result<void> allocate(std::uint64_t) override {
      if (files_.disk_full) return fail(Errc::Io, "no space left");
      return {};
    }
    Result<std::uint64_t> size() override {
      const std::lock_guard lock(files_.mutex_);
      return contents_->now.size();
    }

   private:
    CrashFiles& files_;
    std::shared_ptr<Contents> contents_;
  };

  Result<void> alive() {
    if (++operations >= dead_from) return fail(Errc::Io, "the power is gone");
    return {};
  }

  std::mutex mutex_;
  std::map<std::string, std::shared_ptr<Contents>> names_;    // guarded by mutex_
  std::map<std::string, std::shared_ptr<Contents>> durable_;  // likewise
  std::set<std::string> folders_{"/log-parent"};              // likewise
  std::set<std::string> durable_folders_{"/log-parent"};      // likewise
};

}  // namespace bartizan::auditlog
