#include "bartizan/audit/merkle.hpp"

#include <bit>
#include <utility>

namespace bartizan::audit {
namespace {

constexpr std::byte kLeafPrefix[1] = {std::byte{0}};
constexpr std::byte kNodePrefix[1] = {std::byte{1}};

}  // namespace

Hash leaf_hash(ByteView entry) { return crypto::sha256_concat({kLeafPrefix, entry}); }

Hash node_hash(const Hash& left, const Hash& right) { return crypto::sha256_concat({kNodePrefix, left, right}); }

Hash empty_root() { return crypto::sha256({}); }

std::vector<Subtree> complete_subtrees(std::uint64_t size) {
  std::vector<Subtree> out;
  std::uint64_t start = 0;
  for (std::uint64_t rest = size; rest != 0;) {
    const auto level = static_cast<unsigned>(std::bit_width(rest) - 1);
    out.push_back({level, start >> level});
    start += std::uint64_t{1} << level;
    rest -= std::uint64_t{1} << level;
  }
  return out;
}

Result<Hash> root_of(std::uint64_t size, const SubtreeHashes& hashes) {
  const auto subtrees = complete_subtrees(size);
  if (subtrees.empty()) return empty_root();
  BZ_TRY(Hash root, hashes.subtree(subtrees.back().level, subtrees.back().index));
  for (std::size_t i = subtrees.size() - 1; i-- > 0;) {
    BZ_TRY(const Hash left, hashes.subtree(subtrees[i].level, subtrees[i].index));
    root = node_hash(left, root);
  }
  return root;
}

Frontier::Frontier(std::uint64_t size, std::vector<Hash> peaks) : size_(size), peaks_(std::move(peaks)) {
  BZ_ASSERT(peaks_.size() == static_cast<std::size_t>(std::popcount(size_)));
}

void Frontier::append(const Hash& leaf, const Completed& completed) {
  peaks_.push_back(leaf);
  if (completed) completed(0, size_, leaf);
  ++size_;
  // Every trailing zero bit of the new size is a pair of equal subtrees that became one.
  for (unsigned level = 1; level <= static_cast<unsigned>(std::countr_zero(size_)); ++level) {
    const Hash right = peaks_.back();
    peaks_.pop_back();
    peaks_.back() = node_hash(peaks_.back(), right);
    if (completed) completed(level, (size_ >> level) - 1, peaks_.back());
  }
}

Hash Frontier::root() const {
  if (peaks_.empty()) return empty_root();
  Hash root = peaks_.back();
  for (std::size_t i = peaks_.size() - 1; i-- > 0;) root = node_hash(peaks_[i], root);
  return root;
}

}  // namespace bartizan::audit
