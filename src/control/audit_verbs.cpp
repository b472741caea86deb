// Reading the provable audit log: search, one record, its proof, pages for an export. Each reading is recorded
// in the log itself before it is answered.
#include <algorithm>
#include <charconv>
#include <chrono>
#include <thread>

#include "audit_filter.hpp"
#include "bartizan/audit/tile.hpp"
#include "bartizan/auditlog/tree_reader.hpp"
#include "bartizan/control/audit_source.hpp"
#include "services.hpp"

namespace bartizan::control {
namespace {

constexpr std::int64_t kMostRows = 1000;
constexpr std::int64_t kUsualRows = 100;
/// A search that finds little answers after this with what it has, and where to go on.
constexpr auto kLongestScan = std::chrono::seconds(2);
/// A record begins before it stands in the tree, by as long as its statement ran.
constexpr auto kLongestStatement = std::chrono::hours(24);

Result<const AuditSource*> source(Call& call) {
  if (call.context.audit != nullptr) return call.context.audit;
  call.hint = "audit.mode = \"tree\" keeps one; what the basic log holds stands in its files";
  return fail(Errc::Unsupported, "this gateway keeps no provable audit log");
}

/// Before anything is read: an answer without a record must not be.
Result<audit::Ticket> record_reading(Call& call, std::string_view operation, const std::string& about) {
  std::string who;
  audit::append_member(who, "identity", call.actor);
  audit::append_member(who, "address", "admin socket");
  std::string what;
  audit::append_member(what, "operation", operation);
  if (!about.empty()) audit::append_member(what, "about", about);
  audit::Log& log = call.context.audit->log;
  BZ_TRY(const auto ticket, log.begin({audit::Event::LogRead, call.context.clock.wall(), who, what}));
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(5);
  while (!log.durable(ticket) && std::chrono::steady_clock::now() < until)
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  const bool durable = log.durable(ticket);
  audit::Outcome outcome;
  outcome.status = durable ? audit::Status::Ok : audit::Status::NotRun;
  log.finish(ticket, outcome);
  if (!durable) return fail(Errc::Unavailable, "the audit log did not keep the record of this reading in time");
  return ticket;
}

Result<auditlog::TreeReader> open_tree(const AuditSource& source, const std::string& tree) {
  auto reader = auditlog::TreeReader::open(source.directory, source.origin, tree, source.key);
  if (!reader && reader.error().code == Errc::NotFound) return fail(Errc::NotFound, "there is no such tree yet");
  return reader;
}

bool is_tree_name(std::string_view name) {
  return !name.empty() && name.size() <= 128 && name.front() != '.' && name.find('/') == std::string_view::npos;
}

struct Place {
  std::string tree;
  std::uint64_t index = 0;
};

/// "tree:index", as audit.search shows it.
Result<Place> parse_place(const std::string& text) {
  const auto colon = text.rfind(':');
  Place place;
  if (colon != std::string::npos) {
    place.tree = text.substr(0, colon);
    const char* const end = text.data() + text.size();
    const auto [at, error] = std::from_chars(text.data() + colon + 1, end, place.index);
    if (error == std::errc{} && at == end && is_tree_name(place.tree)) return place;
  }
  return fail(Errc::InvalidArgument, "a record is named TREE:INDEX, as audit search shows it");
}

Result<std::vector<std::string>> trees_of(const AuditSource& source, const std::optional<std::string>& tenant) {
  if (tenant) return std::vector{auditlog::tree_name(*tenant)};
  BZ_TRY(auto names, auditlog::system_files().list(source.directory + "/tree"));
  std::erase_if(names, [](const auto& name) { return !is_tree_name(name); });
  std::sort(names.begin(), names.end());
  return names;
}

class Scan {
 public:
  Scan(const AuditSource& source, AuditFilter filter, std::size_t most)
      : source_(source), filter_(std::move(filter)), most_(most) {}

  /// The newest first, tree after tree; from's index is one past where to begin.
  Result<void> run(const std::vector<std::string>& trees, const std::optional<Place>& from) {
    for (const auto& tree : trees) {
      if (from && tree < from->tree) continue;
      const auto reader = open_tree(source_, tree);
      if (!reader && reader.error().code == Errc::NotFound) continue;
      if (!reader) return tl::unexpected(reader.error());
      const bool here = from && tree == from->tree;
      const auto size = reader->checkpoint().size;
      BZ_TRY(const bool whole, run_tree(tree, *reader, here ? std::min(from->index, size) : size));
      if (!whole) return {};
    }
    next_.clear();
    return {};
  }
  [[nodiscard]] Document answer() && {
    return Members{{"records", std::move(rows_)},
                   {"scanned", static_cast<std::int64_t>(scanned_)},
                   {"next", next_.empty() ? Document() : Document(next_)}};
  }

 private:
  /// False when there is more than one answer takes.
  Result<bool> run_tree(const std::string& tree, const auditlog::TreeReader& reader, std::uint64_t end) {
    while (end > 0) {
      const std::uint64_t first = (end - 1) / audit::kTileWidth * audit::kTileWidth;
      BZ_TRY(const auto entries, reader.bundle(first / audit::kTileWidth));
      for (; end > first; --end) {
        next_ = tree + ":" + std::to_string(end);
        if (rows_.size() >= most_ || std::chrono::steady_clock::now() > until_) return false;
        ++scanned_;
        const auto& entry = entries[end - 1 - first];
        if (!filter_.may_match(entry)) continue;
        BZ_TRY(const auto record, Document::parse(entry));
        if (filter_.from && begun_at(record) + kLongestStatement < *filter_.from) return true;
        if (filter_.matches(record)) rows_.push_back(audit_row(tree, end - 1, record));
      }
    }
    return true;
  }

