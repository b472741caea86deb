#include "recorded_statements.hpp"

#include <algorithm>
#include <array>
#include <chrono>

#include "audit_filter.hpp"
#include "audit_reading.hpp"
#include "bartizan/audit/tile.hpp"
#include "record_members.hpp"

namespace bartizan::control {
namespace {

/// A long log is looked through in several calls.
constexpr auto kLongestLook = std::chrono::seconds(10);

std::vector<std::string> texts_of(const Document& item, std::string_view name) {
  std::vector<std::string> out;
  const Document* list = item.find(name);
  const auto* items = list == nullptr ? nullptr : list->as<Items>();
  if (items == nullptr) return out;
  for (const Document& each : *items)
    if (const auto* text = each.as<std::string>()) out.push_back(*text);
  return out;
}

std::string tag_of(const Document& record) {
  auto tag = text_at(record, {"unmapped", "bartizan", "tag"});
  return tag.empty() ? text_at(record, {"query_info", "query_string"}) : tag;
}

/// What no identity under a policy may send, by the first word of its tag (docs/reference/sql-for-consumers.md).
bool is_closed_to_consumers(std::string_view tag) {
  static constexpr std::array<std::string_view, 24> kClosed = {
      "ALTER",  "ANALYZE", "CALL",    "CHECKPOINT", "CLUSTER",  "COMMENT",  "CREATE",   "DO",
      "DROP",   "EXPLAIN", "GRANT",   "IMPORT",     "LISTEN",   "LOAD",     "LOCK",     "MERGE",
      "NOTIFY", "REFRESH", "REINDEX", "REVOKE",     "SECURITY", "TRUNCATE", "UNLISTEN", "VACUUM"};
  return std::ranges::find(kClosed, tag.substr(0, tag.find(' '))) != kClosed.end();
}

ForeseenRefusal refused(std::string sqlstate, std::string why, bool certain = true) {
  return {std::move(sqlstate), std::move(why), certain};
}

std::optional<policy::Verb> verb_of(std::string_view tag) {
  if (tag == "INSERT") return policy::Verb::Insert;
  if (tag == "UPDATE") return policy::Verb::Update;
  if (tag == "DELETE") return policy::Verb::Delete;
  return std::nullopt;
}

std::optional<ForeseenRefusal> foresee_columns(const Document& item, const policy::TableOutcome& table,
                                               const std::string& name) {
  const auto readable = [](const policy::ColumnOutcome& column) {
    return std::holds_alternative<policy::Clear>(column.visibility) ||
           std::holds_alternative<policy::Masked>(column.visibility);
  };
  for (const auto& column : texts_of(item, "read")) {
    const auto* seen = table.find(column);
    if (seen == nullptr || std::holds_alternative<policy::Hidden>(seen->visibility))
      return refused("42703", "column " + name + "." + column + " would not be there");
    if (!readable(*seen)) return refused("42501", "column " + name + "." + column + " would not be read");
  }
  for (const auto& column : texts_of(item, "written")) {
    const auto* seen = table.find(column);
    if (seen == nullptr || seen->writes.empty())
      return refused("42501", "column " + name + "." + column + " would not be written");
  }
  return std::nullopt;
}

std::optional<ForeseenRefusal> foresee_table(const Document& item, const policy::ClassOutcome& after,
                                             std::string_view tag) {
  const auto schema = text_at(item, {"schema"});
  const auto name = text_at(item, {"name"});
  if (name.empty() || schema == "pg_catalog" || schema == "information_schema") return std::nullopt;
  std::vector<const policy::TableOutcome*> found;
  for (const auto& table : after.tables)
    if (table.name == name && (schema.empty() || table.schema == schema)) found.push_back(&table);
  const auto whole = schema.empty() ? name : schema + "." + name;
  // A name without a schema may be a catalog's or a WITH query's.
  if (found.empty()) return refused("42P01", "table " + whole + " would not be there", !schema.empty());
  if (found.size() > 1) return std::nullopt;
  const auto& table = *found.front();
  const bool writes = text_at(item, {"access"}) == "write";
  const auto verb = verb_of(tag);
  if (!writes && !table.verbs.contains(policy::Verb::Read))
    return refused("42501", "table " + whole + " would not be read");
  if (writes && verb && !table.verbs.contains(*verb))
    return refused("42501", "table " + whole + " would take no " + std::string(tag));
  if (auto column = foresee_columns(item, table, whole)) return column;
  if (table.aggregate_only) return refused("42501", "table " + whole + " would be read in aggregates alone", false);
  return std::nullopt;
}

/// Reads trees from their newest record down.
class Look {
 public:
  Look(const Call& call, const FutureOutcomes& future, std::size_t most) : call_(call), future_(future), most_(most) {}

