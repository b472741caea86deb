#include "bartizan/audit/record_terms.hpp"

#include <algorithm>
#include <charconv>

#include "bartizan/audit/log.hpp"

namespace bartizan::audit {
namespace {

/// One pass over JSON without white space, as records are. After an error it stands still.
class Json {
 public:
  explicit Json(std::string_view text) : text_(text) {}
  [[nodiscard]] bool ok() const noexcept { return ok_; }
  [[nodiscard]] bool at_end() const noexcept { return at_ == text_.size(); }
  [[nodiscard]] bool next_is(char c) const noexcept { return ok_ && at_ < text_.size() && text_[at_] == c; }

  /// What stands between the quotes.
  std::string_view string() {
    if (!take('"')) return {};
    const std::size_t start = at_;
    for (; at_ < text_.size(); ++at_) {
      if (text_[at_] == '\\') {
        ++at_;
      } else if (text_[at_] == '"') {
        return text_.substr(start, at_++ - start);
      }
    }
    return fail();
  }
  /// of(name) takes the value.
  template <class Of>
  void members(const Of& of) {
    if (!take('{')) return;
    if (next_is('}')) {
      ++at_;
      return;
    }
    while (ok_) {
      const auto name = string();
      if (!take(':')) return;
      of(name);
      if (!next_is(',')) break;
      ++at_;
    }
    take('}');
  }
  template <class Of>
  void items(const Of& of) {
    if (!take('[')) return;
    if (next_is(']')) {
      ++at_;
      return;
    }
    while (ok_) {
      of();
      if (!next_is(',')) break;
      ++at_;
    }
    take(']');
  }
  /// A string's content, or nothing for another value, which is passed over.
  std::string_view string_or_skip() {
    if (next_is('"')) return string();
    skip();
    return {};
  }
  std::int64_t integer() {
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text_.data() + at_, text_.data() + text_.size(), value);
    if (!ok_ || error != std::errc{}) {
      fail();
      return 0;
    }
    at_ = static_cast<std::size_t>(end - text_.data());
    return value;
  }
  /// Any value, without looking into it: brackets are counted, not matched.
  void skip() {
    std::size_t depth = 0;
    const std::size_t start = at_;
    while (ok_ && at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '"') {
        string();
      } else if (c == '{' || c == '[') {
        ++depth;
        ++at_;
      } else if ((c == '}' || c == ']' || c == ',') && depth == 0) {
        break;
      } else {
        if (c == '}' || c == ']') --depth;
        ++at_;
      }
    }
    if (at_ == start) fail();
  }

 private:
  bool take(char c) {
    if (!next_is(c)) {
      fail();
      return false;
    }
    ++at_;
    return true;
  }
  std::string_view fail() {
    ok_ = false;
    return {};
  }

  std::string_view text_;
  std::size_t at_ = 0;
  bool ok_ = true;
};

Term mixed(std::uint64_t hash) noexcept {  // so that the high bits depend on all of the text
  hash ^= hash >> 33;
  hash *= 0xff51afd7ed558ccdull;
  hash ^= hash >> 33;
  return hash;
}

/// FNV-1a, a part at a time.
class Hashed {
 public:
  explicit Hashed(SearchField field) { add(static_cast<unsigned char>(field)); }
  Hashed& text(std::string_view part) noexcept {
    for (const char c : part) add(static_cast<unsigned char>(c));
    return *this;
  }
  [[nodiscard]] Term term() const noexcept { return mixed(hash_); }

 private:
  void add(unsigned char c) noexcept { hash_ = (hash_ ^ c) * 0x100000001b3ull; }
  std::uint64_t hash_ = 0xcbf29ce484222325ull;
};

/// Reads one record. Lives for one call.
class Reading {
 public:
  Reading(std::string_view entry, RecordTerms& out) : json_(entry), out_(out) {}

  bool run() {
    json_.members([this](std::string_view name) {
      if (name == "actor") return named("user", SearchField::Identity);
      if (name == "user") return name_of(SearchField::Identity);
      if (name == "src_endpoint") return endpoint();
      if (name == "database" || name == "service") return name_of(SearchField::Depot);
      if (name == "query_info") return query();
      if (name == "unmapped") return unmapped();
      json_.skip();
    });
    return json_.ok() && json_.at_end();
  }

