// The server's side of SCRAM-SHA-256 and SCRAM-SHA-256-PLUS (RFC 5802, RFC 7677) as PostgreSQL
// speaks it: the user is the startup packet's, so the name in n= is ignored; no authorisation
// identity; tls-server-end-point is the only channel binding. Strict about everything else.
// Sans-I/O: SASLInitialResponse and SASLResponse data in, SASLContinue and SASLFinal data out.
//
// A name that does not exist is run with ScramVerifier::mock and genuine = false: the exchange is
// the same in shape, content and work up to the last step, which then always fails.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bartizan/base/bytes.hpp"
#include "bartizan/base/result.hpp"
#include "bartizan/identity/scram_mechanism.hpp"
#include "bartizan/identity/scram_verifier.hpp"

namespace bartizan::identity {

/// One sign-in of one connection; one thread at a time. A failed or finished exchange stays so:
/// every further call fails. The identity is the caller's and is fixed by the verifier.
class ScramServer {
 public:
  enum class State : std::uint8_t { Initial, FirstSent, Done, Failed };

  /// channel_binding_data: crypto::server_end_point_hash of our certificate on a TLS connection,
  /// nullopt where there is none; PLUS is offered exactly when it is given, so hand in the same
  /// choice as to mechanisms().
  /// REQUIRES: server_nonce from make_scram_nonce (fresh; printable, no comma, 1 to 128 characters).
  ScramServer(ScramVerifier verifier, bool genuine, std::optional<Bytes> channel_binding_data,
              std::string server_nonce);

  /// For AuthenticationSASL, best first.
  [[nodiscard]] static std::vector<std::string_view> mechanisms(bool channel_binding_available);

  /// client-first-message to server-first-message. Malformed, TooLarge, Unsupported (authorisation
  /// identity, mandatory extension, other binding type) or Unauthenticated (a downgrade: the
  /// client believes that PLUS was not offered, but it was).
  [[nodiscard]] Result<std::string> client_first(std::string_view mechanism, std::string_view data);

  /// client-final-message to server-final-message. Unauthenticated: wrong proof, wrong channel
  /// binding or not genuine; Malformed: also a nonce that is not this exchange's.
  [[nodiscard]] Result<std::string> client_final(std::string_view data);

  [[nodiscard]] State state() const noexcept { return state_; }
  /// Done, by SCRAM-SHA-256-PLUS.
  [[nodiscard]] bool channel_bound() const noexcept { return state_ == State::Done && plus_; }

 private:
  Result<void> accept_mechanism(std::string_view mechanism);
  Result<std::string> read_first(std::string_view data);
  Result<std::string_view> read_gs2_header(std::string_view data);
  Result<std::string> read_final(std::string_view data);
  [[nodiscard]] std::string expected_channel_binding() const;
  [[nodiscard]] bool proof_matches(ByteView proof, ByteView auth_message) const;

  ScramVerifier verifier_;
  bool genuine_;
  std::optional<Bytes> channel_binding_data_;
  std::string nonce_;  ///< the server's, then client's and server's
  State state_ = State::Initial;
  bool plus_ = false;
  std::string gs2_header_;
  std::string client_first_bare_;
  std::string server_first_;
};

}  // namespace bartizan::identity
