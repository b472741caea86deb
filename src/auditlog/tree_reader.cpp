#include "bartizan/auditlog/tree_reader.hpp"

#include <algorithm>

#include "tree_store.hpp"
#include "whole_file.hpp"

namespace bartizan::auditlog {

Result<TreeReader> TreeReader::open(const std::string& directory, const std::string& origin, const std::string& tree,
                                    const audit::NoteVerifier& key, FileLayer& files) {
  const std::string folder = directory + "/tree/" + tree;
  BZ_TRY(const Bytes note, read_whole(files, folder + "/checkpoint", audit::kMaxNoteBytes));
  BZ_TRY(auto checkpoint, audit::open_checkpoint(as_chars(note), key.named(origin + "/" + tree)));
  return TreeReader(files, folder, std::move(checkpoint), std::string(as_chars(note)));
}

Result<std::string> TreeReader::entry(std::uint64_t index) const {
  if (index >= checkpoint_.size) return fail(Errc::InvalidArgument, "no such index in the published tree");
  const FolderTiles tiles(*files_, folder_);
  const std::uint64_t tile = index / audit::kTileWidth;
  const auto width = static_cast<unsigned>(std::min(audit::kTileWidth, checkpoint_.size - tile * audit::kTileWidth));
  BZ_TRY(const Bytes bundle, tiles.read({std::nullopt, tile, width}));
  auto entries = audit::decode_entries(bundle, width);
  if (!entries) entries = audit::decode_entries(bundle, audit::kTileWidth);  // the full one stood in
  if (!entries) return tl::unexpected(entries.error());
  const ByteView entry = (*entries)[index % audit::kTileWidth];
  BZ_TRY(const auto leaf, audit::TileHashes(tiles, checkpoint_.size).subtree(0, index));
  if (audit::leaf_hash(entry) != leaf)
    return fail(Errc::Malformed, "a record is not the one whose hash is in the tree");
  return std::string(as_chars(entry));
}

Result<std::vector<std::string>> TreeReader::bundle(std::uint64_t number) const {
  const std::uint64_t first = number * audit::kTileWidth;
  if (number > checkpoint_.size / audit::kTileWidth || first >= checkpoint_.size)
    return fail(Errc::InvalidArgument, "no such bundle in the published tree");
  const FolderTiles tiles(*files_, folder_);
  const auto width = static_cast<unsigned>(std::min(audit::kTileWidth, checkpoint_.size - first));
  BZ_TRY(const Bytes bytes, tiles.read({std::nullopt, number, width}));
  auto entries = audit::decode_entries(bytes, width);
  if (!entries) entries = audit::decode_entries(bytes, audit::kTileWidth);  // the full one stood in
  if (!entries) return tl::unexpected(entries.error());
  const audit::TileHashes hashes(tiles, checkpoint_.size);
  std::vector<std::string> out;
  out.reserve(width);
  for (unsigned i = 0; i < width; ++i) {
    BZ_TRY(const auto leaf, hashes.subtree(0, first + i));
    if (audit::leaf_hash((*entries)[i]) != leaf)
      return fail(Errc::Malformed, "a record is not the one whose hash is in the tree");
    out.emplace_back(as_chars((*entries)[i]));
  }
  return out;
}

Result<audit::RecordProof> TreeReader::prove(std::uint64_t index) const {
  const FolderTiles tiles(*files_, folder_);
  const audit::TileHashes hashes(tiles, checkpoint_.size);
  BZ_TRY(auto proof, audit::prove_inclusion(index, checkpoint_.size, hashes));
  return audit::RecordProof{index, std::move(proof), note_};
}

Result<audit::Proof> TreeReader::prove_growth(std::uint64_t old_size) const {
  const FolderTiles tiles(*files_, folder_);
  return audit::prove_consistency(old_size, checkpoint_.size, audit::TileHashes(tiles, checkpoint_.size));
}

}  // namespace bartizan::auditlog