  const AuditSource& source_;
  const AuditFilter filter_;
  const std::size_t most_;
  const std::chrono::steady_clock::time_point until_ = std::chrono::steady_clock::now() + kLongestScan;
  Items rows_;
  std::size_t scanned_ = 0;
  std::string next_;
};

}  // namespace

Result<Document> audit_search(Call& call, Args& args) {
  AuditFilter filter;
  BZ_TRY(const auto identity, args.text_or_none("identity", 256));
  BZ_TRY(const auto tenant, args.text_or_none("tenant", 256));
  BZ_TRY(const auto table, args.text_or_none("table", 256));
  BZ_TRY(const auto action, args.text_or_none("action", 64));
  BZ_TRY(const auto outcome, args.text_or_none("outcome", 16));
  BZ_TRY(filter.from, args.time_or_none("from"));
  BZ_TRY(filter.to, args.time_or_none("to"));
  BZ_TRY(const auto after, args.text_or_none("after", 256));
  BZ_TRY(const auto limit, args.integer_or_none("limit", 1, kMostRows));
  BZ_CHECK(args.finish());
  BZ_TRY(const auto* log, source(call));
  filter.identity = identity.value_or("");
  filter.table = table.value_or("");
  filter.action = action.value_or("");
  filter.outcome = outcome.value_or("");
  std::optional<Place> from;
  if (after) {
    BZ_TRY(from, parse_place(*after));
  }
  BZ_CHECK(record_reading(call, "audit.search", identity.value_or(table.value_or(tenant.value_or("")))));
  BZ_TRY(const auto trees, trees_of(*log, tenant));
  Scan scan(*log, std::move(filter), static_cast<std::size_t>(limit.value_or(kUsualRows)));
  BZ_CHECK(scan.run(trees, from));
  return std::move(scan).answer();
}

/// An entry that a request names, once the reading of it is recorded.
struct NamedEntry {
  const AuditSource* log;
  Place place;
  auditlog::TreeReader reader;
  std::string text;
};

Result<NamedEntry> named_entry(Call& call, Args& args, std::string_view operation) {
  BZ_TRY(const auto name, args.text("record", 256));
  BZ_CHECK(args.finish());
  BZ_TRY(const auto* log, source(call));
  BZ_TRY(auto place, parse_place(name));
  BZ_CHECK(record_reading(call, operation, name));
  BZ_TRY(auto reader, open_tree(*log, place.tree));
  BZ_TRY(auto text, reader.entry(place.index));
  return NamedEntry{log, std::move(place), std::move(reader), std::move(text)};
}

Result<Document> audit_show(Call& call, Args& args) {
  BZ_TRY(const auto entry, named_entry(call, args, "audit.show"));
  if (!entry.text.starts_with('{')) return Document(Members{{"checkpoint", entry.text}});
  return Document::parse(entry.text);
}

Result<Document> audit_prove(Call& call, Args& args) {
  BZ_TRY(const auto entry, named_entry(call, args, "audit.prove"));
  BZ_TRY(const auto proof, entry.reader.prove(entry.place.index));
  const AuditSource& log = *entry.log;
  return Document(Members{{"key", log.key.named(log.origin + "/" + entry.place.tree).to_string()},
                          {"entry", entry.text},
                          {"proof", audit::to_text(proof)}});
}

Result<Document> audit_export(Call& call, Args& args) {
  BZ_TRY(const auto tenant, args.text_or_none("tenant", 256));
  BZ_TRY(const auto after, args.integer_or_none("after", 0, INT64_MAX));
  BZ_TRY(const auto limit, args.integer_or_none("limit", 1, kMostRows));
  BZ_CHECK(args.finish());
  BZ_TRY(const auto* log, source(call));
  BZ_CHECK(record_reading(call, "audit.export", tenant.value_or("")));
  const std::string tree = tenant ? auditlog::tree_name(*tenant) : std::string(auditlog::kSystemTree);
  BZ_TRY(const auto reader, open_tree(*log, tree));
  const auto size = reader.checkpoint().size;
  const auto first = std::min(static_cast<std::uint64_t>(after.value_or(0)), size);
  const auto end = std::min(size, first + static_cast<std::uint64_t>(limit.value_or(kMostRows)));
  Items entries;
  for (std::uint64_t index = first; index < end;) {
    const std::uint64_t bundle = index / audit::kTileWidth;
    BZ_TRY(const auto texts, reader.bundle(bundle));
    for (; index < end && index / audit::kTileWidth == bundle; ++index)
      entries.emplace_back(texts[index % audit::kTileWidth]);
  }
  return Document(Members{{"tree", tree},
                          {"checkpoint", reader.signed_checkpoint()},
                          {"entries", std::move(entries)},
                          {"next", end < size ? Document(static_cast<std::int64_t>(end)) : Document()}});
}

}  // namespace bartizan::control
