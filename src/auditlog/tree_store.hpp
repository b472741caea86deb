// One Merkle tree in a folder: entry bundles, tiles and the checkpoint, laid out as C2SP tlog-tiles
// wants to serve them. Appends stay in memory until write_tiles(); a checkpoint is published only
// after that, and after the state that says how far the tree goes.
#pragma once

#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "bartizan/audit/checkpoint.hpp"
#include "bartizan/audit/merkle.hpp"
#include "bartizan/audit/tile.hpp"
#include "bartizan/auditlog/file_layer.hpp"
#include "bartizan/auditlog/tree_reader.hpp"
#include "tree_signer.hpp"

namespace bartizan::auditlog {

/// Tiles in a folder; a full tile answers for a partial one that is no longer there, a compressed bundle for a plain one.
class FolderTiles final : public audit::TileSource {
 public:
  FolderTiles(FileLayer& files, std::string directory) : files_(files), directory_(std::move(directory)) {}
  [[nodiscard]] Result<Bytes> read(const audit::TileName& name) const override;

 private:
  FileLayer& files_;
  const std::string directory_;
};

/// One thread. Invariant: what was published is never rewritten with other bytes.
class TreeStore {
 public:
  /// signer's name is the tree's origin. Malformed when the folder does not hold a sound tree of that
  /// size, or a checkpoint that goes beyond it.
  [[nodiscard]] static Result<std::unique_ptr<TreeStore>> open(FileLayer& files, std::string directory,
                                                               TreeSigner signer, std::uint64_t size);
  /// A tree without leaves; touches no file.
  [[nodiscard]] static std::unique_ptr<TreeStore> fresh(FileLayer& files, std::string directory, TreeSigner signer);
  TreeStore(const TreeStore&) = delete;
  TreeStore& operator=(const TreeStore&) = delete;

  /// REQUIRES: at most audit::kMaxEntryBytes.
  void append(ByteView entry);
  [[nodiscard]] std::uint64_t size() const noexcept { return frontier_.size(); }
  /// Leaves without a published checkpoint over them, or one that a key which signs now has not signed.
  [[nodiscard]] bool dirty() const noexcept { return published_ != size() || sign_again_; }
  /// From now on: what is published is signed again in the next round.
  void use(TreeSigner signer) {
    signer_ = std::move(signer);
    sign_again_ = published_ > 0;
  }
  [[nodiscard]] std::uint64_t published() const noexcept { return published_; }
  [[nodiscard]] std::size_t waiting_bytes() const noexcept { return waiting_bytes_; }

  /// All tiles and bundles of the present size, durable when it succeeds.
  [[nodiscard]] Result<void> write_tiles();
  /// The signed note for the present size.
  [[nodiscard]] std::string checkpoint() const;
  /// REQUIRES: write_tiles() succeeded and nothing was appended since.
  [[nodiscard]] Result<void> publish(const std::string& checkpoint);

 private:
  struct WaitingFile {
    audit::TileName name;
    Bytes bytes;
  };
  TreeStore(FileLayer& files, std::string directory, TreeSigner signer);
  [[nodiscard]] Result<void> load(std::uint64_t size);
  [[nodiscard]] Result<void> check_published();
  [[nodiscard]] Result<void> renew_pruned();
  void completed(unsigned level, std::uint64_t index, const audit::Hash& hash);
  /// The partial bundle and tiles of the present size.
  [[nodiscard]] std::vector<audit::TileName> edge_names() const;
  [[nodiscard]] Result<void> write(const audit::TileName& name, ByteView bytes, std::set<std::string>& folders);
  void remove_partial(const audit::TileName& full);

  FileLayer& files_;
  const std::string directory_;
  TreeSigner signer_;
  audit::Frontier frontier_;
  std::vector<Bytes> edge_;  ///< the unfinished tile of each level
  Bytes bundle_;  ///< the unfinished entry bundle
  std::vector<WaitingFile> waiting_;  ///< finished, not yet written
  std::vector<audit::TileName> edge_written_;  ///< never written again: a checkpoint may rest on them
  std::vector<audit::TileName> full_;  ///< written, whose partial forms can go
  std::set<std::string> made_folders_;
  std::size_t waiting_bytes_ = 0;
  std::uint64_t published_ = 0;
  bool sign_again_ = false;
};

}  // namespace bartizan::auditlog
