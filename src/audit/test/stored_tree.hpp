// A tree in memory that keeps the hash of every complete subtree, for the tests.
#pragma once

#include <map>
#include <utility>

#include "bartizan/audit/merkle.hpp"

namespace bartizan::audit {

class StoredTree final : public SubtreeHashes {
 public:
  void append(ByteView entry) {
    frontier_.append(leaf_hash(entry),
                     [this](unsigned level, std::uint64_t index, const Hash& hash) { hashes_[{level, index}] = hash; });
  }
  [[nodiscard]] Result<Hash> subtree(unsigned level, std::uint64_t index) const override {
    const auto found = hashes_.find({level, index});
    if (found == hashes_.end()) return fail(Errc::NotFound, "no such subtree");
    return found->second;
  }
  [[nodiscard]] std::uint64_t size() const { return frontier_.size(); }
  [[nodiscard]] Hash root() const { return frontier_.root(); }

 private:
  Frontier frontier_;
  std::map<std::pair<unsigned, std::uint64_t>, Hash> hashes_;
};

inline StoredTree tree_of(std::uint64_t size) {
  StoredTree tree;
  for (std::uint64_t i = 0; i < size; ++i) tree.append(as_bytes("entry " + std::to_string(i)));
  return tree;
}

}  // namespace bartizan::audit
