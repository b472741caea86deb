// Back-off after failed sign-ins. Three counts, each with an exponential delay:
//   pair     an account from an address block: one guesser, one victim
//   address  an address block, whatever the accounts: spraying of passwords
//   account  an account, from wherever: a distributed guesser; this delay stays short and does
//            not apply to an address block from which the account signed in lately, so that
//            strangers cannot lock anyone out of the usual place
// Nothing is ever locked for good. Unknown account names are counted like known ones. An address
// block is one IPv4 address, or a /64 of IPv6.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "bartizan/base/bytes.hpp"
#include "bartizan/base/clock.hpp"

namespace bartizan::identity {

/// After `free_failures` (at least 1) failures the next attempt waits first_delay, doubled by each further
/// failure up to max_delay; counted from the last failure. Forgotten after `memory` without one.
struct BackoffCurve {
  std::uint32_t free_failures;
  std::chrono::milliseconds first_delay;
  std::chrono::milliseconds max_delay;
  std::chrono::milliseconds memory;
};

struct SignInThrottlePolicy {
  BackoffCurve pair{3, std::chrono::seconds(1), std::chrono::minutes(5), std::chrono::hours(1)};
  BackoffCurve address{20, std::chrono::seconds(1), std::chrono::minutes(5), std::chrono::hours(1)};
  BackoffCurve account{50, std::chrono::milliseconds(250), std::chrono::seconds(5), std::chrono::hours(1)};
  std::chrono::milliseconds familiar_for = std::chrono::hours(24 * 7);
  std::size_t max_entries = 65536;  ///< of each of the four tables; the one longest untouched goes first
};

/// Not thread-safe: the owner serialises. Check, verification of the proof and report belong in
/// one critical section (SCRAM's last step takes microseconds): before_attempt immediately before
/// the proof is checked, failed or succeeded immediately after, so that parallel connections
/// cannot outrun the count. It may also be asked earlier, to refuse sooner: asking changes
/// nothing. A client that leaves without a proof (psql does, to prompt) is no failure.
/// Memory: bounded by max_entries, whatever the lengths of names. Time is handed in.
class SignInThrottle {
 public:
  enum class Scope : std::uint8_t { None, Pair, Address, Account };
  struct Verdict {
    bool allowed = true;
    std::chrono::milliseconds retry_after{0};  ///< 0 when allowed, else at least 1 ms
    Scope scope = Scope::None;                 ///< which count refused; for the log, not for the client
  };

  /// seed: random and secret, so that nobody can choose names that collide.
  SignInThrottle(const SignInThrottlePolicy& policy, ByteView seed);
  SignInThrottle(SignInThrottle&&) noexcept;
  SignInThrottle& operator=(SignInThrottle&&) noexcept;
  ~SignInThrottle();

  /// address: text of an IP address; anything else (a unix socket's label) is a block by itself.
  [[nodiscard]] Verdict before_attempt(std::string_view account, std::string_view address, SteadyTime now) const;
  void failed(std::string_view account, std::string_view address, SteadyTime now);
  /// Clears the pair's count only: else whoever owns one account could clear an address's.
  void succeeded(std::string_view account, std::string_view address, SteadyTime now);

  /// Other curves from now on; what was counted stays. REQUIRES: max_entries as it was.
  void use(const SignInThrottlePolicy& policy);

  /// Entries of all tables, for metrics and tests.
  [[nodiscard]] std::size_t size() const noexcept;

 private:
  struct Tables;
  std::unique_ptr<Tables> tables_;
};

/// The block that an address counts as: "192.0.2.7", "2001:db8:0:1::/64" (an IPv4-mapped IPv6
/// address is its IPv4 address; other text is returned as it is).
[[nodiscard]] std::string address_block(std::string_view address);

}  // namespace bartizan::identity
