// The SCRAM exchange with a client as protocol messages (PostgreSQL manual, "SASL
// Authentication"), sans-I/O: AuthenticationSASL out, 'p' in, until AuthenticationOk or a
// refusal. Whether the name exists shows nowhere: an unknown one runs the same exchange.
#pragma once

#include <optional>
#include <string>

#include "bartizan/base/bytes.hpp"
#include "bartizan/identity/scram_server.hpp"
#include "bartizan/pgwire/frame.hpp"
#include "bartizan/pgwire/writer.hpp"

namespace bartizan::session {

class ClientSignIn {
 public:
  enum class Action : std::uint8_t {
    Send,    ///< out has the answer; go on reading
    Proven,  ///< out has AuthenticationSASLFinal and AuthenticationOk
    Refuse,  ///< send report() and close
  };

  ClientSignIn(std::string user, identity::ScramVerifier verifier, bool genuine, std::optional<Bytes> channel_binding,
               std::string server_nonce);

  /// Writes AuthenticationSASL.
  void begin(Bytes& out) const;
  /// One whole message of the client. After Proven or Refuse it must not be called again.
  [[nodiscard]] Action on_message(const pgwire::FrameHeader& header, ByteView payload, Bytes& out);
  [[nodiscard]] const pgwire::ErrorReport& report() const { return report_; }
  [[nodiscard]] bool channel_bound() const noexcept { return scram_.channel_bound(); }
  /// True where the failure was the proof itself, so that it counts for the back-off.
  [[nodiscard]] bool wrong_password() const noexcept { return wrong_password_; }
  /// The next message carries the proof.
  [[nodiscard]] bool awaiting_proof() const noexcept {
    return scram_.state() == identity::ScramServer::State::FirstSent;
  }

 private:
  Action refuse(pgwire::SqlState sqlstate, std::string message);

  std::string user_;
  bool channel_binding_available_;
  identity::ScramServer scram_;
  bool wrong_password_ = false;
  pgwire::ErrorReport report_;
};

/// What a client is told whose password is wrong, whose name is unknown or which must wait.
[[nodiscard]] pgwire::ErrorReport authentication_failed(const std::string& user);

}  // namespace bartizan::session
