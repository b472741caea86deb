// Rewritten texts: a hot statement of a consumer costs a hash and a look-up. Bounded in bytes,
// least recently used go first. Keyed by the exact bytes, the class, its version and the settings
// by which the text is read; by no tenant, identity or expiry.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "bartizan/session/consumer_text.hpp"

namespace bartizan::session {

/// One per io thread; not thread-safe, though the texts that it hands out are.
class RewriteCache {
 public:
  struct Counters {
    std::uint64_t hits = 0;
    std::uint64_t misses = 0;
  };

  RewriteCache(const sql::DigestKey& key, std::size_t max_bytes) : key_(key), max_bytes_(max_bytes) {}
  RewriteCache(const RewriteCache&) = delete;
  RewriteCache& operator=(const RewriteCache&) = delete;

  /// Never null; one whose text is refused says so.
  [[nodiscard]] std::shared_ptr<const ConsumerText> get(std::string_view text, const ConsumerReading& reading);

  [[nodiscard]] const Counters& counters() const noexcept { return counters_; }
  [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }

 private:
  struct Entry {
    sql::Digest key;
    std::shared_ptr<const ConsumerText> text;
    std::size_t bytes;
  };
  using Order = std::list<Entry>;

  sql::DigestKey key_;
  std::size_t max_bytes_;
  std::size_t bytes_ = 0;
  Order order_;
  std::unordered_map<sql::Digest, Order::iterator> index_;
  std::string composed_;
  Counters counters_;
};

}  // namespace bartizan::session
