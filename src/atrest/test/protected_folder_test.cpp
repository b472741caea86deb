#include "bartizan/atrest/protected_folder.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "bartizan/base/clock.hpp"

using namespace bartizan;
using namespace bartizan::atrest;
namespace fs = std::filesystem;

namespace {

constexpr std::string_view kCanary = "canary-5d0e-in-a-protected-file";

/// Its own folder, removed at the end.
struct Folder {
  fs::path path;
  Folder() {
    static int count = 0;
    path = fs::canonical(fs::temp_directory_path()) /
           ("bz-atrest-" + std::to_string(::getpid()) + "-" + std::to_string(count++));
    fs::create_directory(path);
  }
  ~Folder() {
    std::error_code error;
    fs::remove_all(path, error);
  }
};

/// One key for each storage, as a keyring would have it.
struct Keys {
  int asked = 0;
  unsigned char fill = 1;
  KeySource source() {
    return [this](const Uuid&, std::optional<std::uint32_t> key) -> Result<StorageKey> {
      ++asked;
      StorageKey out{key.value_or(5), SecretBytes(kStorageKeyBytes)};
      for (auto& byte : out.bytes.reveal_mutable()) byte = std::byte{fill};
      return out;
    };
  }
};

Request request_of(const Folder& folder, Keys& keys) {
  Request out;
  out.folder = (folder.path / "encrypted").string();
  out.image_bytes = std::uint64_t{256} << 20;
  out.key = keys.source();
  out.patience = std::chrono::seconds(5);
  return out;
}

/// An image's holes are not read.
bool found_in(const fs::path& file, std::string_view text) {
  const int fd = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
  REQUIRE(fd >= 0);
  bool found = false;
  for (off_t start = 0; !found && (start = ::lseek(fd, start, SEEK_DATA)) >= 0;) {
    const off_t end = ::lseek(fd, start, SEEK_HOLE);
    std::string content(static_cast<std::size_t>(end - start), '\0');
    const auto n = ::pread(fd, content.data(), content.size(), start);
    found = n > 0 && content.find(text) != std::string::npos;
    start = end;
  }
  ::close(fd);
  return found;
}

/// What growing a mounted ext4 takes, which containers' roots often lack.
bool may_grow() {
  std::ifstream in("/proc/self/status");
  for (std::string line; std::getline(in, line);)
    if (line.starts_with("CapEff:")) return ((std::stoull(line.substr(8), nullptr, 16) >> 24) & 1) != 0;
  return false;
}

}  // namespace

TEST_CASE("what is written is on the disk in no file, and there again after the next opening") {
  const Folder folder;
  Keys keys;
  const auto request = request_of(folder, keys);
  {
    auto opened = ProtectedFolder::open(request);
    REQUIRE(opened);
    if (opened->method() == Method::None) {
      MESSAGE("skipped: ", opened->how());
      return;
    }
    CHECK(opened->key() == 5);
    CHECK(opened->how().starts_with("AES-256-XTS"));
    std::ofstream(fs::path(opened->path()) / "file") << kCanary << std::flush;
    CHECK(found_in(fs::path(opened->path()) / "file", kCanary));
    // A second one of the same folder would destroy it.
    if (opened->method() == Method::Image) {
      auto hasty = request;
      hasty.patience = std::chrono::milliseconds(0);
      const auto second = ProtectedFolder::open(hasty);
      REQUIRE_FALSE(second);
      CHECK(second.error().code == Errc::Unavailable);
    }
    opened->close();
    CHECK(opened->method() == Method::None);
  }
  CHECK_FALSE(fs::exists(folder.path / "encrypted" / "open" / "cluster" / "file"));
  for (const auto& entry : fs::recursive_directory_iterator(folder.path))
    if (entry.is_regular_file()) CHECK_FALSE(found_in(entry.path(), kCanary));
  SUBCASE("by its key") {
    auto again = ProtectedFolder::open(request);
    REQUIRE(again);
    CHECK(found_in(fs::path(again->path()) / "file", kCanary));
  }
  SUBCASE("not by another") {
    keys.fill = 2;
    const auto again = ProtectedFolder::open(request);
    REQUIRE_FALSE(again);
    CHECK(again.error().code == Errc::Crypto);
    keys.fill = 1;
    CHECK(ProtectedFolder::open(request));
  }
  SUBCASE("also where nothing new is to be encrypted") {
    auto off = request;
    off.wanted = Wanted::Off;
    const auto again = ProtectedFolder::open(off);
    REQUIRE(again);
    CHECK(again->method() != Method::None);
  }
  SUBCASE("a larger image grows") {
    auto larger = request;
    larger.image_bytes = std::uint64_t{512} << 20;
    auto again = ProtectedFolder::open(larger);
    REQUIRE(again);
    if (again->method() == Method::Image && may_grow())
      CHECK(fs::space(again->path()).capacity > (std::uint64_t{400} << 20));
    CHECK(found_in(fs::path(again->path()) / "file", kCanary));
  }
  SUBCASE("not without its record") {
    fs::remove(folder.path / "encrypted" / "record");
    const auto again = ProtectedFolder::open(request);
    REQUIRE_FALSE(again);
    CHECK(again.error().code == Errc::FailedPrecondition);
  }
}

TEST_CASE("without means or wish it says so, and required it fails") {
  const Folder folder;
  Keys keys;
  auto request = request_of(folder, keys);
  SUBCASE("switched off") {
    request.wanted = Wanted::Off;
    const auto opened = ProtectedFolder::open(request);
    REQUIRE(opened);
    CHECK(opened->method() == Method::None);
  }
  SUBCASE("data is there") {
    request.plain_data = true;
    const auto opened = ProtectedFolder::open(request);
    REQUIRE(opened);
    CHECK(opened->method() == Method::None);
    request.wanted = Wanted::Require;
    const auto required = ProtectedFolder::open(request);
    if (opened->how().starts_with("not held")) {
      REQUIRE_FALSE(required);
      CHECK(required.error().code == Errc::FailedPrecondition);
    }
  }
  CHECK(keys.asked == 0);
  CHECK_FALSE(fs::exists(folder.path / "encrypted"));
}

TEST_CASE("a start that was killed in the middle of making it is begun anew") {
  const Folder folder;
  Keys keys;
  const auto request = request_of(folder, keys);
  fs::create_directories(folder.path / "encrypted.new" / "open");
  std::ofstream(folder.path / "encrypted.new" / "image") << "half";
  const auto opened = ProtectedFolder::open(request);
  REQUIRE(opened);
  CHECK_FALSE(fs::exists(folder.path / "encrypted.new"));
}

TEST_CASE("no key, no files") {
  const Folder folder;
  auto request = Request{};
  request.folder = (folder.path / "encrypted").string();
  request.image_bytes = std::uint64_t{256} << 20;
  bool asked = false;
  request.key = [&](const Uuid&, std::optional<std::uint32_t>) -> Result<StorageKey> {
    asked = true;
    return fail(Errc::PermissionDenied, "the passphrase is wrong");
  };
  const auto opened = ProtectedFolder::open(request);
  if (!asked) return;  // no means here
  REQUIRE_FALSE(opened);
  CHECK(opened.error().code == Errc::PermissionDenied);
}
