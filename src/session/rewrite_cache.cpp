#include "bartizan/session/rewrite_cache.hpp"

#include <utility>

namespace bartizan::session {

namespace {

/// In eight bytes, so that what is put together can be taken apart in one way only.
void append_number(std::string& out, std::uint64_t number) {
  for (int shift = 0; shift < 64; shift += 8) out.push_back(static_cast<char>((number >> shift) & 0xff));
}

void append_counted(std::string& out, std::string_view text) {
  append_number(out, text.size());
  out.append(text);
}

}  // namespace

std::shared_ptr<const ConsumerText> RewriteCache::get(std::string_view text, const ConsumerReading& reading) {
  composed_.clear();
  const policy::WallClass& wall_class = *reading.wall_class;
  // Classes of two depots may have the same content.
  const auto& depot = wall_class.depot.get().octets;
  composed_.append(reinterpret_cast<const char*>(depot.data()), depot.size());
  append_number(composed_, wall_class.version.id.get());
  append_number(composed_, wall_class.version.version);
  append_number(composed_, reading.lex.standard_conforming_strings ? 1 : 0);
  append_number(composed_, reading.search_path->size());
  for (const auto& schema : *reading.search_path) append_counted(composed_, schema);
  composed_.append(text);
  const auto key = sql::exact_digest(composed_, {}, key_);
  if (const auto found = index_.find(key); found != index_.end()) {
    ++counters_.hits;
    order_.splice(order_.begin(), order_, found->second);
    return found->second->text;
  }
  ++counters_.misses;
  auto made = make_consumer_text(text, reading);
  made.digest = sql::digest(text, reading.lex, key_).digest;
  const auto shared = std::make_shared<const ConsumerText>(std::move(made));
  const std::size_t bytes = sizeof(Entry) + shared->bytes();
  order_.push_front({key, shared, bytes});
  index_.emplace(key, order_.begin());
  bytes_ += bytes;
  while (bytes_ > max_bytes_ && !order_.empty()) {
    bytes_ -= order_.back().bytes;
    index_.erase(order_.back().key);
    order_.pop_back();
  }
  return shared;
}

}  // namespace bartizan::session
