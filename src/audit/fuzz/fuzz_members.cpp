// Members from anywhere: what splits covers the whole text; no record is over an entry's limit.
#include <cstdint>

#include "bartizan/audit/record.hpp"
#include "bartizan/audit/tile.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace bartizan;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  std::vector<audit::Member> members;
  if (audit::split_members(text, members)) {
    std::string again;
    for (const auto& member : members) {
      if (!again.empty()) again.push_back(',');
      again.append("\"").append(member.name).append("\":").append(member.value);
    }
    BZ_ASSERT(again == text);
  }
  const std::string bounded = audit::bounded_members(text, audit::kMaxMembersBytes);
  BZ_ASSERT(bounded.size() <= audit::kMaxMembersBytes);
  std::string record;
  const auto event = static_cast<audit::Event>(size % 6);
  audit::append_record(record, audit::Ticket(1), {event, WallTime{}, bounded, R"("tag":"SELECT","digest":"0")"}, {});
  BZ_ASSERT(record.size() <= audit::kMaxEntryBytes && record.front() == '{' && record.back() == '}');
  return 0;
}
