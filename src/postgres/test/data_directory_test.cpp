#include "bartizan/postgres/data_directory.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

using namespace bartizan;
using namespace bartizan::postgres;
namespace fs = std::filesystem;

namespace {

/// Its own folder, open to all, removed at the end.
struct Folder {
  fs::path path;
  Folder() {
    static int count = 0;
    path = fs::canonical(fs::temp_directory_path()) /
           ("bz-data-" + std::to_string(::getpid()) + "-" + std::to_string(count++));
    fs::create_directory(path);
    fs::permissions(path, fs::perms(0755));
  }
  ~Folder() { fs::remove_all(path); }
};

ServerAccount stranger() { return {"stranger", 54321, 54321, true}; }
ServerAccount ourselves() { return {"us", ::geteuid(), ::getegid(), false}; }

mode_t mode_of(const fs::path& path) {
  struct stat info = {};
  REQUIRE(::stat(path.c_str(), &info) == 0);
  return info.st_mode & 07777;
}

}  // namespace

TEST_CASE("the folder asked for, unless the account can't get there") {
  const Folder folder;
  fs::create_directory(folder.path / "closed");
  fs::permissions(folder.path / "closed", fs::perms(0700));
  struct Row {
    fs::path asked;
    bool moved;
  };
  const Row rows[] = {{folder.path / "data", false},
                      {folder.path / "new" / "deeper" / "data", false},
                      {folder.path / "closed", false},  // the folder itself gets its mode from us
                      {folder.path / "closed" / "data", true},
                      {folder.path / "closed" / "new" / "data", true}};
  for (const auto& row : rows) {
    CAPTURE(row.asked);
    const auto choice = choose_data_directory(row.asked.string(), stranger(), "/var/lib/elsewhere");
    REQUIRE(choice);
    CHECK(choice->moved == row.moved);
    CHECK(choice->reason.empty() == !row.moved);
    if (row.moved)
      CHECK(choice->path.starts_with("/var/lib/elsewhere/data-"));
    else
      CHECK(choice->path == row.asked.string());
    // As ourselves there is nothing to move.
    CHECK_FALSE(choose_data_directory(row.asked.string(), ourselves())->moved);
  }
  const auto one = choose_data_directory((folder.path / "closed" / "a" / "data").string(), stranger());
  const auto two = choose_data_directory((folder.path / "closed" / "b" / "data").string(), stranger());
  CHECK(one->path != two->path);
}

TEST_CASE("a data folder is an absolute path other than the root") {
  for (const char* path : {"", "data", "./data", "/", "/tmp/.."}) {
    CAPTURE(path);
    CHECK(choose_data_directory(path, ourselves()).error().code == Errc::InvalidArgument);
  }
  CHECK(choose_data_directory("/tmp/x/", ourselves())->path == choose_data_directory("/tmp/x", ourselves())->path);
}

TEST_CASE("the layout is made once, closed to others, and found again") {
  const Folder folder;
  const DataLayout layout{(folder.path / "a" / "data").string()};
  for (int round = 0; round < 2; ++round) {
    const auto made = prepare_layout(layout, ourselves());
    REQUIRE_MESSAGE(made, (made ? "" : made.error().detail));
    CHECK(mode_of(layout.root) == 0700);
    CHECK(mode_of(layout.secrets()) == 0700);
    CHECK(mode_of(layout.conf()) == 0700);
    CHECK(mode_of(layout.run()) == 0700);
  }
  if (::geteuid() == 0) {
    const DataLayout other{(folder.path / "b").string()};
    REQUIRE(prepare_layout(other, stranger()));
    CHECK(mode_of(other.root) == 0710);
    CHECK(mode_of(other.secrets()) == 0700);
    CHECK(mode_of(other.conf()) == 0750);
    struct stat info = {};
    REQUIRE(::stat(other.run().c_str(), &info) == 0);
    CHECK(info.st_uid == stranger().uid);
    CHECK((info.st_mode & 07777) == 0700);
    REQUIRE(::stat(other.secrets().c_str(), &info) == 0);
    CHECK(info.st_uid == 0);
  }
}

TEST_CASE("somebody's folder is refused and left as it is") {
  const Folder folder;
  std::ofstream(folder.path / "thesis.txt") << "x";
  const auto refused = prepare_layout({folder.path.string()}, ourselves());
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == Errc::FailedPrecondition);
  CHECK(refused.error().detail.find("choose") != std::string::npos);
  CHECK(mode_of(folder.path) == 0755);
  CHECK(std::distance(fs::directory_iterator(folder.path), {}) == 1);
}

TEST_CASE("a layout of a later version is refused") {
  const Folder folder;
  std::ofstream(folder.path / "BARTIZAN") << "bartizan embedded postgresql, layout 2\n";
  CHECK(prepare_layout({folder.path.string()}, ourselves()).error().code == Errc::FailedPrecondition);
}

TEST_CASE("a link in the layout's place is not followed") {
  const Folder folder;
  const DataLayout layout{(folder.path / "data").string()};
  REQUIRE(prepare_layout(layout, ourselves()));
  fs::remove(layout.run());
  fs::create_directory(folder.path / "target");
  fs::permissions(folder.path / "target", fs::perms(0755));
  fs::create_directory_symlink(folder.path / "target", layout.run());
  CHECK_FALSE(prepare_layout(layout, ourselves()));
  CHECK(mode_of(folder.path / "target") == 0755);
}

TEST_CASE("a cluster's version, and what is none") {
  const Folder folder;
  const DataLayout layout{folder.path.string()};
  CHECK_FALSE(inspect_cluster(layout, ourselves())->has_value());
  fs::create_directory(layout.pgdata());
  fs::permissions(layout.pgdata(), fs::perms(0700));
  CHECK(inspect_cluster(layout, ourselves()).error().code == Errc::FailedPrecondition);  // no PG_VERSION
  std::ofstream(layout.pgdata() + "/PG_VERSION") << "15\n";
  CHECK(inspect_cluster(layout, ourselves()).value() == 15);
  CHECK(inspect_cluster(layout, stranger()).error().detail.find("chown") != std::string::npos);
  fs::permissions(layout.pgdata(), fs::perms(0755));
  CHECK(inspect_cluster(layout, ourselves()).error().detail.find("chmod 700") != std::string::npos);
  fs::permissions(layout.pgdata(), fs::perms(0750));
  CHECK(inspect_cluster(layout, ourselves()).value() == 15);
  std::ofstream(layout.pgdata() + "/PG_VERSION") << "fifteen\n";
  CHECK(inspect_cluster(layout, ourselves()).error().code == Errc::FailedPrecondition);
}
