#include "manifests.hpp"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>

#include "request.hpp"

namespace bartizan::cli {
namespace {

namespace fs = std::filesystem;

struct Folder {
  Folder() {
    std::string pattern = (fs::temp_directory_path() / "bartizan-manifests-XXXXXX").native();
    REQUIRE(::mkdtemp(pattern.data()) != nullptr);
    path = pattern;
  }
  ~Folder() { fs::remove_all(path); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  void write(const std::string& name, const std::string& text) const {
    fs::create_directories((path / name).parent_path());
    std::ofstream(path / name, std::ios::binary) << text;
  }
  fs::path path;
};

TEST_CASE("a folder's manifests come in order, a file alone by its name") {
  const Folder folder;
  folder.write("b.yml", "b");
  folder.write("a/z.yaml", "z");
  folder.write("README.md", "no");
  const auto all = read_manifests(folder.path.native());
  REQUIRE(all);
  REQUIRE(all->size() == 2);
  CHECK(all->at(0).file == "a/z.yaml");
  CHECK(all->at(0).text == "z");
  CHECK(all->at(1).file == "b.yml");
  const auto one = read_manifests((folder.path / "b.yml").native());
  REQUIRE(one);
  CHECK(one->at(0).file == "b.yml");
}

TEST_CASE("what can't be a manifest is refused here") {
  const Folder folder;
  CHECK(read_manifests(folder.path.native()).error().code == Errc::NotFound);
  CHECK(read_manifests((folder.path / "none.yaml").native()).error().code == Errc::NotFound);
  folder.write("big.yaml", std::string((1u << 20) + 1, 'x'));
  CHECK(read_manifests(folder.path.native()).error().code == Errc::TooLarge);
  folder.write("big.yaml", "\xff\xfe");
  CHECK(read_manifests(folder.path.native()).error().code == Errc::InvalidArgument);
}

}  // namespace
}  // namespace bartizan::cli
