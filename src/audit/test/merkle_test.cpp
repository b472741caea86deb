#include "bartizan/audit/merkle.hpp"

#include <doctest/doctest.h>

#include <fstream>
#include <sstream>

#include "bartizan/audit/proof.hpp"
#include "bartizan/audit/tile.hpp"
#include "stored_tree.hpp"

namespace bartizan::audit {
namespace {

std::string hex(const Hash& hash) { return hex_encode(hash); }

TEST_CASE("roots of the Certificate Transparency project's test tree") {
  // The eight leaves and roots of google/certificate-transparency's merkletree tests.
  const char* leaves[] = {
      "", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"};
  const char* roots[] = {"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
                         "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
                         "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
                         "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
                         "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
                         "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
                         "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
                         "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"};
  Frontier frontier;
  CHECK(hex(frontier.root()) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  for (std::size_t i = 0; i < 8; ++i) {
    frontier.append(leaf_hash(hex_decode(leaves[i]).value()));
    CHECK(hex(frontier.root()) == roots[i]);
  }
}

TEST_CASE("roots and proofs agree with the RFC's definitions computed in Python") {
  std::ifstream in(std::string(BZ_TEST_DATA) + "/merkle.txt");
  unsigned rows = 0;
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with('#')) continue;
    std::istringstream row(line);
    std::uint64_t size = 0;
    std::string root;
    std::string inclusion;
    std::string consistency;
    row >> size >> root >> inclusion >> consistency;
    const StoredTree tree = tree_of(size);
    CHECK(hex(tree.root()) == root);
    CHECK(hex(root_of(size, tree).value()) == root);
    Bytes all;
    const auto add = [&all](const Result<Proof>& proof) {
      for (const Hash& hash : proof.value()) append_hash(all, hash);
    };
    for (std::uint64_t i = 0; i < size; ++i) add(prove_inclusion(i, size, tree));
    CHECK(hex(crypto::sha256(all)) == inclusion);
    all.clear();
    for (std::uint64_t m = 0; m <= size; ++m) add(prove_consistency(m, size, tree));
    CHECK(hex(crypto::sha256(all)) == consistency);
    ++rows;
  }
  CHECK(rows == 78);
}

TEST_CASE("every inclusion proof of every size verifies, and nothing near it does") {
  const StoredTree tree = tree_of(300);
  for (const std::uint64_t size : {1u, 2u, 3u, 4u, 5u, 7u, 8u, 9u, 31u, 64u, 100u, 255u, 256u, 257u, 300u}) {
    const Hash root = root_of(size, tree).value();
    for (std::uint64_t index = 0; index < size; ++index) {
      const Hash leaf = tree.subtree(0, index).value();
      Proof proof = prove_inclusion(index, size, tree).value();
      REQUIRE(verify_inclusion(leaf, index, size, root, proof));
      REQUIRE_FALSE(verify_inclusion(leaf, index ^ 1, size, root, proof));
      REQUIRE_FALSE(verify_inclusion(leaf, index + size, size, root, proof));
      Hash other = root;
      other[31] ^= std::byte{1};
      REQUIRE_FALSE(verify_inclusion(leaf, index, size, other, proof));
      other = leaf;
      other[0] ^= std::byte{128};
      REQUIRE_FALSE(verify_inclusion(other, index, size, root, proof));
      for (auto& hash : proof) {
        hash[7] ^= std::byte{4};
        REQUIRE_FALSE(verify_inclusion(leaf, index, size, root, proof));
        hash[7] ^= std::byte{4};
      }
      proof.push_back(leaf);
      REQUIRE_FALSE(verify_inclusion(leaf, index, size, root, proof));
      proof.pop_back();
      if (proof.empty()) continue;
      proof.pop_back();
      REQUIRE_FALSE(verify_inclusion(leaf, index, size, root, proof));
    }
  }
}

TEST_CASE("every consistency proof verifies, and no other tree passes for the older one") {
  const StoredTree tree = tree_of(140);
  for (std::uint64_t size = 0; size <= 140; ++size) {
    const Hash root = root_of(size, tree).value();
    for (std::uint64_t old = 0; old <= size; ++old) {
      const Hash old_root = root_of(old, tree).value();
      Proof proof = prove_consistency(old, size, tree).value();
      REQUIRE(verify_consistency(old, old_root, size, root, proof));
      Hash other = old_root;
      other[3] ^= std::byte{1};
      REQUIRE_FALSE(verify_consistency(old, other, size, root, proof));
      other = root;
      other[3] ^= std::byte{1};
      REQUIRE(verify_consistency(old, old_root, size, other, proof) == (old == 0 && size != 0));
      for (auto& hash : proof) {
        hash[9] ^= std::byte{1};
        REQUIRE_FALSE(verify_consistency(old, old_root, size, root, proof));
        hash[9] ^= std::byte{1};
      }
      proof.push_back(root);
      REQUIRE_FALSE(verify_consistency(old, old_root, size, root, proof));
      proof.pop_back();
      if (!proof.empty()) {
        proof.pop_back();
        REQUIRE_FALSE(verify_consistency(old, old_root, size, root, proof));
      }
    }
    CHECK_FALSE(prove_consistency(size + 1, size, tree));
    CHECK_FALSE(prove_inclusion(size, size, tree));
  }
}

TEST_CASE("a frontier continues from its peaks") {
  const StoredTree tree = tree_of(100);
  for (std::uint64_t size = 0; size < 100; ++size) {
    std::vector<Hash> peaks;
    for (const auto& [level, index] : complete_subtrees(size)) peaks.push_back(tree.subtree(level, index).value());
    Frontier frontier(size, peaks);
    CHECK(frontier.root() == root_of(size, tree).value());
    for (std::uint64_t i = size; i < 100; ++i) frontier.append(tree.subtree(0, i).value());
    CHECK(frontier.root() == tree.root());
  }
}

TEST_CASE("sizes near 2^64 neither overflow nor pass") {
  const Hash hash = leaf_hash({});
  const Proof proof(64, hash);
  const std::uint64_t most = ~std::uint64_t{0};
  CHECK_FALSE(verify_inclusion(hash, most - 1, most, hash, proof));
  CHECK_FALSE(verify_inclusion(hash, most, most, hash, proof));
  CHECK_FALSE(verify_consistency(most - 1, hash, most, hash, proof));
  CHECK(complete_subtrees(most).size() == 64);
}

}  // namespace
}  // namespace bartizan::audit
