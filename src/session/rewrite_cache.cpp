#include "bartizan/session/rewrite_cache.hpp"

#include <algorithm>
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

enum class Domain : std::uint8_t { Text = 1, Template = 2 };

/// All that is said of two texts save the server's texts.
bool same_facts(const ConsumerText& a, const ConsumerText& b) {
  const auto same_statement = [](const ConsumerStatement& one, const ConsumerStatement& other) {
    return one.needs_context == other.needs_context && one.drops_context == other.drops_context && !one.setting &&
           !other.setting && one.audit == other.audit;
  };
  const auto same_analysis = [](const sql::Statement& one, const sql::Statement& other) {
    return one.kind == other.kind && one.effect == other.effect && one.pin == other.pin && one.name == other.name &&
           one.command_tag == other.command_tag && one.transaction_control == other.transaction_control &&
           one.chain == other.chain;
  };
  return !a.refusal && !b.refusal && a.needs_context == b.needs_context && a.drops_context == b.drops_context &&
         a.has_setting == b.has_setting && a.plain_parameters == b.plain_parameters &&
         std::ranges::equal(a.statements, b.statements, same_statement) &&
         std::ranges::equal(a.analysis.statements, b.analysis.statements, same_analysis);
}

}  // namespace

void RewriteCache::compose(const ConsumerReading& reading) {
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
}

RewriteCache::Entry* RewriteCache::find(const sql::Digest& key) {
  const auto found = index_.find(key);
  if (found == index_.end()) return nullptr;
  order_.splice(order_.begin(), order_, found->second);
  return &*found->second;
}

void RewriteCache::insert(Entry entry) {
  if (const auto old = index_.find(entry.key); old != index_.end()) {
    bytes_ -= old->second->bytes;
    order_.erase(old->second);
    index_.erase(old);
  }
  bytes_ += entry.bytes;
  const auto key = entry.key;
  order_.push_front(std::move(entry));
  index_.emplace(key, order_.begin());
  while (bytes_ > max_bytes_ && !order_.empty()) {
    bytes_ -= order_.back().bytes;
    index_.erase(order_.back().key);
    order_.pop_back();
  }
}

std::shared_ptr<const ConsumerText> RewriteCache::get(std::string_view text, const ConsumerReading& reading) {
  compose(reading);
  const std::size_t prefix = composed_.size();
  composed_.push_back(static_cast<char>(Domain::Text));
  composed_.append(text);
  const auto key = sql::exact_digest(composed_, {}, key_);
  if (const Entry* known = find(key)) {
    ++counters_.hits;
    return known->text;
  }
  literals_.clear();
  const auto digested = sql::digest(text, reading.lex, key_, literals_);
  // What has no constants is known by its text, unless a comment makes it another one each time.
  const bool may_repeat =
      digested.complete && (!literals_.empty() || digested.comments) && sql::may_have_template(text);
  composed_.resize(prefix);
  composed_.push_back(static_cast<char>(Domain::Template));
  append_number(composed_, digested.digest.hi);
  append_number(composed_, digested.digest.lo);
  const auto template_key = sql::exact_digest(composed_, {}, key_);
  const Entry* const seen = may_repeat ? find(template_key) : nullptr;
  if (seen != nullptr && seen->made->facts) {
    if (auto filled = fill(*seen->made, text, digested.digest)) {
      ++counters_.filled;
      return filled;
    }
  }
  ++counters_.misses;
  auto made = make_consumer_text(text, reading);
  made.digest = digested.digest;
  const auto shared = std::make_shared<const ConsumerText>(std::move(made));
  if (may_repeat && (seen == nullptr || (!seen->made->facts && !seen->made->impossible))) {
    auto one = seen == nullptr ? std::make_unique<Template>()
                               : std::make_unique<Template>(make_template(text, reading, *shared));
    std::size_t bytes = sizeof(Entry) + sizeof(Template) + (one->facts ? one->facts->bytes() : 0);
    for (const auto& statement : one->statements) bytes += sizeof(statement) + statement.bytes();
    insert({template_key, nullptr, std::move(one), bytes});
  }
  insert({key, shared, nullptr, sizeof(Entry) + shared->bytes()});
  return shared;
}

std::shared_ptr<const ConsumerText> RewriteCache::fill(const Template& made, std::string_view text,
                                                       const sql::Digest& digest) {
  written_.clear();
  ends_.clear();
  for (const auto& literal : literals_) {
    if (!sql::write_literal(text, literal, written_)) return nullptr;
    ends_.push_back(written_.size());
  }
  values_.clear();
  std::size_t begin = 0;
  for (const std::size_t end : ends_) {
    values_.push_back(std::string_view(written_).substr(begin, end - begin));
    begin = end;
  }
  auto filled = std::make_shared<ConsumerText>(*made.facts);
  filled->digest = digest;
  for (std::size_t i = 0; i < filled->statements.size(); ++i) {
    filled->statements[i].server_text = made.statements[i].fill(values_);
    if (!filled->server_text.empty()) filled->server_text.push_back(';');
    filled->server_text.append(filled->statements[i].server_text);
  }
  return filled;
}

RewriteCache::Template RewriteCache::make_template(std::string_view text, const ConsumerReading& reading,
                                                   const ConsumerText& fresh) {
  Template none;
  none.impossible = true;
  const auto marked = sql::mark_literals(text, literals_);
  if (!marked || fresh.refusal) return none;
  const auto of_marked = make_consumer_text(marked->text, reading);
  if (!same_facts(of_marked, fresh)) return none;
  Template made;
  std::vector<std::uint32_t> seen;
  for (const auto& statement : of_marked.statements)
    made.statements.push_back(sql::TextTemplate::make(statement.server_text, marked->markers, seen));
  if (std::ranges::any_of(seen, [](std::uint32_t times) { return times != 1; })) return none;
  made.facts = std::make_shared<const ConsumerText>(of_marked.without_texts());
  // The text that it was made for must come out of it; one with a constant that is never written is no proof.
  const auto filled = fill(made, text, fresh.digest);
  if (!filled) return {};
  return filled->server_text == fresh.server_text ? std::move(made) : std::move(none);
}

}  // namespace bartizan::session
