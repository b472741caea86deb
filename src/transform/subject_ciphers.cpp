#include "subject_ciphers.hpp"

#include <algorithm>

namespace bartizan::transform {

bool SubjectCiphers::is_destroyed(const RowDigest& row) const {
  return !tree_->destroyed().empty() && tree_->is_destroyed(tree_->id_of(row));
}

crypto::Xaes256Gcm& SubjectCiphers::cipher(keys::KeyId key, const RowDigest& row) {
  const Of of{key, row};
  if (const auto found = known_.find(of); found != known_.end()) {
    order_.splice(order_.begin(), order_, found->second);
    return found->second->cipher;
  }
  const auto id = tree_->id_of(row);
  const auto leaf = tree_->leaf(id);
  const auto keys = std::ranges::find(keys_, key, &keys::ColumnKeys::id);
  BZ_ASSERT(leaf.has_value() && keys != keys_.end());
  auto made = crypto::Xaes256Gcm::from_key(keys::subject_cell_key(*keys, column_, id, *leaf).reveal());
  BZ_ASSERT(made.has_value());
  if (order_.size() >= kMost) {
    known_.erase(order_.back().of);
    order_.pop_back();
  }
  order_.push_front({of, std::move(*made)});
  known_.emplace(of, order_.begin());
  return order_.front().cipher;
}

}  // namespace bartizan::transform
