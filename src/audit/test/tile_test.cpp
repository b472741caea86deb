#include "bartizan/audit/tile.hpp"

#include <doctest/doctest.h>

#include <map>

#include "bartizan/audit/proof.hpp"
#include "stored_tree.hpp"

namespace bartizan::audit {
namespace {

TEST_CASE("tile names are the paths of tlog-tiles") {
  struct Row {
    TileName name;
    std::string_view path;
  };
  for (const Row& row :
       {Row{{0, 0, 256}, "tile/0/000"}, Row{{0, 1234067, 256}, "tile/0/x001/x234/067"},
        Row{{2, 999, 17}, "tile/2/999.p/17"}, Row{{63, 1000, 255}, "tile/63/x001/000.p/255"},
        Row{{std::nullopt, 5, 1}, "tile/entries/005.p/1"}, Row{{std::nullopt, 123456, 256}, "tile/entries/x123/456"}}) {
    CHECK(to_path(row.name) == row.path);
    CHECK(parse_tile_path(row.path) == row.name);
  }
  for (const std::string_view bad : {"",
                                     "tile/",
                                     "tile/0/",
                                     "tile/0/00",
                                     "tile/0/0000",
                                     "tile/00/000",
                                     "tile/64/000",
                                     "tile/-1/000",
                                     "tile/0/x000/000",
                                     "tile/0/000.p/0",
                                     "tile/0/000.p/256",
                                     "tile/0/000.p/01",
                                     "tile/0/000/",
                                     "tile/0/x001/x000",
                                     "tile/0/001/000",
                                     "tile/entries",
                                     "tile/entries/+01",
                                     "tile/0/000.p/1 ",
                                     "tile/0/x999/x999/x999/x999/x999/x999/999",
                                     "checkpoint",
                                     "tile/0/../000"})
    CHECK_FALSE(parse_tile_path(bad).has_value());
}

TEST_CASE("partial tiles of a tree of 70,000, as tlog-tiles counts them") {
  CHECK(partial_tile(0, 70000) == TileName{0, 273, 112});
  CHECK(partial_tile(1, 70000) == TileName{1, 1, 17});
  CHECK(partial_tile(2, 70000) == TileName{2, 0, 1});
  CHECK_FALSE(partial_tile(3, 70000).has_value());
  CHECK_FALSE(partial_tile(0, 256).has_value());
  CHECK(partial_tile(1, 256) == TileName{1, 0, 1});
}

TEST_CASE("entry bundles: what goes in comes out, and nothing else passes") {
  Bytes bundle;
  const std::string longest(kMaxEntryBytes, 'x');
  append_entry(bundle, as_bytes("one"));
  append_entry(bundle, {});
  append_entry(bundle, as_bytes(longest));
  const auto entries = decode_entries(bundle, 3).value();
  CHECK(as_chars(entries[0]) == "one");
  CHECK(entries[1].empty());
  CHECK(as_chars(entries[2]) == longest);
  CHECK_FALSE(decode_entries(bundle, 2));
  CHECK_FALSE(decode_entries(bundle, 4));
  CHECK_FALSE(decode_entries(ByteView(bundle).first(bundle.size() - 1), 3));
  CHECK_FALSE(decode_entries(ByteView(bundle).first(1), 1));
}

/// Tiles of a tree of one size, made the slow way.
class MapSource final : public TileSource {
 public:
  MapSource(const StoredTree& tree, std::uint64_t size) {
    for (unsigned level = 0; level <= 2; ++level) {
      const std::uint64_t hashes = size >> (level * kTileHeight);
      for (std::uint64_t i = 0; i < hashes; ++i) {
        const std::uint64_t last = std::min<std::uint64_t>(hashes, (i / 256 + 1) * 256);
        const TileName name{level, i / 256, static_cast<unsigned>(last - i / 256 * 256)};
        append_hash(tiles_[to_path(name)], tree.subtree(level * kTileHeight, i).value());
      }
    }
  }
  [[nodiscard]] Result<Bytes> read(const TileName& name) const override {
    const auto found = tiles_.find(to_path(name));
    if (found == tiles_.end()) return fail(Errc::NotFound, to_path(name));
    return found->second;
  }
  std::map<std::string, Bytes> tiles_;
};

TEST_CASE("roots and proofs from tiles are those of the tree") {
  const StoredTree tree = tree_of(1100);
  for (const std::uint64_t size : {0u, 1u, 2u, 255u, 256u, 257u, 511u, 512u, 700u, 1024u, 1100u}) {
    const MapSource source(tree, size);
    const TileHashes hashes(source, size);
    const Hash root = root_of(size, hashes).value();
    CHECK(root == root_of(size, tree).value());
    for (std::uint64_t index = 0; index < size; index += 37)
      CHECK(prove_inclusion(index, size, hashes).value() == prove_inclusion(index, size, tree).value());
    for (std::uint64_t old = 0; old <= size; old += 61)
      CHECK(prove_consistency(old, size, hashes).value() == prove_consistency(old, size, tree).value());
    CHECK_FALSE(hashes.subtree(0, size));
    CHECK_FALSE(hashes.subtree(63, 0));
    CHECK_FALSE(hashes.subtree(64, 0));
  }
}

TEST_CASE("a full tile may stand in for a partial one; a damaged one is refused") {
  const StoredTree tree = tree_of(256);
  MapSource full(tree, 256);
  full.tiles_["tile/0/000.p/10"] = full.tiles_["tile/0/000"];
  CHECK(root_of(10, TileHashes(full, 10)).value() == root_of(10, tree).value());
  full.tiles_["tile/0/000.p/10"].resize(319);
  CHECK_FALSE(root_of(10, TileHashes(full, 10)));
}

}  // namespace
}  // namespace bartizan::audit
