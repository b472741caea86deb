#include "audit_summary.hpp"

#include <algorithm>
#include <array>
#include <vector>

#include "record_members.hpp"

namespace bartizan::control {
namespace {

struct Name {
  std::string_view word;
  SummaryBy by;
};
constexpr std::array kNames = {Name{"identity", SummaryBy::Identity}, Name{"tenant", SummaryBy::Tenant},
                               Name{"table", SummaryBy::Table},       Name{"column", SummaryBy::Column},
                               Name{"action", SummaryBy::Action},     Name{"event", SummaryBy::Event},
                               Name{"outcome", SummaryBy::Outcome},   Name{"depot", SummaryBy::Depot},
                               Name{"address", SummaryBy::Address},   Name{"fingerprint", SummaryBy::Fingerprint}};

/// Of "2026-11-22T18:04:05.000Z", as much as names the time.
std::string bucket_of(SummaryPer per, WallTime time) {
  const auto text = format_time(time);
  switch (per) {
    case SummaryPer::All: return {};
    case SummaryPer::Hour: return text.substr(0, 13) + ":00Z";
    case SummaryPer::Day: return text.substr(0, 10);
    case SummaryPer::Month: return text.substr(0, 7);
  }
  return {};
}

std::int64_t rows_of(const Document& record) {
  const Document* const value = member_at(record, {"unmapped", "bartizan", "outcome", "rows"});
  const auto* const rows = value == nullptr ? nullptr : value->as<std::int64_t>();
  return rows == nullptr ? 0 : *rows;
}

}  // namespace

Result<std::optional<SummaryRequest>> take_summary(Args& args) {
  BZ_TRY(const auto by, args.text_or_none("count_by", 16));
  BZ_TRY(const auto per, args.text_or_none("per", 8));
  if (!by && per) return fail(Errc::InvalidArgument, "'per' parts counts by time: it needs 'count_by'");
  if (!by) return std::optional<SummaryRequest>();
  SummaryRequest out;
  const auto* const found =
      std::find_if(kNames.begin(), kNames.end(), [&](const Name& name) { return name.word == *by; });
  if (found == kNames.end())
    return fail(Errc::InvalidArgument,
                "count_by is identity, tenant, table, column, action, event, outcome, depot, address or fingerprint");
  out.by = found->by;
  if (per == "hour") out.per = SummaryPer::Hour;
  if (per == "day") out.per = SummaryPer::Day;
  if (per == "month") out.per = SummaryPer::Month;
  if (per && out.per == SummaryPer::All) return fail(Errc::InvalidArgument, "per is hour, day or month");
  return std::optional(out);
}

void AuditSummary::add(const Document& record) {
  const auto begun = begun_at(record);
  const auto bucket = bucket_of(request_.per, begun);
  const auto rows = rows_of(record);
  for (auto& key : keys_of(request_.by, record)) {
    auto& count = counts_[{bucket, std::move(key)}];
    count.first = count.records == 0 ? begun : std::min(count.first, begun);
    count.last = std::max(count.last, begun);
    ++count.records;
    count.rows += rows;
  }
}

Items AuditSummary::rows() const {
  std::vector<const std::pair<const std::pair<std::string, std::string>, Count>*> order;
  for (const auto& entry : counts_) order.push_back(&entry);
  std::sort(order.begin(), order.end(), [](const auto* a, const auto* b) {
    if (a->first.first != b->first.first) return a->first.first > b->first.first;
    return std::pair(-a->second.records, a->first.second) < std::pair(-b->second.records, b->first.second);
  });
  Items out;
  for (const auto* entry : order)
    out.push_back(Members{{"time", entry->first.first.empty() ? Document() : Document(entry->first.first)},
                          {"key", entry->first.second},
                          {"records", entry->second.records},
                          {"rows", entry->second.rows},
                          {"first", format_time(entry->second.first)},
                          {"last", format_time(entry->second.last)}});
  return out;
}

}  // namespace bartizan::control
