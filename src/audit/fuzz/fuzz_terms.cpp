// An entry from anywhere: its terms, or none; what is a record of ours always has some.
#include <cstdint>

#include "bartizan/audit/record.hpp"
#include "bartizan/audit/record_terms.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace bartizan;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  audit::RecordTerms terms;
  if (!audit::read_terms(text, terms)) BZ_ASSERT(terms.terms.empty());
  const std::string members = audit::bounded_members(text, audit::kMaxMembersBytes);
  std::string record;
  audit::append_record(record, audit::Ticket(1), {audit::Event::Statement, WallTime{}, members, members}, {});
  std::vector<audit::Member> split;
  if (!audit::split_members(members, split)) BZ_ASSERT(audit::read_terms(record, terms) && !terms.terms.empty());
  return 0;
}
