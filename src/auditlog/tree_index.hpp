// The index of one tree: segments in files, of three sizes, and the newest leaves in memory. Derived from
// the entry bundles alone; whatever of it is gone or damaged is made again.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "index_segment.hpp"

namespace bartizan::auditlog {

struct IndexFound {
  std::vector<std::uint64_t> leaves;  ///< falling
  std::uint64_t searched_from = 0;    ///< from here up to where the search was to begin nothing else is found
};

/// One thread adds; any may search meanwhile. Invariant: the segments join without gap from leaf 0 on, and the
/// builder follows the last one.
class TreeIndex {
 public:
  /// Takes over what the folder holds, as far as it joins. Removes the rest.
  [[nodiscard]] static std::unique_ptr<TreeIndex> open(FileLayer& files, std::string directory);
  TreeIndex(const TreeIndex&) = delete;
  TreeIndex& operator=(const TreeIndex&) = delete;

  /// Leaves that a search sees.
  [[nodiscard]] std::uint64_t covered() const;
  /// The last leaf in a file and its hash; nullopt when no file holds any.
  [[nodiscard]] std::optional<std::pair<std::uint64_t, audit::Hash>> last_sealed() const;
  /// The leaf covered(). An error is one of the disk: the leaf is not added and may be handed in again.
  [[nodiscard]] Result<void> add(ByteView entry);
  /// The leaf covered(), whose record was pruned.
  [[nodiscard]] Result<void> add_pruned(const audit::Hash& leaf);
  /// Forgets the leaves from there on, for they are damaged or another tree's.
  void drop_from(std::uint64_t leaf);
  /// So that it is made again from there on.
  void mark_damaged(std::uint64_t leaf) const;
  /// Where a search met damage; drop_from() that.
  [[nodiscard]] std::optional<std::uint64_t> damaged() const;

  /// The newest `most` leaves below end that the query finds. Malformed: damage, remembered for damaged().
  [[nodiscard]] Result<IndexFound> find(const IndexQuery& query, std::uint64_t end, std::size_t most,
                                        std::chrono::steady_clock::time_point until) const;

 private:
  struct Segment {
    IndexSegmentInfo info;
    std::string path;
  };
  struct Parts {
    std::vector<Segment> segments;
    std::shared_ptr<const Bytes> open;  ///< the builder's; null when it is empty
  };
  TreeIndex(FileLayer& files, std::string directory) : files_(files), directory_(std::move(directory)) {}
  /// terms null: no record.
  [[nodiscard]] Result<void> add_leaf(const audit::RecordTerms* terms, const std::function<audit::Hash()>& hash);
  void load();
  [[nodiscard]] Result<void> merge_last();
  [[nodiscard]] Result<Segment> write(ByteView bytes);
  [[nodiscard]] Result<Segment> open_segment(const std::string& path) const;
  void remove_files(std::span<const std::string> paths);
  [[nodiscard]] Parts parts() const;
  [[nodiscard]] bool holds(const std::string& path) const;
  [[nodiscard]] Result<IndexFound> find_in(const Parts& parts, const IndexQuery& query, std::uint64_t end,
                                           std::size_t most, std::chrono::steady_clock::time_point until) const;

  FileLayer& files_;
  const std::string directory_;
  std::vector<std::string> obsolete_;  ///< merged; searches may still read them until the next sealing
  audit::RecordTerms terms_;           ///< the adding thread's, for its memory
  bool folder_made_ = false;           ///< likewise

  mutable std::mutex mutex_;
  std::vector<Segment> segments_;                    // guarded by mutex_
  std::unique_ptr<IndexBuilder> builder_ = std::make_unique<IndexBuilder>(0);  // guarded by mutex_
  mutable std::shared_ptr<const Bytes> open_;        // guarded by mutex_; the builder encoded, until it grows
  mutable std::optional<std::uint64_t> damaged_;     // guarded by mutex_
};

}  // namespace bartizan::auditlog
