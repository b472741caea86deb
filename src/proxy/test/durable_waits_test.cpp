#include "durable_waits.hpp"

#include <doctest/doctest.h>

#include <array>
#include <string>

namespace bartizan::proxy {
namespace {

/// Durable as far as the test says.
class FakeLog final : public audit::Log {
 public:
  Result<audit::Ticket> begin(const audit::Intent&) override { return audit::Ticket(1); }
  void finish(audit::Ticket, const audit::Outcome&) override {}
  bool durable(audit::Ticket ticket) const noexcept override { return ticket.get() <= through; }
  ObserverId on_durable(Observer observer) override {
    observer_ = std::move(observer);
    return ObserverId(1);
  }
  void flush_through(std::uint64_t ticket) {
    through = ticket;
    observer_(audit::Ticket(ticket));
  }
  std::uint64_t through = 0;

 private:
  Observer observer_;
};

struct Fixture {
  FakeLog log;
  net::asio::io_context context;
  DurableWaits waits{log, context, std::chrono::seconds(1)};
  std::size_t run() {
    context.restart();
    return context.poll();
  }
};

struct Owner {
  DurableWaits::Notice notice;
  int told = 0;
  Owner* ends = nullptr;  ///< what this one is told ends that one's wait
  static void tell(void* owner) {
    auto& self = *static_cast<Owner*>(owner);
    ++self.told;
    if (self.ends != nullptr) self.ends->notice.unlist();
  }
};

TEST_CASE("a notice is told once, from the loop, when its ticket is durable") {
  Fixture f;
  std::array<Owner, 3> owners;
  for (std::uint64_t i = 0; i < 3; ++i) f.waits.tell(owners[i].notice, audit::Ticket(i + 1), &Owner::tell, &owners[i]);
  f.log.flush_through(2);
  CHECK(owners[0].told == 0);
  f.run();
  CHECK(owners[0].told == 1);
  CHECK(owners[1].told == 1);
  CHECK(owners[2].told == 0);
  CHECK_FALSE(owners[1].notice.waiting());
  CHECK(owners[2].notice.waiting());
  f.log.flush_through(3);
  f.run();
  CHECK(owners[2].told == 1);
  f.log.flush_through(4);
  CHECK(f.run() == 0);  // nobody waits: nothing is posted
}

TEST_CASE("a notice that waits already waits for the later ticket") {
  Fixture f;
  Owner owner;
  f.waits.tell(owner.notice, audit::Ticket(1), &Owner::tell, &owner);
  f.waits.tell(owner.notice, audit::Ticket(5), &Owner::tell, &owner);
  f.log.flush_through(4);
  f.run();
  CHECK(owner.told == 0);
  f.log.flush_through(5);
  f.run();
  CHECK(owner.told == 1);
}

TEST_CASE("what became durable before the notice stood in the list is told as well") {
  Fixture f;
  f.log.flush_through(7);
  Owner owner;
  f.waits.tell(owner.notice, audit::Ticket(7), &Owner::tell, &owner);
  CHECK(owner.told == 0);
  f.run();
  CHECK(owner.told == 1);
}

TEST_CASE("one that is told may end the waits of others that are due") {
  Fixture f;
  std::array<Owner, 3> owners;
  for (std::uint64_t i = 0; i < 3; ++i) {
    owners[i].ends = &owners[(i + 1) % 3];
    f.waits.tell(owners[i].notice, audit::Ticket(1), &Owner::tell, &owners[i]);
  }
  f.log.flush_through(1);
  f.run();
  CHECK(owners[0].told + owners[1].told + owners[2].told == 2);
  for (const auto& owner : owners) CHECK_FALSE(owner.notice.waiting());
}

TEST_CASE("a notice that ends is not told") {
  Fixture f;
  {
    Owner gone;
    f.waits.tell(gone.notice, audit::Ticket(1), &Owner::tell, &gone);
  }
  f.log.flush_through(1);
  CHECK(f.run() == 0);
}

}  // namespace
}  // namespace bartizan::proxy
