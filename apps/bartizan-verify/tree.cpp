#include "tree.hpp"

#include <algorithm>
#include <bit>

namespace verify {
namespace {

constexpr std::uint64_t kWidth = 256;
constexpr unsigned kLevels = 8;

std::string tile_path(const std::string& level, std::uint64_t index, std::uint64_t width) {
  std::string groups;
  for (bool last = true; last || index > 0; last = false, index /= 1000) {
    const std::string digits = std::to_string(index % 1000);
    groups = (last ? "/" : "/x") + std::string(3 - digits.size(), '0') + digits + groups;
  }
  return "tile/" + level + groups + (width == kWidth ? "" : ".p/" + std::to_string(width));
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
  const auto bytes = read_tile(folder, std::to_string(level), index, width);
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
    const std::size_t length =
        std::size_t{static_cast<unsigned char>(bundle[0])} << 8 | static_cast<unsigned char>(bundle[1]);
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

  std::vector<Finding> run() {
    known_ = check_.known.begin();
    compare_known();
    for (std::uint64_t tile = 0; tile * kWidth < size_; ++tile) {
      if (!leaves(tile)) return findings_;
    }
    upper_tiles();
    if (frontier_.root() != check_.checkpoint.root)
      add(size_ - size_ % kWidth,
          "the tree does not lead to the checkpoint's root; where no other finding says more, the "
          "change is at or after this index, or all of it is another tree");
    for (; known_ != check_.known.end(); ++known_)
      add(size_, known_->second.second + " has " + std::to_string(known_->first) + " records, this checkpoint only " +
                     std::to_string(size_) + ": the tail was dropped, or an older copy put back");
    return findings_;
  }

 private:
  void add(std::optional<std::uint64_t> index, std::string what) {
    if (findings_.size() < 100) findings_.push_back({check_.checkpoint.origin, index, std::move(what)});
  }

  /// One level-0 tile and its records. False when there is nothing to go on with.
  bool leaves(std::uint64_t tile) {
    const std::uint64_t start = tile * kWidth;
    const std::uint64_t width = std::min(kWidth, size_ - start);
    const auto hashes = read_hashes(check_.folder, 0, tile, width);
    const auto bundle = read_tile(check_.folder, "entries", tile, width);
    if (hashes && !bundle && start + kWidth <= check_.pruned) {
      for (const auto& hash : *hashes) {
        frontier_.append(hash);
        compare_known();
      }
      return true;
    }
    if (!hashes || !bundle) {
      add(start, std::string(!hashes ? "the tile of hashes" : "the bundle of records") +
                     " from this index on is missing or has the wrong length");
      return false;
    }
    const auto entries = split_entries(*bundle, width);
    for (std::uint64_t i = 0; i < width; ++i) {
      const Hash& hash = (*hashes)[i];
      if (!entries || leaf_hash((*entries)[i]) != hash)
        add(start + i, entries ? "the record is not the one whose hash is in the tree"
                               : "the bundle of records from this index on is damaged");
      else if (check_.entry)
        check_.entry(start + i, (*entries)[i]);
      if (!entries) break;
      frontier_.append(hash);
      compare_known();
    }
    return entries.has_value();
  }

  /// Once for each size that somebody knows a root of.
  void compare_known() {
    for (; known_ != check_.known.end() && known_->first == frontier_.size(); ++known_)
      if (known_->second.first != frontier_.root())
        add(frontier_.size() == 0 ? 0 : frontier_.size() - 1,
            known_->second.second + " has another root for the first " + std::to_string(frontier_.size()) +
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
        if (!above || !below)
          add(i << (8 * level),
              "a tile of hashes over the records from this index on is missing or has the wrong length");
        else if ((*above)[i % kWidth] != root_of(*below))
          add(i << (8 * level), "the hashes of the " + std::to_string(std::uint64_t{1} << (8 * level)) +
                                    " records from this index on are not those that the tree was built from");
      }
    }
  }

  const TreeCheck& check_;
  const std::uint64_t size_;
  Frontier frontier_;
  std::multimap<std::uint64_t, std::pair<Hash, std::string>>::const_iterator known_;
  std::vector<Finding> findings_;
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

std::vector<Finding> check_tree(const TreeCheck& check) { return Checker(check).run(); }

std::optional<Hash> root_at(const std::string& folder, std::uint64_t size) {
  Frontier frontier;
  for (std::uint64_t start = 0; start < size; start += kWidth) {
    const auto hashes = read_hashes(folder, 0, start / kWidth, std::min(kWidth, size - start));
    if (!hashes) return std::nullopt;
    for (const auto& hash : *hashes) frontier.append(hash);
  }
  return frontier.root();
}

/// RFC 9162 section 2.1.3.2.
bool verify_inclusion(const Hash& leaf, std::uint64_t index, std::uint64_t size, const Hash& root,
                      const std::vector<Hash>& proof) {
  if (index >= size) return false;
  std::uint64_t fn = index;
  std::uint64_t sn = size - 1;
  Hash r = leaf;
  for (const auto& p : proof) {
    if (sn == 0) return false;
    if ((fn & 1) != 0 || fn == sn) {
      r = node_hash(p, r);
      for (; (fn & 1) == 0 && fn != 0; sn >>= 1) fn >>= 1;
    } else {
      r = node_hash(r, p);
    }
    fn >>= 1;
    sn >>= 1;
  }
  return sn == 0 && r == root;
}

/// RFC 9162 section 2.1.4.2.
bool verify_consistency(std::uint64_t old_size, const Hash& old_root, std::uint64_t new_size, const Hash& new_root,
                        const std::vector<Hash>& proof) {
  if (old_size > new_size) return false;
  if (old_size == new_size) return proof.empty() && old_root == new_root;
  if (old_size == 0) return proof.empty() && old_root == sha256({});
  std::vector<Hash> path = proof;
  if (std::has_single_bit(old_size)) path.insert(path.begin(), old_root);
  if (path.empty()) return false;
  std::uint64_t fn = old_size - 1;
  std::uint64_t sn = new_size - 1;
  for (; (fn & 1) != 0; sn >>= 1) fn >>= 1;
  Hash fr = path.front();
  Hash sr = fr;
  for (std::size_t i = 1; i < path.size(); ++i) {
    if (sn == 0) return false;
    if ((fn & 1) != 0 || fn == sn) {
      fr = node_hash(path[i], fr);
      sr = node_hash(path[i], sr);
      for (; (fn & 1) == 0 && fn != 0; sn >>= 1) fn >>= 1;
    } else {
      sr = node_hash(sr, path[i]);
    }
    fn >>= 1;
    sn >>= 1;
  }
  return sn == 0 && fr == old_root && sr == new_root;
}

}  // namespace verify
