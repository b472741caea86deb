#include "bartizan/postgres/data_directory.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <charconv>
#include <filesystem>

#include "path_hash.hpp"
#include "private_files.hpp"

namespace bartizan::postgres {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kMarkerText = "bartizan embedded postgresql, layout 1\n";
constexpr std::size_t kSmallFileLimit = 4096;

/// By mode bits: the account belongs to its one group only, and access lists are not looked at.
bool can_traverse(const struct stat& info, const ServerAccount& account) {
  if (info.st_uid == account.uid) return (info.st_mode & S_IXUSR) != 0;
  if (info.st_gid == account.gid) return (info.st_mode & S_IXGRP) != 0;
  return (info.st_mode & S_IXOTH) != 0;
}

/// The first existing folder above path that stops the account.
std::optional<std::string> obstacle(const fs::path& path, const ServerAccount& account) {
  fs::path at = "/";
  for (const auto& part : path.parent_path().relative_path()) {
    at /= part;
    struct stat info = {};
    if (::stat(at.c_str(), &info) != 0) return std::nullopt;  // not there: we make it, open to traverse
    if (!S_ISDIR(info.st_mode) || !can_traverse(info, account)) return at.string();
  }
  return std::nullopt;
}

Result<void> make_parents(const fs::path& root) {
  fs::path at = "/";
  for (const auto& part : root.parent_path().relative_path()) {
    at /= part;
    std::error_code error;
    if (fs::exists(at, error)) continue;
    if (::mkdir(at.c_str(), 0755) != 0 && !fs::exists(at, error))
      return fail(Errc::Io, "can't make the folder " + at.string() + ": choose another data folder");
    ::chmod(at.c_str(), 0755);  // whatever our umask is, PostgreSQL's user has to pass
  }
  return {};
}

Result<bool> is_empty(const std::string& path) {
  std::error_code error;
  for (fs::directory_iterator it(path, error), end; !error && it != end; it.increment(error))
    if (it->path().filename() != "lost+found") return false;
  if (error) return fail(Errc::Io, "can't list " + path + ": " + error.message());
  return true;
}

/// Whether the folder is marked as ours; refuses one that is neither ours nor empty.
Result<bool> check_marker(const DataLayout& layout) {
  const auto marker = read_small_file(layout.marker(), kSmallFileLimit);
  if (marker && *marker == kMarkerText) return true;
  if (marker)
    return fail(Errc::FailedPrecondition, layout.root +
                                              " has a layout that this version of Bartizan does not know: start it "
                                              "with the version that made it");
  if (marker.error().code != Errc::NotFound) return tl::unexpected(marker.error());
  BZ_TRY(const bool empty, is_empty(layout.root));
  if (!empty)
    return fail(Errc::FailedPrecondition, layout.root +
                                              " is not empty and was not made by Bartizan: choose an empty folder, or "
                                              "one that does not exist");
  return false;
}

}  // namespace

Result<DataDirectoryChoice> choose_data_directory(std::string_view requested, const ServerAccount& account,
                                                  std::string_view fallback_root) {
  const fs::path asked(requested);
  if (!asked.is_absolute() || requested.find('\0') != std::string_view::npos)
    return fail(Errc::InvalidArgument, "the data folder must be an absolute path");
  std::error_code error;
  auto path = fs::weakly_canonical(asked, error);
  if (error) return fail(Errc::Io, "can't look at " + asked.string() + ": " + error.message());
  if (!path.has_filename()) path = path.parent_path();
  if (path == path.root_path()) return fail(Errc::InvalidArgument, "the data folder can't be /");
  if (!account.separate) return DataDirectoryChoice{path.string(), false, ""};
  const auto stopped_at = obstacle(path, account);
  if (!stopped_at) return DataDirectoryChoice{path.string(), false, ""};
  const auto moved = fs::path(fallback_root) / (path.filename().string() + "-" + path_hash(path.string()));
  return DataDirectoryChoice{
      moved.string(), true,
      "PostgreSQL's user " + account.name + " can't pass " + *stopped_at + ", so the data lies in " + moved.string()};
}

Result<void> prepare_layout(const DataLayout& layout, const ServerAccount& account) {
  const Owner ours{::geteuid(), account.separate ? account.gid : ::getegid()};
  const Owner theirs{account.uid, account.gid};
  BZ_CHECK(make_parents(layout.root));
  // Looked at before anything in it is changed: it may be somebody's home.
  std::error_code error;
  bool marked = false;
  if (fs::exists(layout.root, error)) {
    BZ_TRY(marked, check_marker(layout));
  }
  BZ_CHECK(ensure_directory(layout.root, ours, account.separate ? 0710 : 0700));
  if (!marked) BZ_CHECK(replace_file(layout.marker(), as_bytes(kMarkerText), ours, 0644));
  BZ_CHECK(ensure_directory(layout.secrets(), ours, 0700));
  BZ_CHECK(ensure_directory(layout.conf(), ours, account.separate ? 0750 : 0700));
  return ensure_directory(layout.run(), theirs, 0700);
}

Result<std::optional<int>> inspect_cluster(const DataLayout& layout, const ServerAccount& account) {
  struct stat info = {};
  if (::lstat(layout.pgdata().c_str(), &info) != 0) return std::optional<int>();
  if (!S_ISDIR(info.st_mode))
    return fail(Errc::FailedPrecondition, layout.pgdata() + " is not a folder: mount the disk there instead of a link");
  if (info.st_uid != account.uid)
    return fail(Errc::FailedPrecondition, layout.pgdata() + " belongs to user id " + std::to_string(info.st_uid) +
                                              ", but PostgreSQL would run as " + account.name + ": run chown -R " +
                                              account.name + " on it, or start as its owner");
  if ((info.st_mode & 077) != 0 && (info.st_mode & 077) != 050)
    return fail(Errc::FailedPrecondition, layout.pgdata() + " is open to others: run chmod 700 on it");
  const auto text = read_small_file(layout.pgdata() + "/PG_VERSION", kSmallFileLimit);
  int major = 0;
  if (text) std::from_chars(text->data(), text->data() + text->size(), major);
  if (major <= 0)
    return fail(Errc::FailedPrecondition, layout.pgdata() +
                                              " has no readable PG_VERSION, so it is not a PostgreSQL cluster: restore "
                                              "it from a backup, or choose another data folder");
  return std::optional<int>(major);
}

}  // namespace bartizan::postgres
