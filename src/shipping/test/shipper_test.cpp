// The shipper against a receiver that goes away, refuses and comes back: everything arrives, its cursor never ahead.
#include "bartizan/shipping/shipper.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <map>

#include "bartizan/shipping/transport.hpp"
#include "log_fixture.hpp"

namespace bartizan::shipping {
namespace {

using namespace std::chrono_literals;

/// What a receiver has, over several lives of its sender.
struct Receiver {
  std::mutex mutex;
  std::map<std::string, unsigned> got;  // guarded by mutex
  std::atomic<bool> away{false};
  std::atomic<bool> connection{true};
  std::atomic<int> settles_ms{0};

  [[nodiscard]] std::size_t distinct() {
    const std::lock_guard lock(mutex);
    return got.size();
  }
};

class FakeSink final : public Sink {
 public:
  explicit FakeSink(Receiver& receiver) : receiver_(receiver) {}
  Result<Delivered> deliver(std::span<const Record> records) override {
    if (receiver_.away) return fail(Errc::Unavailable, "away");
    receiver_.connection = true;
    const std::lock_guard lock(receiver_.mutex);
    for (const Record& record : records) ++receiver_.got[record.uid];
    return Delivered{};
  }
  std::chrono::milliseconds settles_after() const override { return std::chrono::milliseconds(receiver_.settles_ms); }
  bool connected() override { return receiver_.connection; }

 private:
  Receiver& receiver_;
};

bool eventually(const std::function<bool()>& holds) {
  for (int i = 0; i < 2000; ++i) {
    if (holds()) return true;
    std::this_thread::sleep_for(5ms);
  }
  return false;
}

std::unique_ptr<Shipper> ship(const LogFixture& log, Receiver& receiver) {
  ShipperOptions options{"test", log.place()};
  options.batch_records = 16;
  options.poll = 5ms;
  options.first_pause = 5ms;
  options.longest_pause = 20ms;
  auto shipper = Shipper::start(
      options, [&](const Stopper&) -> Result<std::unique_ptr<Sink>> { return std::make_unique<FakeSink>(receiver); });
  REQUIRE_MESSAGE(shipper, (shipper ? "" : shipper.error().detail));
  return std::move(*shipper);
}

TEST_CASE("outages delay records, and lose none") {
  LogFixture log;
  Receiver receiver;
  auto shipper = ship(log, receiver);
  log.write("acme", 100);
  log.publish();
  REQUIRE(eventually([&] { return receiver.distinct() == 100; }));
  receiver.away = true;
  log.write("acme", 100);
  log.publish();
  REQUIRE(eventually([&] { return shipper->figures().failures > 3; }));
  CHECK_FALSE(shipper->figures().connected);
  CHECK(shipper->figures().error == "away");
  CHECK(shipper->figures().lag > 0ms);
  CHECK(receiver.distinct() == 100);
  receiver.away = false;
  REQUIRE(eventually([&] { return receiver.distinct() == 200; }));
  REQUIRE(eventually([&] { return shipper->figures().connected && shipper->figures().lag == 0ms; }));
  CHECK(shipper->figures().dropped == 0);
  // A new life goes on where the old one ended.
  shipper.reset();
  log.write("acme", 10);
  log.publish();
  shipper = ship(log, receiver);
  REQUIRE(eventually([&] { return receiver.distinct() == 210; }));
  const std::lock_guard lock(receiver.mutex);
  for (const auto& [uid, times] : receiver.got) CHECK_MESSAGE(times == 1, uid);
}

TEST_CASE("what had not settled when a connection broke is sent again") {
  LogFixture log;
  Receiver receiver;
  receiver.settles_ms = 60'000;
  auto shipper = ship(log, receiver);
  log.write("acme", 50);
  log.publish();
  REQUIRE(eventually([&] { return receiver.distinct() == 50; }));
  receiver.connection = false;  // notices at its next look
  REQUIRE(eventually([&] { return shipper->figures().repeated == 50; }));
  REQUIRE(eventually([&] {
    const std::lock_guard lock(receiver.mutex);
    return receiver.got.begin()->second == 2;
  }));
  shipper.reset();
  // Its cursor had not moved either.
  shipper = ship(log, receiver);
  CHECK(eventually([&] {
    const std::lock_guard lock(receiver.mutex);
    return receiver.got.begin()->second == 3;
  }));
}

TEST_CASE("a cursor that is none, or another log's, stops the start") {
  LogFixture log;
  Receiver receiver;
  auditlog::CursorFile file(log.folder + "/log", "shipping-test.cursor");
  for (const char* text : {"nonsense", "bartizan-shipping 1\norigin other.example\nsystem 0\n"}) {
    REQUIRE(file.write(text));
    ShipperOptions options{"test", log.place()};
    CHECK_FALSE(Shipper::start(options, [&](const Stopper&) -> Result<std::unique_ptr<Sink>> {
      return std::make_unique<FakeSink>(receiver);
    }));
  }
}

}  // namespace
}  // namespace bartizan::shipping