  Result<void> run(const std::vector<std::string>& trees, const std::optional<RecordPlace>& from) {
    for (const auto& tree : trees) {
      if (from && tree < from->tree) continue;
      const auto reader = open_tree(call_, tree);
      if (!reader && reader.error().code == Errc::NotFound) continue;
      if (!reader) return tl::unexpected(reader.error());
      const bool here = from && tree == from->tree;
      const auto size = reader->checkpoint().size;
      BZ_TRY(const bool whole, down(tree, *reader, here ? std::min(from->index, size) : size));
      if (!whole) return {};
    }
    out_.below.clear();
    return {};
  }

  RecordedStatements answer() && {
    std::vector<std::pair<Key, Line>> lines(lines_.begin(), lines_.end());
    std::ranges::sort(lines, [](const auto& a, const auto& b) {
      return a.second.times != b.second.times ? a.second.times > b.second.times : a.first < b.first;
    });
    for (const auto& [key, line] : lines)
      out_.lines.push_back(Members{{"identity", key.identity},
                                   {"depot", key.depot},
                                   {"statement", key.tag},
                                   {"sqlstate", key.sqlstate},
                                   {"why", key.why},
                                   {"certain", line.certain},
                                   {"times", static_cast<std::int64_t>(line.times)},
                                   {"record", line.record}});
    return std::move(out_);
  }

 private:
  struct Key {
    std::string identity, depot, tag, sqlstate, why;
    friend auto operator<=>(const Key&, const Key&) = default;
  };
  struct Line {
    std::size_t times = 0;
    bool certain = true;
    std::string record;  ///< the newest such
  };

  Result<bool> down(const std::string& tree, const auditlog::TreeReader& reader, std::uint64_t end) {
    while (end > 0) {
      const std::uint64_t first = (end - 1) / audit::kTileWidth * audit::kTileWidth;
      const auto read = reader.bundle(first / audit::kTileWidth);
      if (!read && read.error().code == Errc::NotFound) return true;  // pruned, as is all below
      if (!read) return tl::unexpected(read.error());
      for (; end > first; --end) {
        out_.below = RecordPlace{tree, end}.to_string();
        if (out_.looked_at >= most_ || std::chrono::steady_clock::now() > until_) return false;
        BZ_CHECK(look(tree, end - 1, (*read)[end - 1 - first]));
      }
    }
    return true;
  }

  Result<void> look(const std::string& tree, std::uint64_t index, const std::string& entry) {
    ++out_.looked_at;
    if (!entry.starts_with('{')) return {};  // a tree's own entries
    BZ_TRY(const auto record, Document::parse(entry));
    const auto begun = begun_at(record);
    if (!out_.oldest || begun < *out_.oldest) out_.oldest = begun;
    const auto event = text_at(record, {"unmapped", "bartizan", "event"});
    if (event != "statement" && event != "execute") return {};
    if (text_at(record, {"unmapped", "bartizan", "outcome", "status"}) != "ok") return {};
    Key key{text_at(record, {"actor", "user", "name"}), text_at(record, {"database", "name"}), tag_of(record), "", ""};
    const auto* change = future_.find(key.identity, key.depot, text_at(record, {"unmapped", "bartizan", "purpose"}));
    if (change == nullptr || !change->after) return {};
    const auto refusal = foresee(record, *change->after);
    // What the policies in force would refuse too is no news: they were other ones then.
    if (!refusal || (change->before && foresee(record, *change->before))) return {};
    key.sqlstate = refusal->sqlstate;
    key.why = refusal->why;
    auto& line = lines_[std::move(key)];
    ++line.times;
    line.certain = line.certain && refusal->certain;
    if (line.record.empty()) line.record = RecordPlace{tree, index}.to_string();
    return {};
  }

  const Call& call_;
  const FutureOutcomes& future_;
  const std::size_t most_;
  const std::chrono::steady_clock::time_point until_ = std::chrono::steady_clock::now() + kLongestLook;
  std::map<Key, Line> lines_;
  RecordedStatements out_;
};

}  // namespace

std::optional<ForeseenRefusal> foresee(const Document& record, const policy::ClassOutcome& after) {
  const auto tag = tag_of(record);
  if (is_closed_to_consumers(tag)) return refused("42501", tag + " is not permitted under policies");
  const Document* relations = member_at(record, {"unmapped", "bartizan", "relations"});
  const auto* items = relations == nullptr ? nullptr : relations->as<Items>();
  if (items == nullptr) return std::nullopt;
  for (const Document& item : *items)
    if (auto refusal = foresee_table(item, after, tag)) return refusal;
  return std::nullopt;
}

Result<RecordedStatements> recorded_statements(Call& call, const FutureOutcomes& future,
                                               const std::optional<std::string>& below, std::size_t most) {
  if (most == 0 || call.context.audit == nullptr) return RecordedStatements{};
  std::optional<RecordPlace> from;
  if (below) {
    BZ_TRY(from, parse_place(*below));
  }
  BZ_CHECK(record_reading(call, "policy.simulate", ""));
  BZ_TRY(const auto trees, trees_of(call, std::nullopt));
  Look look(call, future, most);
  BZ_CHECK(look.run(trees, from));
  return std::move(look).answer();
}

}  // namespace bartizan::control
