// One tree of a log, read at its newest published checkpoint while the log goes on: entries, proofs
// and the checkpoint, for search results, exports and `bartizan audit prove`. Reads files alone.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "bartizan/audit/checkpoint.hpp"
#include "bartizan/audit/proof.hpp"
#include "bartizan/auditlog/file_layer.hpp"

namespace bartizan::auditlog {

/// A value of one moment: open again to see more. Not thread-safe.
class TreeReader {
 public:
  /// key: the log's, under any name. tree: as in the folder, "system" or tree_name(tenant).
  [[nodiscard]] static Result<TreeReader> open(const std::string& directory, const std::string& origin,
                                               const std::string& tree, const audit::NoteVerifier& key,
                                               FileLayer& files = system_files());

  [[nodiscard]] const audit::Checkpoint& checkpoint() const noexcept { return checkpoint_; }
  [[nodiscard]] const std::string& signed_checkpoint() const noexcept { return note_; }
  /// The record's exact bytes, checked against the tree. InvalidArgument beyond its size.
  [[nodiscard]] Result<std::string> entry(std::uint64_t index) const;
  /// All records of a bundle, from 0 on, checked likewise; the last one may be partial.
  [[nodiscard]] Result<std::vector<std::string>> bundle(std::uint64_t number) const;
  [[nodiscard]] Result<audit::RecordProof> prove(std::uint64_t index) const;
  /// That this checkpoint grew from the tree of that size.
  [[nodiscard]] Result<audit::Proof> prove_growth(std::uint64_t old_size) const;

 private:
  TreeReader(FileLayer& files, std::string folder, audit::Checkpoint checkpoint, std::string note)
      : files_(&files), folder_(std::move(folder)), checkpoint_(std::move(checkpoint)), note_(std::move(note)) {}
  FileLayer* files_;
  std::string folder_;
  audit::Checkpoint checkpoint_;
  std::string note_;
};

/// The name of a tenant's tree: its folder, and its origin's last part. Letters, digits, '-' and '_'
/// stand for themselves, other bytes as %XX; what gets too long for a folder is a SHA-256 in hex.
[[nodiscard]] std::string tree_name(std::string_view tenant);
inline constexpr std::string_view kSystemTree = "system";

}  // namespace bartizan::auditlog
