#include "bartizan/config/load_file.hpp"

#include <doctest/doctest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace bartizan::config {
namespace {

/// A folder of its own for one test, removed at its end.
class Folder {
 public:
  Folder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "bartizan-config-XXXXXX").string();
    path_ = ::mkdtemp(pattern.data());
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() { std::filesystem::remove_all(path_); }

  std::filesystem::path write(const std::string& name, std::string_view content) const {
    std::ofstream(path_ / name, std::ios::binary) << content;
    return path_ / name;
  }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

std::string only_issue(const tl::expected<Configuration, Issues>& loaded) {
  REQUIRE_FALSE(loaded.has_value());
  REQUIRE(loaded.error().size() == 1);
  return loaded.error()[0].to_string();
}

constexpr std::string_view kFront = "[embedded]\nenabled = false\n[control]\n";

TEST_CASE("a file is read, and relative paths start beside it") {
  const Folder folder;
  const auto file = folder.write("b.toml", "[audit]\ndirectory = \"records\"\n");
  const auto c = load_file(file, {});
  REQUIRE(c.has_value());
  CHECK(c->audit.directory == folder.path() / "records");
  CHECK(load_file({}, {}, {{"listen.port", "0"}}).value().listen.port == 0);
}

TEST_CASE("what cannot be read is one issue with the file's name") {
  const Folder folder;
  const auto missing = folder.path() / "none.toml";
  CHECK(only_issue(load_file(missing, {})) == missing.native() + ": cannot be opened: No such file or directory");
  CHECK(only_issue(load_file(folder.path(), {})) == folder.path().native() + ": is not a regular file");
  const auto fifo = folder.path() / "fifo";
  REQUIRE(::mkfifo(fifo.c_str(), 0600) == 0);
  CHECK(only_issue(load_file(fifo, {})) == fifo.native() + ": is not a regular file");
  const auto large = folder.write("large.toml", std::string(kMaxTextBytes + 1, '#'));
  CHECK(only_issue(load_file(large, {})) == large.native() + ": is longer than 1048576 bytes");
}

TEST_CASE("dsn_file: one line, from beside the file or from the credentials") {
  const Folder folder;
  const Folder credentials;
  folder.write("dsn", "host=a\n");
  const auto file = folder.write("b.toml", std::string(kFront) + "dsn_file = \"dsn\"\n");
  CHECK(load_file(file, {}).value().control.dsn.reveal_chars() == "host=a");
  credentials.write("dsn", "host=b\r\n");
  const Environment environment{{"CREDENTIALS_DIRECTORY", credentials.path().native()}};
  CHECK(load_file(file, environment).value().control.dsn.reveal_chars() == "host=b");
  credentials.write("control.dsn", "host=c");
  const auto bare = folder.write("bare.toml", kFront);
  CHECK(load_file(bare, environment).value().control.dsn.reveal_chars() == "host=c");
}

TEST_CASE("a faulty dsn_file is told at its key, without its content") {
  const Folder folder;
  const auto file = folder.write("b.toml", std::string(kFront) + "dsn_file = \"dsn\"\n");
  const auto secret = (folder.path() / "dsn").native();
  const std::string at = file.native() + ":4:12: control.dsn_file: " + secret;
  CHECK(only_issue(load_file(file, {})) == at + " cannot be opened: No such file or directory");
  folder.write("dsn", "\n");
  CHECK(only_issue(load_file(file, {})) == at + " is empty");
  folder.write("dsn", "host=a\nhunter2\n");
  CHECK(only_issue(load_file(file, {})) == at + " holds more than one line");
  folder.write("dsn", std::string(100'000, 'x'));
  CHECK(only_issue(load_file(file, {})) == at + " is longer than 65536 bytes");
}

TEST_CASE("the process environment is seen") {
  REQUIRE(::setenv("BARTIZAN_CONFIG_TEST", "a=b", 1) == 0);
  CHECK(process_environment().at("BARTIZAN_CONFIG_TEST") == "a=b");
  ::unsetenv("BARTIZAN_CONFIG_TEST");
}

}  // namespace
}  // namespace bartizan::config
