// The Merkle tree of RFC 6962 section 2.1 over SHA-256: leaf and node hashes, the right edge of a
// growing tree, and the root of any size from stored subtree hashes. A leaf's hash starts with
// 0x00, a node's with 0x01, so that neither passes for the other.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "bartizan/base/bytes.hpp"
#include "bartizan/base/result.hpp"
#include "bartizan/crypto/hash.hpp"

namespace bartizan::audit {

using Hash = crypto::Digest256;

[[nodiscard]] Hash leaf_hash(ByteView entry);
[[nodiscard]] Hash node_hash(const Hash& left, const Hash& right);
/// The root of the tree without leaves: SHA-256 of nothing.
[[nodiscard]] Hash empty_root();

/// Hashes of complete subtrees of a stored tree: that of the leaves [index * 2^level, (index+1) * 2^level).
/// An implementation answers NotFound for what it does not hold.
class SubtreeHashes {
 public:
  virtual ~SubtreeHashes() = default;
  [[nodiscard]] virtual Result<Hash> subtree(unsigned level, std::uint64_t index) const = 0;
};

/// The complete subtrees, left to right, that a tree of this size is made of.
struct Subtree {
  unsigned level = 0;
  std::uint64_t index = 0;
};
[[nodiscard]] std::vector<Subtree> complete_subtrees(std::uint64_t size);
[[nodiscard]] Result<Hash> root_of(std::uint64_t size, const SubtreeHashes& hashes);

/// The right edge of a growing tree: enough to append and to say the root, nothing more.
/// Not thread-safe. Invariant: peaks_ holds one hash a set bit of size_, the largest first.
class Frontier {
 public:
  Frontier() = default;
  /// REQUIRES: peaks are the hashes of complete_subtrees(size), in that order.
  Frontier(std::uint64_t size, std::vector<Hash> peaks);

  /// Told of every complete subtree that an append finishes, the leaf itself (level 0) first.
  using Completed = std::function<void(unsigned level, std::uint64_t index, const Hash& hash)>;
  void append(const Hash& leaf, const Completed& completed = {});

  [[nodiscard]] std::uint64_t size() const noexcept { return size_; }
  [[nodiscard]] Hash root() const;

 private:
  std::uint64_t size_ = 0;
  std::vector<Hash> peaks_;
};

}  // namespace bartizan::audit
