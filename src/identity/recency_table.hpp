// A bounded map from hashed keys to "how often, and when last"; the entry longest untouched
// goes first when it is full. Private to the sign-in throttle.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <list>
#include <unordered_map>

#include "bartizan/base/clock.hpp"
#include "bartizan/crypto/hash.hpp"

namespace bartizan::identity {

/// Not thread-safe. Keys are results of a keyed hash, so they need no hashing of their own and
/// nobody can choose colliding ones. Invariant: at most max_entries entries, newest at the back.
class RecencyTable {
 public:
  using Key = crypto::Digest256;
  struct Entry {
    Key key{};
    std::uint32_t count = 0;
    SteadyTime last;
  };

  /// REQUIRES: max_entries >= 1.
  explicit RecencyTable(std::size_t max_entries) : max_entries_(max_entries) {}

  [[nodiscard]] const Entry* find(const Key& key) const {
    const auto found = index_.find(key);
    return found == index_.end() ? nullptr : &*found->second;
  }

  /// The entry, now the newest; made with count 0 if need be. Its count and time are the caller's.
  Entry& touch(const Key& key) {
    if (const auto found = index_.find(key); found != index_.end()) {
      order_.splice(order_.end(), order_, found->second);
      return order_.back();
    }
    if (order_.size() >= max_entries_) {
      index_.erase(order_.front().key);
      order_.pop_front();
    }
    order_.push_back(Entry{key, 0, {}});
    index_.emplace(key, std::prev(order_.end()));
    return order_.back();
  }

  void erase(const Key& key) {
    const auto found = index_.find(key);
    if (found == index_.end()) return;
    order_.erase(found->second);
    index_.erase(found);
  }

  [[nodiscard]] std::size_t size() const noexcept { return order_.size(); }

 private:
  struct FirstWord {
    std::size_t operator()(const Key& key) const noexcept {
      std::size_t word = 0;
      std::memcpy(&word, key.data(), sizeof word);
      return word;
    }
  };

  std::size_t max_entries_;
  std::list<Entry> order_;
  std::unordered_map<Key, std::list<Entry>::iterator, FirstWord> index_;
};

}  // namespace bartizan::identity
