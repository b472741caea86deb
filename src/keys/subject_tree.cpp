#include "bartizan/keys/subject_tree.hpp"

#include <algorithm>
#include <array>

#include "bartizan/crypto/hash.hpp"
#include "bartizan/crypto/hmac_key.hpp"

namespace bartizan::keys {
namespace {

constexpr std::string_view kStep = "bartizan/v1/subject-tree";
constexpr std::string_view kCell = "bartizan/v1/subject";
constexpr std::size_t kIdBytes = 8;

using Seed = std::array<std::byte, kKeyBytes>;

/// Of the way from the top to a leaf, the turn at this depth: 0 or 1.
std::byte turn(std::uint64_t leaf, std::size_t depth) noexcept {
  return static_cast<std::byte>((leaf >> (kSubjectLevels - 1 - depth)) & 1);
}

void store_be64(std::uint64_t value, std::byte* at) noexcept {
  store_be32(at, static_cast<std::uint32_t>(value >> 32));
  store_be32(at + 4, static_cast<std::uint32_t>(value));
}

std::uint64_t load_be64(const std::byte* at) noexcept { return std::uint64_t{load_be32(at)} << 32 | load_be32(at + 4); }

/// From a node down the way to a leaf, as far as another depth.
void descend(Seed& seed, std::uint64_t leaf, std::size_t from, std::size_t to) {
  for (std::size_t depth = from; depth < to; ++depth) {
    const std::array bit = {turn(leaf, depth)};
    seed = crypto::HmacSha256Key(seed).mac({as_bytes(kStep), bit});
  }
}

}  // namespace

std::string to_string(SubjectId id) {
  std::array<std::byte, kIdBytes> bytes{};
  store_be64(id.get(), bytes.data());
  return hex_encode(bytes);
}

std::optional<SubjectId> parse_subject_id(std::string_view text) noexcept {
  const auto bytes = hex_decode(text);
  if (!bytes || bytes->size() != kIdBytes) return std::nullopt;
  return SubjectId(load_be64(bytes->data()));
}

SubjectTree SubjectTree::generate(Random& random) {
  SubjectTree tree;
  tree.naming_ = generate_root_secret(random);
  tree.seeds_ = generate_root_secret(random);
  tree.nodes_ = {Node{}};
  return tree;
}

/// The fewest subtrees that hold every leaf below top but these.
void SubjectTree::cover(std::span<const SubjectId> without, Node top, std::vector<Node>& out) {
  if (without.empty()) {
    out.push_back(top);
    return;
  }
  if (top.depth == kSubjectLevels) return;
  const std::uint64_t half = std::uint64_t{1} << (kSubjectLevels - 1 - top.depth);
  const Node right{top.first + half, top.depth + 1};
  const auto border = std::ranges::lower_bound(without, SubjectId(right.first));
  cover({without.begin(), border}, {top.first, top.depth + 1}, out);
  cover({border, without.end()}, right, out);
}

const SubjectTree::Node* SubjectTree::above(std::uint64_t leaf) const noexcept {
  const auto after = std::ranges::upper_bound(nodes_, leaf, {}, &Node::first);
  if (after == nodes_.begin()) return nullptr;
  const Node& node = *std::prev(after);
  const bool covers = node.depth == 0 || ((leaf ^ node.first) >> (kSubjectLevels - node.depth)) == 0;
  return covers ? &node : nullptr;
}

ByteView SubjectTree::seed_of(const Node& node) const {
  return seeds_.reveal().subspan(static_cast<std::size_t>(&node - nodes_.data()) * kKeyBytes, kKeyBytes);
}

Result<SubjectTree> SubjectTree::decode(ByteView contents) {
  const auto broken = [] { return fail(Errc::Malformed, "the tree of subjects is not well-formed"); };
  constexpr std::size_t kFixed = kKeyBytes + 4;
  if (contents.size() < kFixed) return broken();
  const std::size_t count = load_be32(contents.data() + kKeyBytes);
  if (count > kMaxDestroyedSubjects || contents.size() < kFixed + count * kIdBytes) return broken();
  SubjectTree tree;
  tree.naming_ = SecretBytes(contents.first(kKeyBytes));
  for (std::size_t i = 0; i < count; ++i)
    tree.destroyed_.emplace_back(load_be64(contents.data() + kFixed + i * kIdBytes));
  for (std::size_t i = 1; i < count; ++i)
    if (tree.destroyed_[i - 1] >= tree.destroyed_[i]) return broken();
  cover(tree.destroyed_, {}, tree.nodes_);
  const auto seeds = contents.subspan(kFixed + count * kIdBytes);
  if (seeds.size() != tree.nodes_.size() * kKeyBytes) return broken();
  tree.seeds_ = SecretBytes(seeds);
  return tree;
}

SecretBytes SubjectTree::encode() const {
  SecretBytes out(kKeyBytes + 4 + destroyed_.size() * kIdBytes + seeds_.size());
  auto at = std::ranges::copy(naming_.reveal(), out.reveal_mutable().begin()).out;
  store_be32(&*at, static_cast<std::uint32_t>(destroyed_.size()));
  at += 4;
  for (const auto id : destroyed_) {
    store_be64(id.get(), &*at);
    at += kIdBytes;
  }
  std::ranges::copy(seeds_.reveal(), at);
  return out;
}

SubjectId SubjectTree::id_of(ByteView row_digest) const {
  auto digest = crypto::HmacSha256Key(naming_.reveal()).mac({row_digest});
  const SubjectId id(load_be64(digest.data()));
  secure_wipe(digest.data(), digest.size());
  return id;
}

std::optional<SecretBytes> SubjectTree::leaf(SubjectId id) const {
  const Node* const node = above(id.get());
  if (node == nullptr) return std::nullopt;
  Seed seed{};
  std::ranges::copy(seed_of(*node), seed.begin());
  descend(seed, id.get(), node->depth, kSubjectLevels);
  SecretBytes out{ByteView(seed)};
  secure_wipe(seed.data(), seed.size());
  return out;
}

bool SubjectTree::is_destroyed(SubjectId id) const noexcept { return above(id.get()) == nullptr; }

Result<SubjectTree> SubjectTree::puncture(std::span<const SubjectId> ids) const {
  SubjectTree next;
  next.naming_ = naming_.clone();
  next.destroyed_ = destroyed_;
  next.destroyed_.insert(next.destroyed_.end(), ids.begin(), ids.end());
  std::ranges::sort(next.destroyed_);
  const auto same = std::ranges::unique(next.destroyed_);
  next.destroyed_.erase(same.begin(), same.end());
  if (next.destroyed_.size() > kMaxDestroyedSubjects)
    return fail(Errc::ResourceExhausted, "too many data subjects of this owner were destroyed");
  cover(next.destroyed_, {}, next.nodes_);
  next.seeds_ = SecretBytes(next.nodes_.size() * kKeyBytes);
  auto at = next.seeds_.reveal_mutable().begin();
  for (const Node& node : next.nodes_) {
    const Node* const from = above(node.first);
    // Its leaves are among ours: what is covered now was covered before, by a subtree at least as large.
    BZ_ASSERT(from != nullptr && from->depth <= node.depth);
    Seed seed{};
    std::ranges::copy(seed_of(*from), seed.begin());
    descend(seed, node.first, from->depth, node.depth);
    at = std::ranges::copy(seed, at).out;
    secure_wipe(seed.data(), seed.size());
  }
  return next;
}

SecretBytes subject_cell_key(const ColumnKeys& keys, const Uuid& column, SubjectId id, const SecretBytes& leaf) {
  std::array<std::byte, kCell.size() + 1 + 4 + 16 + kIdBytes> info{};
  auto at = std::ranges::copy(as_bytes(kCell), info.begin()).out + 1;
  store_be32(&*at, keys.id.get());
  at += 4;
  for (const auto octet : column.octets) *at++ = std::byte{octet};
  store_be64(id.get(), &*at);
  auto ours = crypto::HmacSha256Key(keys.data.reveal()).mac({info});
  auto theirs = crypto::HmacSha256Key(leaf.reveal()).mac({info});
  SecretBytes out(kKeyBytes);
  std::ranges::transform(ours, theirs, out.reveal_mutable().begin(), [](std::byte a, std::byte b) { return a ^ b; });
  secure_wipe(ours.data(), ours.size());
  secure_wipe(theirs.data(), theirs.size());
  return out;
}

}  // namespace bartizan::keys
