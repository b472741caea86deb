// Taking old records out of a tree while every proof of the others holds: their entry bundles go, their
// hashes stay, and a statement signed by the log says from which index on records are kept
// (docs/formats/audit-log.md, "Retention").
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "bartizan/audit/note.hpp"
#include "bartizan/auditlog/file_layer.hpp"
#include "bartizan/base/clock.hpp"

namespace bartizan::auditlog {

/// No record is younger than this when it is pruned, whatever anybody configures.
inline constexpr std::chrono::days kRetentionFloor{365};
inline constexpr std::string_view kPrunedFile = "pruned";

/// folder: the tree's. 0 when nothing was ever pruned. Crypto: a statement that this key did not sign; it counts
/// for nothing, and whoever reads it should say so.
[[nodiscard]] Result<std::uint64_t> pruned_below(FileLayer& files, const std::string& folder,
                                                 const audit::NoteVerifier& tree_key);

/// The largest index, of whole bundles, below which every record began before `before`; from what was pruned
/// already on. size: of the published tree.
[[nodiscard]] Result<std::uint64_t> prunable_below(FileLayer& files, const std::string& folder,
                                                   const audit::NoteVerifier& tree_key, std::uint64_t size,
                                                   WallTime before);

/// Publishes the statement, durably, then removes the bundles. After an error the same call goes on.
/// REQUIRES: minimum is a multiple of 256 that is not below what was pruned; tree_signer's name is the tree's origin.
[[nodiscard]] Result<void> prune_tree(FileLayer& files, const std::string& folder, const audit::NoteSigner& tree_signer,
                                      std::uint64_t minimum, WallTime now);

}  // namespace bartizan::auditlog
