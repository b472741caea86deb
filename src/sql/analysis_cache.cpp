#include "bartizan/sql/analysis_cache.hpp"

#include <utility>

namespace bartizan::sql {

namespace {
// An entry's list node, index node and shared_ptr block, about.
constexpr std::size_t kOverheadBytes = 192;
}  // namespace

AnalysisCache::Found AnalysisCache::analyse(std::string_view text, const AnalyseOptions& options) {
  const DigestResult folded = digest(text, options.lex, key_);
  if (auto found = find(folded.digest)) return {std::move(found), folded.digest};
  const Digest exact = exact_digest(text, options.lex, key_);
  if (auto found = find(exact)) return {std::move(found), folded.digest};
  ++counters_.misses;
  auto analysis = std::make_shared<const Analysis>(sql::analyse(text, options));
  insert(analysis->parsed() ? folded.digest : exact, analysis);
  return {std::move(analysis), folded.digest};
}

std::shared_ptr<const Analysis> AnalysisCache::find(const Digest& key) {
  const auto found = index_.find(key);
  if (found == index_.end()) return nullptr;
  order_.splice(order_.begin(), order_, found->second);
  ++counters_.hits;
  return found->second->analysis;
}

void AnalysisCache::insert(const Digest& key, std::shared_ptr<const Analysis> analysis) {
  const std::size_t bytes = analysis->bytes() + kOverheadBytes;
  if (bytes > max_bytes_) return;
  while (bytes_ + bytes > max_bytes_) {
    bytes_ -= order_.back().bytes;
    index_.erase(order_.back().key);
    order_.pop_back();
    ++counters_.evictions;
  }
  order_.push_front({key, std::move(analysis), bytes});
  index_.emplace(key, order_.begin());
  bytes_ += bytes;
}

}  // namespace bartizan::sql
