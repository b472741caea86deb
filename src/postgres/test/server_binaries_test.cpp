#include "bartizan/postgres/server_binaries.hpp"

#include <doctest/doctest.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>

using namespace bartizan;
using namespace bartizan::postgres;
namespace fs = std::filesystem;

namespace {

SteadyTime soon() { return std::chrono::steady_clock::now() + std::chrono::seconds(10); }

/// A folder with programs that only tell a version.
std::string fake_binaries(const std::string& version_line) {
  static int count = 0;
  const auto folder =
      fs::temp_directory_path() / ("bz-binaries-" + std::to_string(::getpid()) + "-" + std::to_string(count++));
  fs::create_directories(folder);
  for (const char* name : {"postgres", "initdb"}) {
    std::ofstream(folder / name) << "#!/bin/sh\necho '" << version_line << "'\n";
    fs::permissions(folder / name, fs::perms::owner_all);
  }
  return folder.string();
}

}  // namespace

TEST_CASE("the version line of postgres") {
  struct Row {
    const char* line;
    int major;
    const char* version;
  };
  const Row rows[] = {{"postgres (PostgreSQL) 15.20 (Debian 15.20-0+deb12u1)\n", 15, "15.20"},
                      {"postgres (PostgreSQL) 18beta1\n", 18, "18beta1"},
                      {"postgres (PostgreSQL) 9.6.24", 9, "9.6.24"}};
  for (const auto& row : rows) {
    const auto version = parse_version_line(row.line);
    REQUIRE(version);
    CHECK(version->first == row.major);
    CHECK(version->second == row.version);
  }
  for (const char* line :
       {"", "postgres", "pg_ctl (PostgreSQL) 15.2", "postgres (PostgreSQL) x", "postgres (PostgreSQL) -5"})
    CHECK_FALSE(parse_version_line(line));
}

TEST_CASE("a configured folder is taken if it holds a supported version") {
  const auto folder = fake_binaries("postgres (PostgreSQL) 16.3");
  const auto found = find_server_binaries(folder, soon());
  REQUIRE(found);
  REQUIRE(found->size() == 1);
  CHECK(found->front().major == 16);
  CHECK(found->front().directory == folder);
  fs::remove_all(folder);
}

TEST_CASE("a configured folder that will not do is refused") {
  struct Row {
    std::string folder;
    Errc code;
  };
  const Row rows[] = {{"/nonexistent", Errc::NotFound},
                      {fake_binaries("postgres (PostgreSQL) 13.9"), Errc::Unsupported},
                      {fake_binaries("postgres (PostgreSQL) 19.0"), Errc::Unsupported},
                      {fake_binaries("something else"), Errc::Unsupported}};
  for (const auto& row : rows) {
    const auto found = find_server_binaries(row.folder, soon());
    REQUIRE_FALSE(found);
    CHECK(found.error().code == row.code);
    fs::remove_all(row.folder);
  }
}
