// Inclusion and consistency proofs of RFC 6962 section 2.1: made from stored subtree hashes,
// verified from hashes alone (the algorithms of RFC 9162 sections 2.1.3.2 and 2.1.4.2). Proofs
// come from strangers: every length is checked against what the sizes demand, exactly.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "bartizan/audit/merkle.hpp"

namespace bartizan::audit {

using Proof = std::vector<Hash>;

/// The longest that any proof can be: one hash a level, and one more for consistency.
inline constexpr std::size_t kMaxProofHashes = 64;

/// InvalidArgument unless index < size.
[[nodiscard]] Result<Proof> prove_inclusion(std::uint64_t index, std::uint64_t size, const SubtreeHashes& hashes);
/// InvalidArgument unless old_size <= new_size. Empty when old_size is 0 or equal to new_size.
[[nodiscard]] Result<Proof> prove_consistency(std::uint64_t old_size, std::uint64_t new_size,
                                              const SubtreeHashes& hashes);

/// True when leaf stands at index in the tree of that size and root.
[[nodiscard]] bool verify_inclusion(const Hash& leaf, std::uint64_t index, std::uint64_t size, const Hash& root,
                                    std::span<const Hash> proof);
/// True when the tree of old_size and old_root is the beginning of the newer one. A size of 0 is
/// consistent with everything, given the empty root and an empty proof.
[[nodiscard]] bool verify_consistency(std::uint64_t old_size, const Hash& old_root, std::uint64_t new_size,
                                      const Hash& new_root, std::span<const Hash> proof);

}  // namespace bartizan::audit