 private:
  void add(SearchField field, std::string_view text) {
    if (!text.empty()) out_.terms.push_back(term_of(field, text));
  }
  /// {"name":…}
  void name_of(SearchField field) {
    json_.members([&](std::string_view name) {
      if (name == "name") return add(field, json_.string_or_skip());
      json_.skip();
    });
  }
  /// {"<member>":{"name":…}}
  void named(std::string_view member, SearchField field) {
    json_.members([&](std::string_view name) {
      if (name == member) return name_of(field);
      json_.skip();
    });
  }
  void endpoint() {
    json_.members([&](std::string_view name) {
      if (name == "ip" || name == "name") return add(SearchField::Address, json_.string_or_skip());
      json_.skip();
    });
  }
  void query() {
    json_.members([&](std::string_view name) {
      if (name == "uid") return add(SearchField::Fingerprint, json_.string_or_skip());
      json_.skip();
    });
  }
  void unmapped() {
    json_.members([this](std::string_view outer) {
      if (outer != "bartizan") return json_.skip();
      json_.members([this](std::string_view name) {
        if (name == "event" || name == "tag" || name == "effect")
          return add(SearchField::Action, json_.string_or_skip());
        if (name == "time_us") return void(out_.time_ms = json_.integer() / 1000);
        if (name == "class") classed_ = true;
        // What was left out may be the tables: whoever searches by a table must see the record.
        if (name == "omitted_bytes" || name.starts_with("unparsed"))
          out_.terms.push_back(term_of(SearchField::ColumnsUnknown, {}));
        if (name == "relations" && json_.next_is('[')) return json_.items([this] { relation(); });
        if (name == "outcome") return outcome();
        json_.skip();
      });
      for (const Term term : unknown_)
        if (!classed_) out_.terms.push_back(term);
    });
  }
  void outcome() {
    json_.members([&](std::string_view name) {
      if (name == "status") return add(SearchField::Outcome, json_.string_or_skip());
      json_.skip();
    });
  }
  /// {"schema":…,"name":…,"access":…,"read":[…],"masked":[…],"written":[…]}, names ahead of lists.
  void relation() {
    std::string_view schema;
    std::string_view table;
    json_.members([&](std::string_view name) {
      if (name == "schema") return void(schema = json_.string_or_skip());
      if (name == "name") return void(table = json_.string_or_skip());
      if (name != "read" && name != "masked" && name != "written") return json_.skip();
      json_.items([&] { column(schema, table, json_.string_or_skip()); });
    });
    if (table.empty()) return;
    add(SearchField::Table, table);
    unknown_.push_back(term_of(SearchField::ColumnsUnknown, table));
    if (schema.empty()) return;
    out_.terms.push_back(Hashed(SearchField::Table).text(schema).text(".").text(table).term());
    unknown_.push_back(Hashed(SearchField::ColumnsUnknown).text(schema).text(".").text(table).term());
  }
  void column(std::string_view schema, std::string_view table, std::string_view column) {
    const auto whole = [&](Hashed hashed) { return hashed.text(table).text(".").text(column).term(); };
    out_.terms.push_back(whole(Hashed(SearchField::Column)));
    if (!schema.empty()) out_.terms.push_back(whole(Hashed(SearchField::Column).text(schema).text(".")));
  }

  Json json_;
  RecordTerms& out_;
  bool classed_ = false;  ///< an identity under a policy: its records say which columns, of every table
  std::vector<Term> unknown_;
};

}  // namespace

Term term_of(SearchField field, std::string_view text) noexcept { return Hashed(field).text(text).term(); }

std::string json_text(std::string_view text) {
  std::string member;
  append_member(member, "", text);
  constexpr std::size_t kBefore = std::string_view(R"("":")").size();
  return member.substr(kBefore, member.size() - kBefore - 1);
}

bool read_terms(std::string_view entry, RecordTerms& out) {
  out.terms.clear();
  if (!Reading(entry, out).run()) {
    out.terms.clear();
    return false;
  }
  std::sort(out.terms.begin(), out.terms.end());
  out.terms.erase(std::unique(out.terms.begin(), out.terms.end()), out.terms.end());
  return true;
}

}  // namespace bartizan::audit
