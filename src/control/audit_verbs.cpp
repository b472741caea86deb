// Reading single records of the provable log, their proofs, and pages for an export. Each reading is recorded in
// the log itself before it is answered.
#include <algorithm>

#include "audit_reading.hpp"
#include "bartizan/audit/tile.hpp"

namespace bartizan::control {
namespace {

constexpr std::int64_t kMostRows = 1000;

/// An entry that a request names, once the reading of it is recorded.
struct NamedEntry {
  const AuditSource* log;
  RecordPlace place;
  auditlog::TreeReader reader;
  std::string text;
};

Result<NamedEntry> named_entry(Call& call, Args& args, std::string_view operation) {
  BZ_TRY(const auto name, args.text("record", 256));
  BZ_CHECK(args.finish());
  BZ_TRY(const auto* log, audit_source(call));
  BZ_TRY(auto place, parse_place(name));
  BZ_CHECK(record_reading(call, operation, name));
  BZ_TRY(auto reader, open_tree(call, place.tree));
  auto read = reader.entry(place.index);
  if (!read && read.error().code == Errc::NotFound)
    return fail(Errc::NotFound, "that record was pruned; its hash is still in the tree");
  if (!read) return tl::unexpected(std::move(read).error());
  auto text = std::move(*read);
  return NamedEntry{log, std::move(place), std::move(reader), std::move(text)};
}

}  // namespace

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
  BZ_CHECK(audit_source(call));
  BZ_CHECK(record_reading(call, "audit.export", tenant.value_or("")));
  BZ_TRY(const auto tree, tree_of(call, tenant));
  BZ_TRY(const auto reader, open_tree(call, tree));
  const auto size = reader.checkpoint().size;
  const auto first = std::min(static_cast<std::uint64_t>(after.value_or(0)), size);
  const auto end = std::min(size, first + static_cast<std::uint64_t>(limit.value_or(kMostRows)));
  Items entries;
  for (std::uint64_t index = first; index < end;) {
    const std::uint64_t bundle = index / audit::kTileWidth;
    const auto read = reader.bundle(bundle);
    if (!read && read.error().code == Errc::NotFound) {  // pruned: on to the next one
      index = (bundle + 1) * audit::kTileWidth;
      continue;
    }
    if (!read) return tl::unexpected(read.error());
    const auto& texts = *read;
    for (; index < end && index / audit::kTileWidth == bundle; ++index)
      entries.emplace_back(texts[index % audit::kTileWidth]);
  }
  return Document(Members{{"tree", tree},
                          {"checkpoint", reader.signed_checkpoint()},
                          {"entries", std::move(entries)},
                          {"next", end < size ? Document(static_cast<std::int64_t>(end)) : Document()}});
}

}  // namespace bartizan::control
