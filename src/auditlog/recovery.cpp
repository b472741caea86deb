#include "recovery.hpp"

#include <algorithm>
#include <set>

#include "journal_format.hpp"
#include "whole_file.hpp"

namespace bartizan::auditlog {
namespace {

constexpr std::uint64_t kMaxSegmentFile = std::uint64_t{8} * 1024 * 1024 * 1024;

class Scan {
 public:
  Scan(FileLayer& files, const std::string& directory, const State& state)
      : files_(files), directory_(directory), state_(state) {
    found_.last_sequence = state.sequence;
    found_.next_ticket = state.next_ticket;
    found_.highest_number = state.segment;
    for (const auto& intent : state.open) open_.insert(intent.ticket);
  }

  Result<void> segment(std::uint64_t number) {
    found_.highest_number = std::max(found_.highest_number, number);
    if (number < state_.segment) {
      found_.stale.push_back(number);
      return {};
    }
    const std::string path = segment_path(directory_, number);
    BZ_TRY(const Bytes bytes, read_whole(files_, path, kMaxSegmentFile));
    const ByteView all(bytes);
    std::uint64_t at =
        number == state_.segment ? std::max<std::uint64_t>(state_.offset, kSegmentHeaderBytes) : kSegmentHeaderBytes;
    if (!is_segment_header(all, state_.log_id, number)) return torn(path, all, 0);
    while (at < all.size()) {
      const auto group = decode_group(all.subspan(at), state_.log_id);
      if (!group) break;
      BZ_CHECK(take(path, at, *group));
      at += kGroupHeaderBytes + group->payload.size();
    }
    found_.segments.push_back({number, std::min<std::uint64_t>(at, all.size()), true});
    return at < all.size() ? torn(path, all, at) : Result<void>{};
  }

  Recovered finish() {
    found_.orphans.assign(open_.begin(), open_.end());
    return std::move(found_);
  }

 private:
  Result<void> take(const std::string& path, std::uint64_t at, const Group& group) {
    if (group.sequence <= found_.last_sequence) return {};  // written twice after a failed sync
    if (group.sequence != found_.last_sequence + 1) return damaged(path, at, "groups before it are missing");
    found_.last_sequence = group.sequence;
    const RecordSink sink{[this](audit::Ticket ticket, ByteView) {
                            open_.insert(ticket.get());
                            found_.next_ticket = std::max(found_.next_ticket, ticket.get() + 1);
                          },
                          [this](const OutcomeRecord& record) { open_.erase(record.ticket.get()); }};
    if (!for_each_record(group, sink)) return damaged(path, at, "its records don't add up");
    return {};
  }

  /// Nothing newer may stand behind what is torn: the writer went on only after a group was durable.
  Result<void> torn(const std::string& path, ByteView all, std::uint64_t at) {
    for (std::uint64_t next = at; next + kGroupHeaderBytes <= all.size(); ++next) {
      if (all[next] != std::byte{'B'}) continue;
      const auto header = decode_group_header(all.subspan(next), state_.log_id);
      if (header && header->sequence > found_.last_sequence + (next == at ? 1 : 0))
        return damaged(path, at, "a group is harmed that others follow");
    }
    const bool zeros = std::all_of(all.begin() + static_cast<std::ptrdiff_t>(at), all.end(),
                                   [](std::byte b) { return b == std::byte{0}; });
    if (!zeros) found_.torn_bytes += all.size() - at;
    return {};
  }

  static tl::unexpected<Error> damaged(const std::string& path, std::uint64_t at, const char* why) {
    return fail(Errc::Malformed,
                "the audit journal is damaged: " + path + " at byte " + std::to_string(at) + ": " + why);
  }

  FileLayer& files_;
  const std::string& directory_;
  const State& state_;
  Recovered found_;
  std::set<std::uint64_t> open_;
};

}  // namespace

Result<Recovered> scan_journal(FileLayer& files, const std::string& directory, const State& state) {
  BZ_TRY(const auto names, files.list(directory));
  std::vector<std::uint64_t> numbers;
  for (const auto& name : names)
    if (const auto number = parse_segment_name(name)) numbers.push_back(*number);
  std::sort(numbers.begin(), numbers.end());
  Scan scan(files, directory, state);
  for (const std::uint64_t number : numbers) BZ_CHECK(scan.segment(number));
  return scan.finish();
}

}  // namespace bartizan::auditlog
