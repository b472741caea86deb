// Reads a log's trees back through its files alone, checking every hash on the way.
#pragma once

#include <doctest/doctest.h>

#include <map>
#include <string>
#include <vector>

#include "bartizan/audit/checkpoint.hpp"
#include "bartizan/audit/tile.hpp"
#include "tree_store.hpp"
#include "whole_file.hpp"

namespace bartizan::auditlog {

struct ReadTree {
  audit::Checkpoint checkpoint;
  std::vector<std::string> entries;
};

inline ReadTree read_tree(FileLayer& files, const std::string& folder, const audit::NoteVerifier& key) {
  ReadTree out;
  const Bytes note = read_whole(files, folder + "/checkpoint", 65536).value();
  out.checkpoint = audit::open_checkpoint(as_chars(note), key).value();
  const FolderTiles tiles(files, folder);
  audit::Frontier frontier;
  for (std::uint64_t start = 0; start < out.checkpoint.size; start += 256) {
    const auto width = static_cast<unsigned>(std::min<std::uint64_t>(256, out.checkpoint.size - start));
    const auto level0 = tiles.read({0, start / 256, width}).value();
    const auto hashes = audit::decode_tile(ByteView(level0).first(width * 32), width).value();
    const auto bundle = tiles.read({std::nullopt, start / 256, width}).value();
    auto entries = audit::decode_entries(bundle, width);
    if (!entries) entries = audit::decode_entries(bundle, 256);
    for (unsigned i = 0; i < width; ++i) {
      const auto entry = (*entries)[i];
      REQUIRE(audit::leaf_hash(entry) == hashes[i]);
      frontier.append(hashes[i]);
      out.entries.emplace_back(as_chars(entry));
    }
  }
  REQUIRE(frontier.root() == out.checkpoint.root);
  const audit::TileHashes all(tiles, out.checkpoint.size);
  REQUIRE(audit::root_of(out.checkpoint.size, all).value() == out.checkpoint.root);
  return out;
}

/// "uid" of each record, and how often it is there.
inline std::map<std::uint64_t, unsigned> tickets_in(const ReadTree& tree) {
  std::map<std::uint64_t, unsigned> out;
  for (const auto& entry : tree.entries) {
    if (!entry.starts_with('{')) continue;
    const auto at = entry.find("\"uid\":\"");
    REQUIRE(at != std::string::npos);
    ++out[std::stoull(entry.substr(at + 7))];
  }
  return out;
}

}  // namespace bartizan::auditlog
