// Rewritten texts: a hot statement of a consumer costs a hash and a look-up. Bounded in bytes,
// least recently used go first. Keyed by the exact bytes, the class, its version and the settings
// by which the text is read; by no tenant, identity or expiry.
//
// Behind it, for texts that come with other constants each time: a template a digest, made when the
// digest is seen a second time (sql/text_template.hpp, ADR 0126).
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "bartizan/session/consumer_text.hpp"
#include "bartizan/sql/text_template.hpp"

namespace bartizan::session {

/// One per io thread; not thread-safe, though the texts that it hands out are.
class RewriteCache {
 public:
  struct Counters {
    std::uint64_t hits = 0;
    std::uint64_t misses = 0;  ///< rewritten from scratch
    std::uint64_t filled = 0;  ///< made from a template
  };

  RewriteCache(const sql::DigestKey& key, std::size_t max_bytes) : key_(key), max_bytes_(max_bytes) {}
  RewriteCache(const RewriteCache&) = delete;
  RewriteCache& operator=(const RewriteCache&) = delete;

  /// Never null; one whose text is refused says so.
  [[nodiscard]] std::shared_ptr<const ConsumerText> get(std::string_view text, const ConsumerReading& reading);

  /// As texts are told apart here.
  [[nodiscard]] sql::Digest digest(std::string_view text, sql::LexOptions lex) const noexcept {
    return sql::digest(text, lex, key_).digest;
  }
  [[nodiscard]] const Counters& counters() const noexcept { return counters_; }
  [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }

 private:
  /// Of all texts of one digest.
  struct Template {
    std::shared_ptr<const ConsumerText> facts;  ///< null: seen once, or none can be made
    std::vector<sql::TextTemplate> statements;
    bool impossible = false;
  };
  struct Entry {
    sql::Digest key;
    std::shared_ptr<const ConsumerText> text;  ///< or
    std::unique_ptr<Template> made;
    std::size_t bytes;
  };
  using Order = std::list<Entry>;

  void compose(const ConsumerReading& reading);
  Entry* find(const sql::Digest& key);
  void insert(Entry entry);
  /// Of the text whose constants stand in literals_; null: it must be rewritten.
  [[nodiscard]] std::shared_ptr<const ConsumerText> fill(const Template& made, std::string_view text,
                                                         const sql::Digest& digest);
  /// fresh: what the text itself was rewritten to.
  [[nodiscard]] Template make_template(std::string_view text, const ConsumerReading& reading,
                                       const ConsumerText& fresh);

  sql::DigestKey key_;
  std::size_t max_bytes_;
  std::size_t bytes_ = 0;
  Order order_;
  std::unordered_map<sql::Digest, Order::iterator> index_;
  std::string composed_;
  std::vector<sql::FoldedLiteral> literals_;
  std::string written_;                   ///< the constants, one behind the other
  std::vector<std::string_view> values_;  ///< each of them
  std::vector<std::size_t> ends_;
  Counters counters_;
};

}  // namespace bartizan::session
