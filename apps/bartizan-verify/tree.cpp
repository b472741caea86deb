#include <algorithm>
#include <bit>

#include "verify.hpp"

namespace verify {
namespace {

constexpr std::uint64_t kWidth = 256;
constexpr unsigned kLevels = 8;

std::string tile_path(const std::string& level, std::uint64_t index, std::uint64_t width) {
  std::string groups;
  for (bool last = true; last || index > 0; last = false, index /= 1000) {
    const std::string digits = text(index % 1000);
    groups = (last ? "/" : "/x") + std::string(3 - digits.size(), '0') + digits + groups;
  }
  return "tile/" + level + groups + (width == kWidth ? "" : ".p/" + text(width));
}

/// A partial tile, or the full one that replaced it, or the compressed bundle that replaced that.
std::optional<std::string> read_tile(const std::string& folder, const std::string& level, std::uint64_t index,
                                     std::uint64_t width) {
  auto bytes = read_file(folder + "/" + tile_path(level, index, width));
  if (!bytes && width != kWidth) bytes = read_file(folder + "/" + tile_path(level, index, kWidth));
  if (bytes || level != "entries") return bytes;
  const auto frame = read_file(folder + "/" + tile_path(level, index, kWidth) + ".zst");
  return frame ? decompressed(*frame).value_or("") : bytes;
}

std::optional<std::vector<Hash>> read_hashes(const std::string& folder, unsigned level, std::uint64_t index,
                                             std::uint64_t width) {
  const auto bytes = read_tile(folder, text(level), index, width);
  if (!bytes || (bytes->size() != width * 32 && bytes->size() != kWidth * 32)) return std::nullopt;
  std::vector<Hash> out(width);
  for (std::size_t i = 0; i < width; ++i)
    std::copy_n(reinterpret_cast<const unsigned char*>(bytes->data()) + 32 * i, 32, out[i].begin());
  return out;
}

std::optional<std::vector<std::string_view>> split_entries(std::string_view bundle, std::uint64_t width) {
  std::vector<std::string_view> out;
  while (out.size() < width) {
    if (bundle.size() < 2) return std::nullopt;
    const std::size_t length = static_cast<unsigned char>(bundle[0]) * 256u + static_cast<unsigned char>(bundle[1]);
    if (bundle.size() - 2 < length) return std::nullopt;
    out.push_back(bundle.substr(2, length));
    bundle.remove_prefix(2 + length);
  }
  return out;
}

/// RFC 6962's root of some hashes.
Hash root_of(const std::vector<Hash>& hashes) {
  Frontier frontier;
  for (const auto& hash : hashes) frontier.append(hash);
  return frontier.root();
}

class Checker {
 public:
  explicit Checker(const TreeCheck& check) : check_(check), size_(check.checkpoint.size) {}

  void run() {
    known_ = check_.known.begin();
    compare_known();
    for (std::uint64_t tile = 0; tile * kWidth < size_; ++tile)
      if (!leaves(tile)) return;
    upper_tiles();
    if (frontier_.root() != check_.checkpoint.root)
      add(size_ - size_ % kWidth,
          "the tree does not lead to the checkpoint's root: if nothing else was found, the change "
          "is at or after this index, or all of it is another tree");
    for (; known_ != check_.known.end(); ++known_)
      add(size_, known_->second.second + " has " + text(known_->first) + " records, this checkpoint only " +
                     text(size_) + ": the tail was dropped, or an older copy put back");
  }

 private:
  void add(std::optional<std::uint64_t> index, const std::string& what) {
    if (findings_++ < 100) check_.finding(check_.checkpoint.origin, index, what);
  }

  /// One level-0 tile and its records. False when there is nothing to go on with.
  bool leaves(std::uint64_t tile) {
    const std::uint64_t start = tile * kWidth;
    const std::uint64_t width = std::min(kWidth, size_ - start);
    const auto hashes = read_hashes(check_.folder, 0, tile, width);
    const auto bundle = read_tile(check_.folder, "entries", tile, width);
    const bool pruned = !bundle && start + kWidth <= check_.pruned;
    const auto entries = bundle ? split_entries(*bundle, width) : std::nullopt;
    if (!hashes || (!entries && !pruned)) {
      add(start, std::string(!hashes ? "the tile of hashes" : "the bundle of records") + " from this index on is " +
                     (hashes && bundle ? "damaged" : "missing or has the wrong length"));
      return false;
    }
    for (std::uint64_t i = 0; i < width; ++i) {
      if (!pruned && leaf_hash((*entries)[i]) != (*hashes)[i])
        add(start + i, "the record is not the one whose hash is in the tree");
      else if (!pruned && check_.entry)
        check_.entry(start + i, (*entries)[i]);
      frontier_.append((*hashes)[i]);
      compare_known();
    }
    return true;
  }

