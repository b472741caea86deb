#include "tree_store.hpp"

#include <doctest/doctest.h>

#include "crash_files.hpp"
#include "read_log.hpp"

namespace bartizan::auditlog {
namespace {

audit::NoteSigner signer() {
  return audit::NoteSigner::generate(audit::KeyType::Ed25519, "log.example/t", system_random()).value();
}

void round(TreeStore& tree) {
  REQUIRE(tree.write_tiles());
  REQUIRE(tree.publish(tree.checkpoint()));
}

TEST_CASE("a tree grows in rounds of any width, and reads back whole after each") {
  CrashFiles files;
  const auto key = signer();
  auto tree = TreeStore::fresh(files, "/log-parent/tree", key.named("log.example/t"));
  std::uint64_t i = 0;
  for (const unsigned step : {1u, 1u, 253u, 1u, 1u, 255u, 256u, 300u, 700u}) {
    for (unsigned k = 0; k < step; ++k) tree->append(as_bytes("entry " + std::to_string(i++)));
    CHECK(tree->dirty());
    round(*tree);
    CHECK_FALSE(tree->dirty());
    const auto read = read_tree(files, "/log-parent/tree", key.verifier());
    REQUIRE(read.entries.size() == i);
    CHECK(read.entries.back() == "entry " + std::to_string(i - 1));
  }
  // Partial tiles are gone where full ones stand.
  CHECK_FALSE(files.list("/log-parent/tree/tile/0/000.p").has_value());
  CHECK(files.list("/log-parent/tree/tile/1/000.p").has_value());
}

TEST_CASE("a tree goes on where it was, at every size") {
  CrashFiles files;
  const auto key = signer();
  auto tree = TreeStore::fresh(files, "/log-parent/tree", key.named("log.example/t"));
  for (std::uint64_t size = 0; size < 530; ++size) {
    tree->append(as_bytes("entry " + std::to_string(size)));
    if (size % 7 == 0) round(*tree);
    if (size % 7 != 3) continue;
    REQUIRE(tree->write_tiles());
    auto opened = TreeStore::open(files, "/log-parent/tree", key.named("log.example/t"), tree->size());
    REQUIRE(opened);
    CHECK((*opened)->checkpoint() == tree->checkpoint());
    tree = std::move(*opened);
  }
  round(*tree);
  CHECK(read_tree(files, "/log-parent/tree", key.verifier()).entries.size() == 530);
}

TEST_CASE("a published tile is never written again") {
  CrashFiles files;
  const auto key = signer();
  auto tree = TreeStore::fresh(files, "/log-parent/tree", key.named("log.example/t"));
  for (unsigned i = 0; i < 300; ++i) tree->append(as_bytes("x"));
  round(*tree);
  const auto [before, folders] = files.as_it_is();
  tree->append(as_bytes("y"));
  // The level above did not change: a write that fails now can't have touched it.
  files.disk_full = true;
  CHECK_FALSE(tree->write_tiles());
  files.disk_full = false;
  CHECK(files.as_it_is().first.at("/log-parent/tree/tile/1/000.p/1") == before.at("/log-parent/tree/tile/1/000.p/1"));
  const auto syncs = files.syncs.load();
  REQUIRE(tree->write_tiles());
  CHECK(files.syncs - syncs == 2);  // level 0 and the bundle
}

TEST_CASE("what does not hold together is refused") {
  CrashFiles files;
  const auto key = signer();
  auto tree = TreeStore::fresh(files, "/log-parent/tree", key.named("log.example/t"));
  for (unsigned i = 0; i < 300; ++i) tree->append(as_bytes("entry " + std::to_string(i)));
  round(*tree);
  const auto open = [&](CrashFiles& in, std::uint64_t size) {
    return TreeStore::open(in, "/log-parent/tree", key.named("log.example/t"), size);
  };
  CHECK(open(files, 300));
  CHECK(open(files, 299).error().code == Errc::Malformed);  // an older state under a newer checkpoint
  CHECK_FALSE(open(files, 301));
  const auto [image, folders] = files.as_it_is();
  for (const std::string name :
       {"tile/0/000", "tile/0/001.p/44", "tile/1/000.p/1", "tile/entries/001.p/44", "checkpoint"})
    for (const std::size_t at : {3u, 100u}) {
      const std::string path = "/log-parent/tree/" + name;
      if (at >= image.at(path).size() || (name == "tile/0/000")) continue;
      CrashFiles harmed(image, folders);
      harmed.change(path, [at](Bytes& bytes) { bytes[at] ^= std::byte{1}; });
      CHECK_MESSAGE(!open(harmed, 300), name, " ", at);
      CrashFiles gone(image, folders);
      REQUIRE(gone.remove(path));
      if (name != "checkpoint") CHECK_MESSAGE(!open(gone, 300), name);
    }
  const auto stranger = signer();
  CHECK(TreeStore::open(files, "/log-parent/tree", stranger.named("log.example/t"), 300).error().code == Errc::Crypto);
}

TEST_CASE("tree names are one tenant's, and fit a folder") {
  CHECK(tree_name("acme") == "t-acme");
  CHECK(tree_name("Acme Corp/2") == "t-Acme%20Corp%2F2");
  CHECK(tree_name("..") == "t-%2E%2E");
  CHECK(tree_name(std::string(200, 'a')).size() == 66);
  CHECK(audit::is_key_name("o/" + tree_name("a+b \xff")));
}

}  // namespace
}  // namespace bartizan::auditlog
