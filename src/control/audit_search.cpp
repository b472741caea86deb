// Searching the provable log. The index says where to look, the records themselves say what is found, and
// what the index has not come to yet is read leaf by leaf: so an answer never depends on how far it is.
#include <algorithm>
#include <chrono>

#include "audit_filter.hpp"
#include "audit_reading.hpp"
#include "audit_summary.hpp"
#include "bartizan/audit/tile.hpp"
#include "bartizan/auditlog/audit_index.hpp"

namespace bartizan::control {
namespace {

constexpr std::int64_t kMostRows = 1000;
constexpr std::int64_t kUsualRows = 100;
/// A search that finds little answers after this with what it has, and where to go on.
constexpr auto kLongestSearch = std::chrono::seconds(2);
constexpr auto kLongestCount = std::chrono::seconds(10);  ///< of one that counts them
constexpr std::size_t kCountAtOnce = 8192;                ///< leaves that the index is asked for

/// Records of one tree by index; a bundle that several are asked of is read once.
class Entries {
 public:
  explicit Entries(const auditlog::TreeReader& reader) : reader_(reader) {}
  /// REQUIRES: the next ones asked for are falling. several: more of the same bundle may follow.
  Result<std::string> at(std::uint64_t index, bool several) {
    const std::uint64_t number = index / audit::kTileWidth;
    if (number == number_) return bundle_[index % audit::kTileWidth];
    if (!several) return reader_.entry(index);
    BZ_TRY(bundle_, reader_.bundle(number));
    number_ = number;
    return bundle_[index % audit::kTileWidth];
  }

 private:
  const auditlog::TreeReader& reader_;
  std::uint64_t number_ = UINT64_MAX;
  std::vector<std::string> bundle_;
};

class Search {
 public:
  Search(const Call& call, AuditFilter filter, std::size_t most, const std::optional<SummaryRequest>& summary)
      : call_(call),
        index_(call.context.audit->index),
        filter_(std::move(filter)),
        query_(filter_.query()),
        most_(most),
        until_(std::chrono::steady_clock::now() + (summary ? kLongestCount : kLongestSearch)) {
    if (summary) summary_.emplace(*summary);
  }

  /// The newest first, tree after tree; from's index is one past where to begin.
  Result<void> run(const std::vector<std::string>& trees, const std::optional<RecordPlace>& from) {
    for (const auto& tree : trees) {
      if (from && tree < from->tree) continue;
      const auto reader = open_tree(call_, tree);
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
    const auto scanned = static_cast<std::int64_t>(scanned_);
    if (summary_)
      return Members{{"counts", summary_->rows()},
                     {"found", static_cast<std::int64_t>(found_)},
                     {"scanned", scanned},
                     {"next", next_.empty() ? Document() : Document(next_)}};
    return Members{
        {"records", std::move(rows_)}, {"scanned", scanned}, {"next", next_.empty() ? Document() : Document(next_)}};
  }

 private:
  [[nodiscard]] bool enough(const std::string& tree, std::uint64_t end) {
    next_ = RecordPlace{tree, end}.to_string();
    return (summary_ ? summary_->full() : rows_.size() >= most_) || std::chrono::steady_clock::now() > until_;
  }

  /// False when there is more than one answer takes.
  Result<bool> run_tree(const std::string& tree, const auditlog::TreeReader& reader, std::uint64_t end) {
    const std::uint64_t covered = index_ == nullptr ? 0 : index_->covered(tree);
    BZ_TRY(const bool scanned, scan(tree, reader, end, covered));
    if (!scanned) return false;
    end = std::min(end, covered);
    Entries entries(reader);
    while (end > 0) {
      if (enough(tree, end)) return false;
      const auto found = index_->find(tree, query_, end, summary_ ? kCountAtOnce : most_ - rows_.size(), until_);
      if (!found && found.error().code == Errc::Malformed) return scan(tree, reader, end, 0);
      if (!found) return tl::unexpected(found.error());
      for (std::size_t i = 0; i < found->leaves.size(); ++i) {
        const auto leaf = found->leaves[i];
        if (enough(tree, leaf + 1)) return false;
        const bool several =
            i + 2 < found->leaves.size() && leaf / audit::kTileWidth == found->leaves[i + 2] / audit::kTileWidth;
        const auto entry = entries.at(leaf, several);
        if (!entry && entry.error().code == Errc::NotFound) return true;  // pruned, as is all below
        if (!entry) return tl::unexpected(entry.error());
        BZ_CHECK(look(tree, leaf, *entry));
      }
      end = found->searched_from;
    }
    return true;
  }

  /// The leaves from `from` up to end, one by one.
  Result<bool> scan(const std::string& tree, const auditlog::TreeReader& reader, std::uint64_t end,
                    std::uint64_t from) {
    while (end > from) {
      const std::uint64_t first = (end - 1) / audit::kTileWidth * audit::kTileWidth;
      const auto read = reader.bundle(first / audit::kTileWidth);
      if (!read && read.error().code == Errc::NotFound) return true;  // likewise
      if (!read) return tl::unexpected(read.error());
      const auto& entries = *read;
      for (; end > std::max(first, from); --end) {
        if (enough(tree, end)) return false;
        BZ_CHECK(look(tree, end - 1, entries[end - 1 - first]));
      }
    }
    return true;
  }

  Result<void> look(const std::string& tree, std::uint64_t index, const std::string& entry) {
    ++scanned_;
    if (!filter_.may_match(entry)) return {};
    BZ_TRY(const auto record, Document::parse(entry));
    if (!filter_.matches(record)) return {};
    ++found_;
    if (summary_)
      summary_->add(record);
    else
      rows_.emplace_back(audit_row(tree, index, record));
    return {};
  }

  const Call& call_;
  const auditlog::AuditIndex* index_;
  const AuditFilter filter_;
  const auditlog::IndexQuery query_;
  const std::size_t most_;
  const std::chrono::steady_clock::time_point until_;
  std::optional<AuditSummary> summary_;
  Items rows_;
  std::size_t found_ = 0;
  std::size_t scanned_ = 0;
  std::string next_;
};

}  // namespace

Result<Document> audit_search(Call& call, Args& args) {
  BZ_TRY(auto filter, take_filter(args));
  BZ_TRY(const auto tenant, args.text_or_none("tenant", 256));
  BZ_TRY(const auto after, args.text_or_none("after", 256));
  BZ_TRY(const auto limit, args.integer_or_none("limit", 1, kMostRows));
  BZ_TRY(const auto summary, take_summary(args));
  BZ_CHECK(args.finish());
  BZ_CHECK(audit_source(call));
  std::optional<RecordPlace> from;
  if (after) {
    BZ_TRY(from, parse_place(*after));
  }
  BZ_CHECK(record_reading(call, "audit.search", about(filter, tenant)));
  BZ_TRY(const auto trees, trees_of(call, tenant));
  Search search(call, std::move(filter), static_cast<std::size_t>(limit.value_or(kUsualRows)), summary);
  BZ_CHECK(search.run(trees, from));
  return std::move(search).answer();
}

}  // namespace bartizan::control