  /// Once for each size that somebody knows a root of.
  void compare_known() {
    for (; known_ != check_.known.end() && known_->first == frontier_.size(); ++known_)
      if (known_->second.first != frontier_.root())
        add(frontier_.size() == 0 ? 0 : frontier_.size() - 1,
            known_->second.second + " has another root for the first " + text(frontier_.size()) +
                " records: the log was rewritten or forked at or before this index");
  }

  /// Each hash of the levels above is that of a full tile below. Where they disagree is where a change is.
  void upper_tiles() {
    for (unsigned level = 1; level < kLevels; ++level) {
      const std::uint64_t hashes = size_ >> (8 * level);
      std::optional<std::vector<Hash>> above;
      for (std::uint64_t i = 0; i < hashes; ++i) {
        if (i % kWidth == 0) above = read_hashes(check_.folder, level, i / kWidth, std::min(kWidth, hashes - i));
        const auto below = read_hashes(check_.folder, level - 1, i, kWidth);
        const bool there = above && below;
        if (!there || (*above)[i % kWidth] != root_of(*below))
          add(i << (8 * level), std::string("a tile of hashes over the records from this index on is ") +
                                    (there ? "not what the tree was built from" : "missing or has the wrong length"));
      }
    }
  }

  const TreeCheck& check_;
  const std::uint64_t size_;
  Frontier frontier_;
  std::multimap<std::uint64_t, std::pair<Hash, std::string>>::const_iterator known_;
  unsigned findings_ = 0;
};

}  // namespace

void Frontier::append(Hash leaf) {
  for (std::uint64_t bits = size_; (bits & 1) != 0; bits >>= 1) {
    leaf = node_hash(peaks_.back(), leaf);
    peaks_.pop_back();
  }
  peaks_.push_back(leaf);
  ++size_;
}

Hash Frontier::root() const {
  if (peaks_.empty()) return sha256({});
  Hash out = peaks_.back();
  for (std::size_t i = peaks_.size() - 1; i-- > 0;) out = node_hash(peaks_[i], out);
  return out;
}

void check_tree(const TreeCheck& check) { Checker(check).run(); }

std::optional<Hash> root_at(const std::string& folder, std::uint64_t size) {
  Frontier frontier;
  for (std::uint64_t start = 0; start < size; start += kWidth) {
    const auto hashes = read_hashes(folder, 0, start / kWidth, std::min(kWidth, size - start));
    if (!hashes) return std::nullopt;
    for (const auto& hash : *hashes) frontier.append(hash);
  }
  return frontier.root();
}

namespace {

using Hashes = std::vector<Hash>;  ///< of a proof; its last one is of the largest subtree, next to the root

/// RFC 6962 section 2.1.1: the root of n leaves that the proof leads to from one of them.
std::optional<Hash> climb(const Hash& leaf, std::uint64_t index, std::uint64_t n, Hashes& proof) {
  if (n == 1) return proof.empty() ? std::optional(leaf) : std::nullopt;
  if (proof.empty()) return std::nullopt;
  const Hash beside = proof.back();
  proof.pop_back();
  const std::uint64_t k = std::bit_floor(n - 1);
  const auto root = index < k ? climb(leaf, index, k, proof) : climb(leaf, index - k, n - k, proof);
  if (!root) return std::nullopt;
  return index < k ? node_hash(*root, beside) : node_hash(beside, *root);
}

/// RFC 6962 section 2.1.2: the roots of the first m of n leaves and of all, where left is that of the first m while
/// the subtree still begins with the first leaf.
std::optional<std::pair<Hash, Hash>> grow(std::uint64_t m, std::uint64_t n, const Hash* left, Hashes& proof) {
  if (m == n && left != nullptr) return proof.empty() ? std::optional(std::pair(*left, *left)) : std::nullopt;
  if (proof.empty() || (m == n && proof.size() != 1)) return std::nullopt;
  const Hash beside = proof.back();
  proof.pop_back();
  if (m == n) return std::pair(beside, beside);
  const std::uint64_t k = std::bit_floor(n - 1);
  const auto roots = m <= k ? grow(m, k, left, proof) : grow(m - k, n - k, nullptr, proof);
  if (!roots) return std::nullopt;
  return m <= k ? std::pair(roots->first, node_hash(roots->second, beside))
                : std::pair(node_hash(beside, roots->first), node_hash(beside, roots->second));
}

}  // namespace

bool verify_inclusion(const Hash& leaf, std::uint64_t index, std::uint64_t size, const Hash& root, Hashes proof) {
  return index < size && climb(leaf, index, size, proof) == root;
}

bool verify_consistency(std::uint64_t old_size, const Hash& old_root, std::uint64_t new_size, const Hash& new_root,
                        Hashes proof) {
  if (old_size > new_size) return false;
  if (old_size == 0) return proof.empty() && old_root == sha256({});
  return grow(old_size, new_size, &old_root, proof) == std::pair(old_root, new_root);
}

}  // namespace verify
