// The journal's bytes (docs/formats/audit-log.md, "Journal"): a segment's header, groups, and the
// intents and outcomes inside them. Groups are built in place and decoded from untrusted files.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>

#include "bartizan/audit/log.hpp"
#include "bartizan/base/bytes.hpp"
#include "bartizan/base/result.hpp"

namespace bartizan::auditlog {

inline constexpr std::size_t kSegmentHeaderBytes = 32;
inline constexpr std::size_t kGroupHeaderBytes = 48;
inline constexpr std::uint32_t kMaxGroupPayload = 256u * 1024 * 1024;

[[nodiscard]] Bytes segment_header(std::uint64_t log_id, std::uint64_t number);
[[nodiscard]] bool is_segment_header(ByteView bytes, std::uint64_t log_id, std::uint64_t number);

/// A group under construction. Keeps its memory from one group to the next. Not thread-safe.
class GroupBuffer {
 public:
  GroupBuffer() { clear(); }
  void clear() {
    bytes_.resize(kGroupHeaderBytes);
    records_ = 0;
    intents_ = 0;
  }
  /// REQUIRES: who and what are at most audit::kMaxMembersBytes each.
  void add(const audit::Intent& intent);
  void add(audit::Ticket ticket, const audit::Outcome& outcome);
  void reserve(std::size_t bytes) { bytes_.reserve(bytes); }

  [[nodiscard]] bool empty() const noexcept { return records_ == 0; }
  [[nodiscard]] std::uint32_t intents() const noexcept { return intents_; }
  [[nodiscard]] std::uint32_t records() const noexcept { return records_; }
  [[nodiscard]] std::size_t size() const noexcept { return bytes_.size(); }
  /// Fills the header in. bytes() is then the group, until the next change.
  void seal(std::uint64_t log_id, std::uint64_t sequence, std::uint64_t first_ticket);
  [[nodiscard]] ByteView bytes() const noexcept { return bytes_; }

 private:
  std::byte* grow(std::size_t bytes);
  Bytes bytes_;
  std::uint32_t records_ = 0;
  std::uint32_t intents_ = 0;
};

struct Group {
  std::uint64_t sequence = 0;
  std::uint64_t first_ticket = 0;  ///< of the group's first intent
  std::uint32_t records = 0;
  ByteView payload;
};

struct GroupHeader {
  std::uint64_t sequence = 0;
  std::uint64_t first_ticket = 0;
  std::uint32_t records = 0;
  std::uint32_t payload_bytes = 0;
  std::uint32_t payload_crc = 0;
};
/// nullopt unless bytes begin with a whole and unharmed header of this log.
[[nodiscard]] std::optional<GroupHeader> decode_group_header(ByteView bytes, std::uint64_t log_id);
/// nullopt unless bytes begin with a whole and unharmed group of this log. The view is into bytes.
[[nodiscard]] std::optional<Group> decode_group(ByteView bytes, std::uint64_t log_id);

/// The views are into the payload.
struct OutcomeRecord {
  audit::Ticket ticket;
  audit::Outcome outcome;
};
struct RecordSink {
  std::function<void(audit::Ticket, ByteView record)> intent;  ///< the record as encoded, for decode_intent
  std::function<void(const OutcomeRecord&)> outcome;
};
/// False, possibly after some calls, when the payload is not made of the promised records.
[[nodiscard]] bool for_each_record(const Group& group, const RecordSink& sink);
[[nodiscard]] std::optional<audit::Intent> decode_intent(ByteView record);

}  // namespace bartizan::auditlog
