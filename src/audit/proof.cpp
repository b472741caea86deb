#include "bartizan/audit/proof.hpp"

#include <bit>

namespace bartizan::audit {
namespace {

/// The root of the leaves [start, start + count), where start is a multiple of every complete
/// subtree's width in it; that holds for each range that RFC 6962 splits off.
Result<Hash> range_hash(std::uint64_t start, std::uint64_t count, const SubtreeHashes& hashes) {
  auto subtrees = complete_subtrees(count);
  BZ_ASSERT(!subtrees.empty());
  for (auto& subtree : subtrees) subtree.index += start >> subtree.level;
  BZ_TRY(Hash root, hashes.subtree(subtrees.back().level, subtrees.back().index));
  for (std::size_t i = subtrees.size() - 1; i-- > 0;) {
    BZ_TRY(const Hash left, hashes.subtree(subtrees[i].level, subtrees[i].index));
    root = node_hash(left, root);
  }
  return root;
}

struct Range {
  std::uint64_t start;
  std::uint64_t count;
};

/// The ranges whose hashes are the proof, from the root downwards.
Result<Proof> hash_upwards(const std::vector<Range>& ranges, const SubtreeHashes& hashes) {
  Proof proof;
  proof.reserve(ranges.size());
  for (std::size_t i = ranges.size(); i-- > 0;) {
    BZ_TRY(const Hash hash, range_hash(ranges[i].start, ranges[i].count, hashes));
    proof.push_back(hash);
  }
  return proof;
}

/// The largest power of two smaller than count. REQUIRES: count > 1.
std::uint64_t split_point(std::uint64_t count) { return std::bit_floor(count - 1); }

}  // namespace

Result<Proof> prove_inclusion(std::uint64_t index, std::uint64_t size, const SubtreeHashes& hashes) {
  if (index >= size) return fail(Errc::InvalidArgument, "no such index in a tree of that size");
  std::vector<Range> siblings;
  Range range{0, size};
  while (range.count > 1) {
    const std::uint64_t k = split_point(range.count);
    const Range left{range.start, k};
    const Range right{range.start + k, range.count - k};
    const bool goes_left = index < right.start;
    siblings.push_back(goes_left ? right : left);
    range = goes_left ? left : right;
  }
  return hash_upwards(siblings, hashes);
}

Result<Proof> prove_consistency(std::uint64_t old_size, std::uint64_t new_size, const SubtreeHashes& hashes) {
  if (old_size > new_size) return fail(Errc::InvalidArgument, "the older tree is larger than the newer one");
  if (old_size == 0 || old_size == new_size) return Proof{};
  std::vector<Range> ranges;
  Range range{0, new_size};
  std::uint64_t old_count = old_size;
  bool whole = true;  // the verifier knows the hash of this part: it is the older root
  while (old_count != range.count) {
    const std::uint64_t k = split_point(range.count);
    const Range left{range.start, k};
    const Range right{range.start + k, range.count - k};
    if (old_count <= k) {
      ranges.push_back(right);
      range = left;
    } else {
      ranges.push_back(left);
      range = right;
      old_count -= k;
      whole = false;
    }
  }
  if (!whole) ranges.push_back(range);
  return hash_upwards(ranges, hashes);
}

bool verify_inclusion(const Hash& leaf, std::uint64_t index, std::uint64_t size, const Hash& root,
                      std::span<const Hash> proof) {
  if (index >= size) return false;
  std::uint64_t fn = index;
  std::uint64_t sn = size - 1;
  Hash hash = leaf;
  for (const Hash& sibling : proof) {
    if (sn == 0) return false;
    if ((fn & 1) != 0 || fn == sn) {
      hash = node_hash(sibling, hash);
      while ((fn & 1) == 0 && fn != 0) {
        fn >>= 1;
        sn >>= 1;
      }
    } else {
      hash = node_hash(hash, sibling);
    }
    fn >>= 1;
    sn >>= 1;
  }
  return sn == 0 && hash == root;
}

bool verify_consistency(std::uint64_t old_size, const Hash& old_root, std::uint64_t new_size, const Hash& new_root,
                        std::span<const Hash> proof) {
  if (old_size > new_size) return false;
  if (old_size == new_size) return proof.empty() && old_root == new_root;
  if (old_size == 0) return proof.empty() && old_root == empty_root();
  // An older tree that is one complete subtree is not in the proof: its root stands for it.
  const bool complete = std::has_single_bit(old_size);
  if (!complete && proof.empty()) return false;
  std::uint64_t fn = old_size - 1;
  std::uint64_t sn = new_size - 1;
  while ((fn & 1) != 0) {
    fn >>= 1;
    sn >>= 1;
  }
  Hash old_hash = complete ? old_root : proof.front();
  Hash new_hash = old_hash;
  for (const Hash& step : complete ? proof : proof.subspan(1)) {
    if (sn == 0) return false;
    if ((fn & 1) != 0 || fn == sn) {
      old_hash = node_hash(step, old_hash);
      new_hash = node_hash(step, new_hash);
      while ((fn & 1) == 0 && fn != 0) {
        fn >>= 1;
        sn >>= 1;
      }
    } else {
      new_hash = node_hash(new_hash, step);
    }
    fn >>= 1;
    sn >>= 1;
  }
  return sn == 0 && old_hash == old_root && new_hash == new_root;
}

}  // namespace bartizan::audit
