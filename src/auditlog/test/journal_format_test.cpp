#include "journal_format.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "crc32c.hpp"
#include "journal.hpp"
#include "state_file.hpp"

namespace bartizan::auditlog {
namespace {

constexpr std::uint64_t kLog = 0x1122334455667788;

TEST_CASE("CRC-32C of RFC 3720's examples") {
  CHECK(crc32c(as_bytes("123456789")) == 0xe3069283);
  CHECK(crc32c(Bytes(32)) == 0x8a9136aa);
  CHECK(crc32c(Bytes(32, std::byte{0xff})) == 0x62a8ab43);
  Bytes rising(32);
  for (std::size_t i = 0; i < 32; ++i) rising[i] = static_cast<std::byte>(i);
  CHECK(crc32c(rising) == 0x46dd794e);
  CHECK(crc32c({}) == 0);
}

GroupBuffer sample() {
  GroupBuffer group;
  group.add({audit::Event::Execute, WallTime(std::chrono::microseconds(5)), "\"who\":1", "\"what\":22"});
  group.add(audit::Ticket(3), {audit::Status::Failed, {'4', '2', 'P', '0', '1'}, 7, 8, std::chrono::microseconds(9)});
  group.add({audit::Event::SignIn, WallTime(std::chrono::microseconds(-1)), {}, {}});
  group.seal(kLog, 17, 100);
  return group;
}

TEST_CASE("what goes into a group comes out") {
  const GroupBuffer buffer = sample();
  const auto group = decode_group(buffer.bytes(), kLog).value();
  CHECK(group.sequence == 17);
  std::vector<std::string> seen;
  CHECK(for_each_record(
      group, {[&](audit::Ticket ticket, ByteView record) {
                const auto intent = decode_intent(record).value();
                seen.push_back(std::to_string(ticket.get()) + std::string(audit::to_string(intent.event)) +
                               std::to_string(intent.at.time_since_epoch().count()) + std::string(intent.session) +
                               std::string(intent.statement));
              },
              [&](const OutcomeRecord& record) {
                seen.push_back(std::to_string(record.ticket.get()) + std::string(record.outcome.sqlstate.data(), 5) +
                               std::to_string(record.outcome.rows) + std::to_string(record.outcome.bytes) +
                               std::to_string(record.outcome.duration.count()));
              }}));
  CHECK(seen == std::vector<std::string>{"100execute5\"who\":1\"what\":22", "342P01789", "101sign_in-1"});
}

TEST_CASE("a group with any changed or missing byte is not one") {
  const GroupBuffer buffer = sample();
  const Bytes good(buffer.bytes().begin(), buffer.bytes().end());
  for (std::size_t i = 0; i < good.size(); ++i) {
    Bytes bad = good;
    bad[i] ^= std::byte{16};
    CHECK_FALSE(decode_group(bad, kLog).has_value());
    CHECK_FALSE(decode_group(ByteView(good).first(i), kLog).has_value());
  }
  CHECK_FALSE(decode_group(good, kLog + 1).has_value());
  Bytes longer = good;
  longer.push_back(std::byte{1});
  CHECK(decode_group(longer, kLog).has_value());
}

TEST_CASE("records that don't add up are refused") {
  const GroupBuffer buffer = sample();
  const RecordSink sink{[](audit::Ticket, ByteView) {}, [](const OutcomeRecord&) {}};
  Group group = decode_group(buffer.bytes(), kLog).value();
  CHECK(for_each_record(group, sink));
  ++group.records;
  CHECK_FALSE(for_each_record(group, sink));
  group.records -= 2;
  CHECK_FALSE(for_each_record(group, sink));
}

TEST_CASE("segments: header and name") {
  const Bytes header = segment_header(kLog, 9);
  CHECK(header.size() == kSegmentHeaderBytes);
  CHECK(is_segment_header(header, kLog, 9));
  CHECK_FALSE(is_segment_header(header, kLog, 8));
  CHECK_FALSE(is_segment_header(header, kLog + 1, 9));
  CHECK(segment_path("d", 0xabc) == "d/0000000000000abc.segment");
  CHECK(parse_segment_name("0000000000000abc.segment") == 0xabc);
  for (const std::string_view bad : {"abc.segment", "0000000000000abc.segmen", "000000000000+abc.segment", ""})
    CHECK_FALSE(parse_segment_name(bad).has_value());
}

TEST_CASE("the state file: there and back, and nothing else") {
  const State state{1, 2, 3, 4, 5, {{"system", 6}, {"t-acme", 7}}, {{8, to_bytes("record")}, {9, {}}}};
  const Bytes good = encode_state(state);
  const State back = decode_state(good).value();
  CHECK(back.trees == state.trees);
  CHECK(back.open.size() == 2);
  CHECK(back.open[0].record == state.open[0].record);
  CHECK(encode_state(back) == good);
  for (std::size_t i = 0; i < good.size(); ++i) {
    Bytes bad = good;
    bad[i] ^= std::byte{2};
    CHECK_FALSE(decode_state(bad));
    CHECK_FALSE(decode_state(ByteView(good).first(i)));
  }
}

}  // namespace
}  // namespace bartizan::auditlog
