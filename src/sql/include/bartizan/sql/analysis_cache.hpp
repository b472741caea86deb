// A hot statement costs a digest and a look-up; only new ones are parsed. Bounded in bytes,
// least recently used go first. Keyed by digest alone: an Analysis holds nothing that a folded
// literal could change. A text that could not be wholly parsed is kept under the digest of its
// exact bytes instead, since why it could not (length, a bad escape) may lie in a literal.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <string_view>
#include <unordered_map>

#include "bartizan/sql/analyser.hpp"
#include "bartizan/sql/analysis.hpp"
#include "bartizan/sql/digest.hpp"

namespace bartizan::sql {

/// One per io thread; not thread-safe, though the analyses that it hands out are.
class AnalysisCache {
 public:
  struct Counters {
    std::uint64_t hits = 0;
    std::uint64_t misses = 0;
    std::uint64_t evictions = 0;
  };

  AnalysisCache(const DigestKey& key, std::size_t max_bytes) : key_(key), max_bytes_(max_bytes) {}
  AnalysisCache(const AnalysisCache&) = delete;
  AnalysisCache& operator=(const AnalysisCache&) = delete;

  struct Found {
    std::shared_ptr<const Analysis> analysis;  ///< never null
    Digest digest;                             ///< the folded one, for logs and metrics
  };
  /// The cached analysis, or a new one that is then cached. A hit allocates nothing.
  [[nodiscard]] Found analyse(std::string_view text, const AnalyseOptions& options);

  [[nodiscard]] const Counters& counters() const noexcept { return counters_; }
  [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }
  [[nodiscard]] std::size_t size() const noexcept { return index_.size(); }

 private:
  struct Entry {
    Digest key;
    std::shared_ptr<const Analysis> analysis;
    std::size_t bytes;
  };
  using Order = std::list<Entry>;  ///< most recently used first

  std::shared_ptr<const Analysis> find(const Digest& key);
  void insert(const Digest& key, std::shared_ptr<const Analysis> analysis);

  DigestKey key_;
  std::size_t max_bytes_;
  std::size_t bytes_ = 0;
  Order order_;
  std::unordered_map<Digest, Order::iterator> index_;
  Counters counters_;
};

}  // namespace bartizan::sql
