#include "bartizan/identity/lockout.hpp"

#include <doctest/doctest.h>

namespace bartizan::identity {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using Scope = SignInThrottle::Scope;

const SteadyTime kStart = SteadyTime() + hours(1000);
const Bytes kSeed = to_bytes("0123456789abcdef");

SignInThrottle make_throttle(const SignInThrottlePolicy& policy = {}) { return {policy, kSeed}; }

void fail_times(SignInThrottle& throttle, int times, std::string_view account, std::string_view address,
                SteadyTime now) {
  for (int i = 0; i < times; ++i) throttle.failed(account, address, now);
}

TEST_CASE("the first failures are free, then the wait doubles up to its limit") {
  auto throttle = make_throttle();
  auto now = kStart;
  const seconds waits[] = {seconds(0),  seconds(0),  seconds(1),   seconds(2),   seconds(4),   seconds(8),  seconds(16),
                           seconds(32), seconds(64), seconds(128), seconds(256), seconds(300), seconds(300)};
  for (const auto wait : waits) {
    throttle.failed("alice", "192.0.2.1", now);
    const auto verdict = throttle.before_attempt("alice", "192.0.2.1", now);
    CHECK(verdict.retry_after == wait);
    CHECK(verdict.allowed == (wait == seconds(0)));
    if (wait > seconds(0)) {
      CHECK(verdict.scope == Scope::Pair);
      CHECK_FALSE(throttle.before_attempt("alice", "192.0.2.1", now + wait - milliseconds(1)).allowed);
    }
    now += wait;
    CHECK(throttle.before_attempt("alice", "192.0.2.1", now).allowed);
  }
}

TEST_CASE("part of a millisecond left is a wait of one") {
  auto throttle = make_throttle();
  fail_times(throttle, 3, "alice", "192.0.2.1", kStart);
  const auto verdict = throttle.before_attempt("alice", "192.0.2.1", kStart + seconds(1) - std::chrono::nanoseconds(1));
  CHECK_FALSE(verdict.allowed);
  CHECK(verdict.retry_after == milliseconds(1));
}

TEST_CASE("asking changes nothing") {
  auto throttle = make_throttle();
  for (int i = 0; i < 1000; ++i) CHECK(throttle.before_attempt("alice", "192.0.2.1", kStart).allowed);
  CHECK(throttle.size() == 0);
}

TEST_CASE("success clears the pair's count, failures are forgotten in time") {
  auto throttle = make_throttle();
  fail_times(throttle, 5, "alice", "192.0.2.1", kStart);
  throttle.succeeded("alice", "192.0.2.1", kStart + minutes(1));
  fail_times(throttle, 2, "alice", "192.0.2.1", kStart + minutes(1));
  CHECK(throttle.before_attempt("alice", "192.0.2.1", kStart + minutes(1)).allowed);

  fail_times(throttle, 15, "bob", "192.0.2.2", kStart);
  throttle.failed("bob", "192.0.2.2", kStart + hours(1));
  CHECK(throttle.before_attempt("bob", "192.0.2.2", kStart + hours(1)).allowed);
}

TEST_CASE("one account's failures from one address leave others alone") {
  auto throttle = make_throttle();
  fail_times(throttle, 10, "alice", "192.0.2.1", kStart);
  CHECK_FALSE(throttle.before_attempt("alice", "192.0.2.1", kStart).allowed);
  CHECK(throttle.before_attempt("bob", "192.0.2.1", kStart).allowed);
  CHECK(throttle.before_attempt("alice", "192.0.2.2", kStart).allowed);
  CHECK(throttle.before_attempt("Alice", "192.0.2.1", kStart).allowed);
}

TEST_CASE("spraying many accounts from one address stops that address, and a success does not free it") {
  auto throttle = make_throttle();
  for (int i = 0; i < 25; ++i) throttle.failed("user" + std::to_string(i), "2001:db8::1", kStart);
  const auto verdict = throttle.before_attempt("someone new", "2001:db8::ffff", kStart);  // the same /64
  CHECK_FALSE(verdict.allowed);
  CHECK(verdict.scope == Scope::Address);
  throttle.succeeded("own account", "2001:db8::1", kStart);
  CHECK_FALSE(throttle.before_attempt("someone new", "2001:db8::1", kStart).allowed);
  CHECK(throttle.before_attempt("someone new", "2001:db8:0:1::1", kStart).allowed);
}

TEST_CASE("a guesser at many addresses is slowed, and cannot lock the account out of its usual place") {
  auto throttle = make_throttle();
  throttle.succeeded("alice", "192.0.2.1", kStart);
  for (int i = 0; i < 200; ++i) throttle.failed("alice", "198.51.100." + std::to_string(i), kStart);
  const auto stranger = throttle.before_attempt("alice", "203.0.113.1", kStart);
  CHECK_FALSE(stranger.allowed);
  CHECK(stranger.scope == Scope::Account);
  CHECK(stranger.retry_after == seconds(5));
  CHECK(throttle.before_attempt("alice", "192.0.2.1", kStart).allowed);
  CHECK(throttle.before_attempt("bob", "203.0.113.1", kStart).allowed);

  // The usual place is usual for a week, and is no excuse for guessing from there.
  fail_times(throttle, 3, "alice", "192.0.2.1", kStart);
  CHECK(throttle.before_attempt("alice", "192.0.2.1", kStart).scope == Scope::Pair);
  const auto later = kStart + hours(24 * 7);
  for (int i = 0; i < 200; ++i) throttle.failed("alice", "198.51.100." + std::to_string(i), later);
  CHECK(throttle.before_attempt("alice", "192.0.2.1", later).scope == Scope::Account);
}

TEST_CASE("memory is bounded and the one longest untouched goes first") {
  SignInThrottlePolicy policy;
  policy.max_entries = 100;
  auto throttle = make_throttle(policy);
  fail_times(throttle, 10, "victim", "192.0.2.1", kStart);
  for (int i = 0; i < 5000; ++i) {
    const std::string account = std::to_string(i) + std::string(10000, 'x');
    throttle.failed(account, "10.0." + std::to_string(i / 200) + "." + std::to_string(i % 200),
                    kStart + milliseconds(i));
    if (i % 50 == 0) throttle.failed("victim", "192.0.2.1", kStart + milliseconds(i));
    throttle.succeeded(account, "unix", kStart);
  }
  CHECK(throttle.size() == 400);
  CHECK_FALSE(throttle.before_attempt("victim", "192.0.2.1", kStart + seconds(5)).allowed);  // touched all along
  CHECK(throttle.before_attempt("0" + std::string(10000, 'x'), "10.0.0.0", kStart + seconds(5)).allowed);
}

TEST_CASE("other curves hold for what was counted before") {
  auto throttle = make_throttle();
  fail_times(throttle, 3, "ann", "192.0.2.1", kStart);
  SignInThrottlePolicy strict;
  strict.pair.first_delay = seconds(30);
  throttle.use(strict);
  CHECK(throttle.before_attempt("ann", "192.0.2.1", kStart).retry_after == seconds(30));
}

TEST_CASE("names cannot run into one another") {
  auto throttle = make_throttle();
  fail_times(throttle, 10, std::string_view("a\0b", 3), "x", kStart);
  CHECK(throttle.before_attempt("b", std::string_view("x\0a", 3), kStart).allowed);
  CHECK(throttle.before_attempt("a", "x", kStart).allowed);
}

TEST_CASE("address blocks") {
  const struct {
    std::string_view address;
    std::string_view block;
  } cases[] = {
      {"192.0.2.7", "192.0.2.7"},
      {"::ffff:192.0.2.7", "192.0.2.7"},
      {"::1", "::/64"},
      {"2001:DB8:0:1:2:3:4:5", "2001:db8:0:1::/64"},
      {"fe80::1%eth0", "fe80::/64"},
      {"[local]", "[local]"},
      {"", ""},
  };
  for (const auto& c : cases) CHECK(address_block(c.address) == c.block);
}

}  // namespace
}  // namespace bartizan::identity
