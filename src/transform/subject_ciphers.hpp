// The ciphers of the subjects that a column's cells were last of: making one takes 64 steps down the owner's tree.
#pragma once

#include <cstdint>
#include <cstring>
#include <list>
#include <memory>
#include <unordered_map>
#include <vector>

#include "bartizan/crypto/xaes_256_gcm.hpp"
#include "bartizan/keys/subject_tree.hpp"
#include "bartizan/transform/cell.hpp"

namespace bartizan::transform {

/// Not thread-safe. Holds keys, and no more ciphers than kMost: the one that was not used for longest goes, wiped.
class SubjectCiphers {
 public:
  static constexpr std::size_t kMost = 1024;

  SubjectCiphers(const Uuid& column, std::shared_ptr<const keys::SubjectTree> tree, std::vector<keys::ColumnKeys> keys)
      : column_(column), tree_(std::move(tree)), keys_(std::move(keys)) {}

  [[nodiscard]] const keys::SubjectTree& tree() const noexcept { return *tree_; }
  /// Of the subject with this row digest.
  [[nodiscard]] bool is_destroyed(const RowDigest& row) const;
  /// REQUIRES: key is one of the keys, and the subject is not destroyed. Valid until the next call.
  [[nodiscard]] crypto::Xaes256Gcm& cipher(keys::KeyId key, const RowDigest& row);

 private:
  struct Of {
    keys::KeyId key;
    RowDigest row;
    friend bool operator==(const Of&, const Of&) = default;
  };
  struct Hash {
    std::size_t operator()(const Of& of) const noexcept {
      std::size_t out = 0;  // a part of a SHA-256
      std::memcpy(&out, of.row.data(), sizeof(out));
      return out ^ of.key.get();
    }
  };
  struct Entry {
    Of of;
    crypto::Xaes256Gcm cipher;
  };

  Uuid column_;
  std::shared_ptr<const keys::SubjectTree> tree_;
  std::vector<keys::ColumnKeys> keys_;
  std::list<Entry> order_;  ///< the last used first
  std::unordered_map<Of, std::list<Entry>::iterator, Hash> known_;
};

}  // namespace bartizan::transform
