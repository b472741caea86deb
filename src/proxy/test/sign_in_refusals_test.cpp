#include "sign_in_refusals.hpp"

#include <doctest/doctest.h>

#include <vector>

namespace bartizan::proxy {
namespace {

class FakeClock final : public Clock {
 public:
  WallTime wall() const override {
    return WallTime(std::chrono::duration_cast<WallTime::duration>(now.time_since_epoch()));
  }
  SteadyTime steady() const override { return now; }
  SteadyTime now{};
};

class FakeLog final : public audit::Log {
 public:
  Result<audit::Ticket> begin(const audit::Intent& intent) override {
    records.push_back(std::string(intent.session) + "|" + std::string(intent.statement));
    return audit::Ticket(records.size());
  }
  void finish(audit::Ticket ticket, const audit::Outcome& outcome) override {
    records.at(ticket.get() - 1).append("|").append(audit::to_string(outcome.status)).append(" ");
    records.at(ticket.get() - 1).append(outcome.sqlstate.data(), outcome.sqlstate.size());
  }
  bool durable(audit::Ticket) const noexcept override { return true; }
  std::vector<std::string> records;
};

SignInRefusals::Refused refused(SignInRefusal reason, std::string_view host, std::string_view identity = "ann") {
  return {reason, "28P01", identity, "demo", host, host};
}

TEST_CASE("the first are recorded one by one, the others as one summary a reason") {
  FakeClock clock;
  FakeLog log;
  SignInRefusals refusals(log, clock, {.by_address = 2, .all = 3, .addresses = 10, .window = std::chrono::seconds(60)});
  for (int i = 0; i < 1000; ++i) refusals.record(refused(SignInRefusal::WrongPassword, "10.0.0.1"));
  REQUIRE(log.records.size() == 2);
  CHECK(log.records[0] ==
        R"("identity":"ann","depot":"demo","address":"10.0.0.1"|"reason":"wrong_password"|refused 28P01)");
  // One address has not used up what there is for another, and all of them have a limit.
  CHECK(refusals.record(refused(SignInRefusal::LockedOut, "10.0.0.2")));
  CHECK_FALSE(refusals.record(refused(SignInRefusal::LockedOut, "10.0.0.3")));
  refusals.settle();
  CHECK(log.records.size() == 3);
  clock.now += std::chrono::seconds(60);
  refusals.settle();
  REQUIRE(log.records.size() == 5);
  CHECK(log.records[3] == R"("identity":""|"reason":"wrong_password","further":998|refused 28000)");
  CHECK(log.records[4] == R"("identity":""|"reason":"locked_out","further":1|refused 28000)");
  CHECK(refusals.record(refused(SignInRefusal::WrongPassword, "10.0.0.1")));
  refusals.settle();
  CHECK(log.records.size() == 6);
}

TEST_CASE("a window ends with the next refusal as well, and with the gateway") {
  FakeClock clock;
  FakeLog log;
  {
    SignInRefusals refusals(log, clock,
                            {.by_address = 1, .all = 9, .addresses = 10, .window = std::chrono::seconds(60)});
    refusals.record(refused(SignInRefusal::Plaintext, "10.0.0.1", ""));
    refusals.record(refused(SignInRefusal::Plaintext, "10.0.0.1", ""));
    clock.now += std::chrono::seconds(61);
    CHECK(refusals.record(refused(SignInRefusal::Plaintext, "10.0.0.1", "")));
    CHECK(log.records.size() == 3);
    refusals.record(refused(SignInRefusal::Plaintext, "10.0.0.1", ""));
  }
  REQUIRE(log.records.size() == 4);
  CHECK(log.records.back().find("\"further\":1") != std::string::npos);
}

TEST_CASE("memory is bounded, and so is what a stranger can write") {
  FakeClock clock;
  FakeLog log;
  SignInRefusals refusals(log, clock,
                          {.by_address = 9, .all = 9999, .addresses = 10, .window = std::chrono::seconds(60)});
  for (int i = 0; i < 100; ++i) refusals.record(refused(SignInRefusal::Protocol, "10.0.0." + std::to_string(i)));
  CHECK(log.records.size() == 10);
  const std::string name(10'000, 'x');
  refusals.record(refused(SignInRefusal::Protocol, "10.0.0.1", name));
  CHECK(log.records.back().size() < 300);
}

TEST_CASE("addresses of one IPv6 block are one") {
  FakeClock clock;
  FakeLog log;
  SignInRefusals refusals(log, clock, {.by_address = 1, .all = 9, .addresses = 10, .window = std::chrono::seconds(60)});
  CHECK(refusals.record(refused(SignInRefusal::Protocol, "2001:db8::1")));
  CHECK_FALSE(refusals.record(refused(SignInRefusal::Protocol, "2001:db8::2")));
}

}  // namespace
}  // namespace bartizan::proxy
