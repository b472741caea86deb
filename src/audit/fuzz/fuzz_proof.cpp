// Proofs from anywhere against a real tree: a proof that is not the one the tree gives never verifies.
#include <cstdint>
#include <cstring>

#include "../test/stored_tree.hpp"
#include "bartizan/audit/proof.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace bartizan;
  static const audit::StoredTree tree = audit::tree_of(64);
  if (size < 3) return 0;
  const std::uint64_t newer = 1 + data[0] % 64;
  const std::uint64_t older = data[1] % (newer + 1);
  const std::uint64_t index = data[2] % newer;
  audit::Proof proof;
  for (std::size_t at = 3; at < size && proof.size() < 70; ++at) {
    // A byte picks a hash of the tree, so that near misses are made often.
    const unsigned level = data[at] % 7;
    const auto hash = tree.subtree(level, (data[at] / 7) % (64u >> level));
    proof.push_back(hash.value());
  }
  const auto root = audit::root_of(newer, tree).value();
  const auto leaf = tree.subtree(0, index).value();
  if (audit::verify_inclusion(leaf, index, newer, root, proof))
    BZ_ASSERT(proof == audit::prove_inclusion(index, newer, tree).value());
  if (audit::verify_consistency(older, audit::root_of(older, tree).value(), newer, root, proof))
    BZ_ASSERT(proof == audit::prove_consistency(older, newer, tree).value());
  return 0;
}
