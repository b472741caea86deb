// One key for each data subject of an owner, none of them stored: the leaves of a binary tree of pseudo-random
// functions (Goldreich, Goldwasser, Micali 1986) of 64 levels. Destroying a subject punctures the tree (Boneh,
// Waters 2013): the nodes on its leaf's path are forgotten, and the nodes beside the path are kept instead, so that
// every other leaf can still be computed and this one never again. docs/formats/subject-tree.md.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "bartizan/base/bytes.hpp"
#include "bartizan/base/clock.hpp"
#include "bartizan/base/result.hpp"
#include "bartizan/base/secret.hpp"
#include "bartizan/keys/derivation.hpp"
#include "bartizan/keys/owner.hpp"

namespace bartizan::keys {

/// Which leaf: 64 bits of a keyed hash of the subject's value, so that it tells nothing of that without the tree.
using SubjectId = Strong<struct SubjectIdTag, std::uint64_t>;
/// As 16 hexadecimal digits: certificates and the control database have it so.
[[nodiscard]] std::string to_string(SubjectId id);
[[nodiscard]] std::optional<SubjectId> parse_subject_id(std::string_view text) noexcept;

inline constexpr std::size_t kSubjectLevels = 64;
/// Each costs at most 64 nodes of 32 bytes.
inline constexpr std::size_t kMaxDestroyedSubjects = 16'384;

/// A value: puncturing gives a new one. Holds keys, wiped at its end. Move-only; const use is thread-safe.
class SubjectTree {
 public:
  [[nodiscard]] static SubjectTree generate(Random& random);
  /// From encode(). Malformed.
  [[nodiscard]] static Result<SubjectTree> decode(ByteView contents);
  [[nodiscard]] SecretBytes encode() const;

  /// The subject whose value has this row digest (docs/formats/cell.md). The same for the tree's life.
  [[nodiscard]] SubjectId id_of(ByteView row_digest) const;
  /// 32 bytes. nullopt: the subject was destroyed, and there is no way to them.
  [[nodiscard]] std::optional<SecretBytes> leaf(SubjectId id) const;
  [[nodiscard]] bool is_destroyed(SubjectId id) const noexcept;
  [[nodiscard]] std::span<const SubjectId> destroyed() const noexcept { return destroyed_; }  ///< ascending

  /// Without these leaves; those that are gone already may be among them. ResourceExhausted over
  /// kMaxDestroyedSubjects.
  [[nodiscard]] Result<SubjectTree> puncture(std::span<const SubjectId> ids) const;

 private:
  /// A subtree all of whose leaves can be computed: its first leaf, and how far below the top it is.
  struct Node {
    std::uint64_t first = 0;
    std::size_t depth = 0;
  };
  SubjectTree() = default;
  [[nodiscard]] const Node* above(std::uint64_t leaf) const noexcept;
  [[nodiscard]] ByteView seed_of(const Node& node) const;
  static void cover(std::span<const SubjectId> without, Node top, std::vector<Node>& out);

  SecretBytes naming_;  ///< 32 bytes
  std::vector<SubjectId> destroyed_;
  std::vector<Node> nodes_;  ///< ascending; what destroyed_ leaves, in as few as can be
  SecretBytes seeds_;        ///< 32 bytes for each node
};

/// A cell's key: of its column's key under one version and of its subject's leaf. Unpredictable to whoever lacks either
/// one (each goes through a pseudo-random function of its own, and the results are added).
[[nodiscard]] SecretBytes subject_cell_key(const ColumnKeys& keys, const Uuid& column, SubjectId id,
                                           const SecretBytes& leaf);

/// The tree as it is stored, sealed under a root of Subjects.
[[nodiscard]] Result<Bytes> seal_subject_tree(const SubjectTree& tree, const KeyringRoot& root, Random& random);
/// Malformed, or Crypto: another root, another owner, or changed.
[[nodiscard]] Result<SubjectTree> open_subject_tree(ByteView record, const KeyringRoot& root);
/// Which version it is sealed under. Malformed: no record, or another owner's.
[[nodiscard]] Result<KeyId> key_of_subject_tree(ByteView record, const KeyringOwner& owner);

}  // namespace bartizan::keys
