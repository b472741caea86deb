#include "journal_format.hpp"

#include <algorithm>
#include <cstring>
#include <string_view>

#include "bartizan/audit/record.hpp"
#include "byte_order.hpp"
#include "crc32c.hpp"

namespace bartizan::auditlog {
namespace {

constexpr std::string_view kSegmentMagic = "BZAUDJ1\n";
constexpr std::string_view kGroupMagic = "BZG1";
constexpr std::byte kIntent{1};
constexpr std::byte kOutcome{2};
constexpr std::size_t kIntentFixed = 16;
constexpr std::size_t kOutcomeBytes = 40;

void copy(std::byte* out, std::string_view text) {
  if (!text.empty()) std::memcpy(out, text.data(), text.size());
}

std::size_t intent_bytes(const std::byte* fixed) { return kIntentFixed + load_be16(fixed + 2) + load_be16(fixed + 4); }

}  // namespace

Bytes segment_header(std::uint64_t log_id, std::uint64_t number) {
  Bytes out(kSegmentHeaderBytes);
  copy(out.data(), kSegmentMagic);
  store_be64(out.data() + 8, log_id);
  store_be64(out.data() + 16, number);
  store_be32(out.data() + 24, crc32c(ByteView(out).first(24)));
  return out;
}

bool is_segment_header(ByteView bytes, std::uint64_t log_id, std::uint64_t number) {
  if (bytes.size() < kSegmentHeaderBytes) return false;
  const Bytes expected = segment_header(log_id, number);
  return std::equal(expected.begin(), expected.end(), bytes.begin());
}

std::byte* GroupBuffer::grow(std::size_t bytes) {
  const std::size_t at = bytes_.size();
  bytes_.resize(at + bytes);
  ++records_;
  return bytes_.data() + at;
}

void GroupBuffer::add(const audit::Intent& intent) {
  BZ_ASSERT(intent.session.size() <= audit::kMaxMembersBytes && intent.statement.size() <= audit::kMaxMembersBytes);
  std::byte* out = grow(kIntentFixed + intent.session.size() + intent.statement.size());
  out[0] = kIntent;
  out[1] = static_cast<std::byte>(intent.event);
  store_be16(out + 2, static_cast<std::uint16_t>(intent.session.size()));
  store_be16(out + 4, static_cast<std::uint16_t>(intent.statement.size()));
  store_be16(out + 6, 0);
  store_be64(out + 8, static_cast<std::uint64_t>(intent.at.time_since_epoch().count()));
  copy(out + kIntentFixed, intent.session);
  copy(out + kIntentFixed + intent.session.size(), intent.statement);
  ++intents_;
}

void GroupBuffer::add(audit::Ticket ticket, const audit::Outcome& outcome) {
  std::byte* out = grow(kOutcomeBytes);
  out[0] = kOutcome;
  out[1] = static_cast<std::byte>(outcome.status);
  copy(out + 2, {outcome.sqlstate.data(), outcome.sqlstate.size()});
  out[7] = std::byte{0};
  store_be64(out + 8, ticket.get());
  store_be64(out + 16, outcome.rows);
  store_be64(out + 24, outcome.bytes);
  store_be64(out + 32, static_cast<std::uint64_t>(std::max<std::int64_t>(0, outcome.duration.count())));
}

void GroupBuffer::seal(std::uint64_t log_id, std::uint64_t sequence, std::uint64_t first_ticket) {
  const ByteView payload = ByteView(bytes_).subspan(kGroupHeaderBytes);
  BZ_ASSERT(payload.size() <= kMaxGroupPayload);
  std::byte* out = bytes_.data();
  copy(out, kGroupMagic);
  store_be64(out + 8, sequence);
  store_be64(out + 16, first_ticket);
  store_be32(out + 24, static_cast<std::uint32_t>(payload.size()));
  store_be32(out + 28, crc32c(payload));
  store_be32(out + 32, records_);
  store_be32(out + 36, 0);
  store_be64(out + 40, log_id);
  store_be32(out + 4, crc32c(ByteView(bytes_).subspan(8, kGroupHeaderBytes - 8)));
}

std::optional<GroupHeader> decode_group_header(ByteView bytes, std::uint64_t log_id) {
  if (bytes.size() < kGroupHeaderBytes || as_chars(bytes.first(4)) != kGroupMagic) return std::nullopt;
  const std::byte* p = bytes.data();
  if (load_be32(p + 4) != crc32c(bytes.subspan(8, kGroupHeaderBytes - 8)) || load_be64(p + 40) != log_id)
    return std::nullopt;
  GroupHeader header{load_be64(p + 8), load_be64(p + 16), load_be32(p + 32), load_be32(p + 24), load_be32(p + 28)};
  if (header.payload_bytes > kMaxGroupPayload) return std::nullopt;
  return header;
}

std::optional<Group> decode_group(ByteView bytes, std::uint64_t log_id) {
  const auto header = decode_group_header(bytes, log_id);
  if (!header || bytes.size() - kGroupHeaderBytes < header->payload_bytes) return std::nullopt;
  const ByteView payload = bytes.subspan(kGroupHeaderBytes, header->payload_bytes);
  if (crc32c(payload) != header->payload_crc) return std::nullopt;
  return Group{header->sequence, header->first_ticket, header->records, payload};
}

bool for_each_record(const Group& group, const RecordSink& sink) {
  ByteView rest = group.payload;
  std::uint64_t ticket = group.first_ticket;
  for (std::uint32_t i = 0; i < group.records; ++i) {
    if (rest.size() < kIntentFixed) return false;
    if (rest[0] == kIntent) {
      const std::size_t size = intent_bytes(rest.data());
      if (rest.size() < size || !decode_intent(rest.first(size))) return false;
      sink.intent(audit::Ticket(ticket++), rest.first(size));
      rest = rest.subspan(size);
      continue;
    }
    const auto status = std::to_integer<unsigned>(rest[1]);
    if (rest[0] != kOutcome || rest.size() < kOutcomeBytes || status > static_cast<unsigned>(audit::Status::Unknown))
      return false;
    OutcomeRecord record;
    record.ticket = audit::Ticket(load_be64(rest.data() + 8));
    record.outcome.status = static_cast<audit::Status>(status);
    std::memcpy(record.outcome.sqlstate.data(), rest.data() + 2, record.outcome.sqlstate.size());
    record.outcome.rows = load_be64(rest.data() + 16);
    record.outcome.bytes = load_be64(rest.data() + 24);
    record.outcome.duration = std::chrono::microseconds(static_cast<std::int64_t>(load_be64(rest.data() + 32)));
    sink.outcome(record);
    rest = rest.subspan(kOutcomeBytes);
  }
  return rest.empty();
}

std::optional<audit::Intent> decode_intent(ByteView record) {
  if (record.size() < kIntentFixed || record[0] != kIntent || record.size() != intent_bytes(record.data()) ||
      std::to_integer<unsigned>(record[1]) > static_cast<unsigned>(audit::kLastEvent) ||
      load_be16(record.data() + 2) > audit::kMaxMembersBytes || load_be16(record.data() + 4) > audit::kMaxMembersBytes)
    return std::nullopt;
  const std::string_view members = as_chars(record.subspan(kIntentFixed));
  const std::size_t session = load_be16(record.data() + 2);
  return audit::Intent{static_cast<audit::Event>(record[1]),
                       WallTime(std::chrono::microseconds(static_cast<std::int64_t>(load_be64(record.data() + 8)))),
                       members.substr(0, session), members.substr(session)};
}

}  // namespace bartizan::auditlog
