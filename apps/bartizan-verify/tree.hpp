// A tree of tiles in a folder, checked from its checkpoint's root down to every record.
#pragma once

#include <functional>
#include <map>

#include "checkpoint.hpp"

namespace verify {

/// Where and what was found wrong.
struct Finding {
  std::string tree;
  std::optional<std::uint64_t> index;  ///< of the record, or of the first that can't be vouched for
  std::string what;
};

/// The right edge of a tree that grows: says the root at each size.
class Frontier {
 public:
  void append(Hash leaf);
  Hash root() const;
  std::uint64_t size() const { return size_; }

 private:
  std::uint64_t size_ = 0;
  std::vector<Hash> peaks_;
};

struct TreeCheck {
  std::string folder;
  Checkpoint checkpoint;
  /// Roots that others say this tree had, by size: saved checkpoints, and those in the system tree.
  std::multimap<std::uint64_t, std::pair<Hash, std::string>> known;
  std::function<void(std::uint64_t index, std::string_view entry)> entry;
  std::uint64_t pruned = 0;  ///< below it records may be missing: the log has signed that it removed them
};
/// Reads everything; findings hold all that is wrong, empty when nothing is.
std::vector<Finding> check_tree(const TreeCheck& check);

bool verify_inclusion(const Hash& leaf, std::uint64_t index, std::uint64_t size, const Hash& root,
                      const std::vector<Hash>& proof);
bool verify_consistency(std::uint64_t old_size, const Hash& old_root, std::uint64_t new_size, const Hash& new_root,
                        const std::vector<Hash>& proof);

/// The first size up to which the tree in folder has the root, read from leaf hashes alone.
std::optional<Hash> root_at(const std::string& folder, std::uint64_t size);

}  // namespace verify
