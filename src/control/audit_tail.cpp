// Following the provable log: a first call says what is wanted and is recorded, later ones bring what was
// published since.
#include <algorithm>
#include <array>

#include "audit_filter.hpp"
#include "audit_reading.hpp"
#include "bartizan/audit/tile.hpp"
#include "bartizan/auditlog/audit_index.hpp"
#include "bartizan/control/audit_followers.hpp"

namespace bartizan::control {
namespace {

constexpr std::size_t kMostRows = 1000;
constexpr auto kForgotten = std::chrono::minutes(1);

/// What one tree has more, the oldest first, as far as an answer goes.
Result<void> read_on(const Call& call, const std::string& tree, std::uint64_t& seen, const AuditFilter& filter,
                     Items& rows) {
  const auto reader = open_tree(call, tree);
  if (!reader && reader.error().code == Errc::NotFound) return {};
  if (!reader) return tl::unexpected(reader.error());
  const std::uint64_t size = reader->checkpoint().size;
  while (seen < size && rows.size() < kMostRows) {
    const std::uint64_t number = seen / audit::kTileWidth;
    BZ_TRY(const auto entries, reader->bundle(number));
    for (; seen < size && seen / audit::kTileWidth == number && rows.size() < kMostRows; ++seen) {
      const auto& entry = entries[seen % audit::kTileWidth];
      if (!filter.may_match(entry)) continue;
      BZ_TRY(const auto record, Document::parse(entry));
      if (filter.matches(record)) rows.emplace_back(audit_row(tree, seen, record));
    }
  }
  return {};
}

std::string text_in(const Document& row, std::string_view name) {
  const auto* member = row.find(name);
  const auto* text = member == nullptr ? nullptr : member->as<std::string>();
  return text == nullptr ? std::string() : *text;
}

/// Rows of several trees as they happened.
void sort_by_time(Items& rows) {
  std::sort(rows.begin(), rows.end(), [](const Document& a, const Document& b) {
    return std::pair(text_in(a, "time"), text_in(a, "record")) < std::pair(text_in(b, "time"), text_in(b, "record"));
  });
}

Result<Document> answer(Call& call, const std::string& name, AuditFollowers::Follower& follower) {
  const std::lock_guard lock(follower.reading);
  BZ_TRY(const auto trees, trees_of(call, std::nullopt));
  const auto* index = call.context.audit->index;
  Items rows;
  for (const auto& tree : trees) {
    auto& seen = follower.seen[tree];
    // The index follows every tree within half a second: those that did not grow need no look.
    if (index != nullptr && seen > 0 && index->covered(tree) <= seen) continue;
    BZ_CHECK(read_on(call, tree, seen, *follower.filter, rows));
  }
  sort_by_time(rows);
  return Document(Members{{"follow", name}, {"records", std::move(rows)}});
}

}  // namespace

Result<std::string> AuditFollowers::add(std::shared_ptr<Follower> follower) {
  std::array<std::byte, 16> bytes{};
  random_.fill(bytes);
  const auto now = clock_.steady();
  const std::lock_guard lock(mutex_);
  std::erase_if(entries_, [&](const auto& entry) { return now - entry.second.asked > kForgotten; });
  if (entries_.size() >= kMost) return fail(Errc::ResourceExhausted, "too many follow the audit log at once");
  const std::string name = hex_encode(bytes);
  entries_.emplace(name, Entry{std::move(follower), now});
  return name;
}

Result<std::shared_ptr<AuditFollowers::Follower>> AuditFollowers::find(const std::string& name,
                                                                       const std::string& actor,
                                                                       const std::string& tenant) {
  const auto now = clock_.steady();
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(name);
  if (found == entries_.end() || now - found->second.asked > kForgotten || found->second.follower->actor != actor ||
      found->second.follower->tenant != tenant)
    return fail(Errc::NotFound, "nobody follows the audit log by that name any more: begin again");
  found->second.asked = now;
  return found->second.follower;
}

Result<Document> audit_tail(Call& call, Args& args) {
  BZ_TRY(const auto name, args.text_or_none("follow", 64));
  BZ_TRY(auto filter, take_filter(args));
  BZ_CHECK(args.finish());
  BZ_CHECK(audit_source(call));
  AuditFollowers* followers = call.context.audit_followers;
  if (followers == nullptr) return fail(Errc::Unsupported, "the audit log can't be followed here");
  const std::string tenant = call.only_tenant.value_or("");
  if (name) {
    BZ_TRY(const auto follower, followers->find(*name, call.actor, tenant));
    return answer(call, *name, *follower);
  }
  BZ_CHECK(record_reading(call, "audit.tail", about(filter, std::nullopt)));
  auto follower = std::make_shared<AuditFollowers::Follower>();
  follower->actor = call.actor;
  follower->tenant = tenant;
  follower->filter = std::make_shared<const AuditFilter>(std::move(filter));
  BZ_TRY(const auto trees, trees_of(call, std::nullopt));
  for (const auto& tree : trees) {
    const auto reader = open_tree(call, tree);
    follower->seen[tree] = reader ? reader->checkpoint().size : 0;
  }
  BZ_TRY(const auto given, followers->add(std::move(follower)));
  return Document(Members{{"follow", given}, {"records", Items{}}});
}

/// Whoever verifies reads every record, so that is recorded; the verifying is the independent program's.
Result<Document> audit_verify(Call& call, Args& args) {
  BZ_TRY(const auto tenant, args.text_or_none("tenant", 256));
  BZ_CHECK(args.finish());
  BZ_TRY(const auto* log, audit_source(call));
  BZ_CHECK(record_reading(call, "audit.verify", tenant.value_or("")));
  BZ_TRY(const auto tree, tree_of(call, tenant));
  return Document(Members{{"directory", log->directory},
                          {"key", log->key.to_string()},
                          {"tree", tree},
                          {"tree_key", log->key.named(log->origin + "/" + tree).to_string()},
                          {"witness_key", log->witness_key.empty() ? Document() : Document(log->witness_key)}});
}

}  // namespace bartizan::control
