// Refused sign-ins in the audit log, bounded: strangers cause these records, and must neither fill
// the disk with them nor push the log to the point where it refuses others' statements. The first
// of a window are recorded one by one; of the others there is one summary a reason and window.
#pragma once

#include <array>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include "bartizan/audit/log.hpp"
#include "bartizan/base/clock.hpp"

namespace bartizan::proxy {

enum class SignInRefusal : std::uint8_t {
  WrongPassword,
  UnknownIdentity,   ///< no such name, or disabled, over, without a password
  LockedOut,         ///< has to wait after failures
  Plaintext,         ///< no TLS
  TlsHandshake,      ///< a certificate of the client that is missing or not accepted among the reasons
  WrongCertificate,  ///< another name's
  Protocol,          ///< malformed, or asks for what is not offered
  TooManyClients,
  NotServing,  ///< the control database away
};
inline constexpr std::size_t kSignInRefusals = 9;
[[nodiscard]] std::string_view to_string(SignInRefusal reason) noexcept;

/// Thread-safe. Memory is bounded by Bounds::addresses.
class SignInRefusals {
 public:
  struct Bounds {
    std::uint32_t by_address = 60;  ///< recorded one by one in a window, of one address block
    std::uint32_t all = 600;        ///< and of all of them
    std::size_t addresses = 4096;   ///< told apart
    std::chrono::seconds window{60};
  };
  struct Refused {
    SignInRefusal reason = SignInRefusal::Protocol;
    std::string_view sqlstate;  ///< five characters
    std::string_view identity;  ///< as the client named it; empty: it has named none
    std::string_view depot;
    std::string_view address;  ///< with its port
    std::string_view host;
  };

  SignInRefusals(audit::Log& log, const Clock& clock, Bounds bounds);
  /// Writes the summary of what is left.
  ~SignInRefusals();
  SignInRefusals(const SignInRefusals&) = delete;
  SignInRefusals& operator=(const SignInRefusals&) = delete;

  /// True: it has a record of its own.
  bool record(const Refused& refused);
  /// The tick: ends a window whose time is over.
  void settle();

 private:
  void end_window();

  audit::Log& log_;
  const Clock& clock_;
  const Bounds bounds_;
  std::mutex mutex_;
  SteadyTime began_;
  std::uint32_t recorded_ = 0;
  std::unordered_map<std::string, std::uint32_t> by_address_;
  std::array<std::uint64_t, kSignInRefusals> counted_{};  ///< without a record of their own
};

}  // namespace bartizan::proxy
