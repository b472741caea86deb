#include "bartizan/audit/sealing.hpp"

#include <doctest/doctest.h>

#include <algorithm>

#include "bartizan/audit/log.hpp"

namespace bartizan::audit {
namespace {

TEST_CASE("slots are named by tree, month and index, in one way alone") {
  const auto slot = Slot::parse("t-acme/2026-11/17");
  REQUIRE(slot);
  CHECK(slot->tree == "t-acme");
  CHECK(slot->month == "2026-11");
  CHECK(slot->index == 17);
  CHECK(slot->to_string() == "t-acme/2026-11/17");
  for (const char* text : {"", "t-acme", "t-acme/2026-11", "t-acme/2026-13/1", "t-acme/2026-00/1", "t-acme/26-11/1",
                           "t-acme/2026-11/017", "t-acme/2026-11/1x", "../x/2026-11/1", "/2026-11/1",
                           "t-acme/../state/1", "t-acme/2026-11/-1", "t-acme/2026-11/99999999999999999999"})
    CHECK_MESSAGE(!Slot::parse(text), text);
  CHECK(month_of(WallTime(std::chrono::microseconds(1700000000000000))) == "2023-11");
  CHECK(month_of(WallTime(std::chrono::seconds(1706745599))) == "2024-01");  // the month's last second
  CHECK(month_of(WallTime(std::chrono::seconds(1706745600))) == "2024-02");
}

TEST_CASE("a value opens with its own key, in its own slot") {
  const Slot slot{"t-acme", "2026-11", 17};
  const auto key = crypto::SealingKey::generate(system_random());
  const std::string members = R"("address":"192.0.2.1:4711")";
  const auto member = sealed_member(slot, key, members, system_random()).value();
  CHECK(member.starts_with(R"("sealed":{"slot":"t-acme/2026-11/17","box":")"));
  CHECK(member.find("192.0.2.1") == std::string::npos);
  const auto box_at = member.find("\"box\":\"") + 7;
  const auto box = member.substr(box_at, member.find('"', box_at) - box_at);
  const auto sealed = parse_sealed("t-acme/2026-11/17", box).value();
  CHECK(open_sealed(sealed, key).value() == members);
  auto moved = sealed;
  moved.slot.index = 18;
  CHECK(open_sealed(moved, key).error().code == Errc::Crypto);
  CHECK(open_sealed(sealed, crypto::SealingKey::generate(system_random())).error().code == Errc::Crypto);
  CHECK_FALSE(parse_sealed("t-acme/2026-11/17", "not base64"));
  CHECK_FALSE(parse_sealed("elsewhere", box));
}

TEST_CASE("a slot that was zeroed has no key any more") {
  const auto month = crypto::SealingKey::generate(system_random());
  const auto key = crypto::SealingKey::generate(system_random());
  auto slot = wrap_slot(month, key).value();
  const auto opened = unwrap_slot(month, slot).value();
  CHECK(std::ranges::equal(opened.bytes().reveal(), key.bytes().reveal()));
  CHECK(unwrap_slot(crypto::SealingKey::generate(system_random()), slot).error().code == Errc::Crypto);
  slot.fill(std::byte{0});
  CHECK(unwrap_slot(month, slot).error().code == Errc::NotFound);
}

class Failing final : public Sealer {
 public:
  Result<std::string> seal(std::string_view, std::string_view, WallTime) override { return fail(Errc::Io, "disk"); }
};

TEST_CASE("an address that can't be sealed is left out, never in the clear") {
  std::string who = R"("identity":"mia")";
  Failing failing;
  append_address(who, &failing, "acme", "192.0.2.1:4711", WallTime{});
  CHECK(who == R"("identity":"mia","sealed":{"failed":true})");
  std::string clear;
  append_address(clear, nullptr, "acme", "192.0.2.1:4711", WallTime{});
  CHECK(clear == R"("address":"192.0.2.1:4711")");
}

}  // namespace
}  // namespace bartizan::audit
