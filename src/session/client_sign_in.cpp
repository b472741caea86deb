#include "bartizan/session/client_sign_in.hpp"

#include <fmt/format.h>

#include "bartizan/pgwire/frontend_messages.hpp"

namespace bartizan::session {

using identity::ScramServer;

pgwire::ErrorReport authentication_failed(const std::string& user) {
  pgwire::ErrorReport report;
  report.severity = pgwire::Severity::Fatal;
  report.sqlstate = pgwire::sqlstate::kInvalidPassword;
  report.message = fmt::format("password authentication failed for user \"{}\"", user);
  return report;
}

ClientSignIn::ClientSignIn(std::string user, identity::ScramVerifier verifier, bool genuine,
                           std::optional<Bytes> channel_binding, std::string server_nonce)
    : user_(std::move(user)),
      channel_binding_available_(channel_binding.has_value()),
      scram_(std::move(verifier), genuine, std::move(channel_binding), std::move(server_nonce)) {}

void ClientSignIn::begin(Bytes& out) const {
  pgwire::MessageWriter writer(out);
  pgwire::write_authentication_sasl(writer, ScramServer::mechanisms(channel_binding_available_));
}

ClientSignIn::Action ClientSignIn::refuse(pgwire::SqlState sqlstate, std::string message) {
  report_.severity = pgwire::Severity::Fatal;
  report_.sqlstate = sqlstate;
  report_.message = std::move(message);
  return Action::Refuse;
}

ClientSignIn::Action ClientSignIn::on_message(const pgwire::FrameHeader& header, ByteView payload, Bytes& out) {
  if (header.type != pgwire::frontend::kPassword)
    return refuse(pgwire::sqlstate::kProtocolViolation,
                  fmt::format("expected SASL response, got message type {}",
                              static_cast<unsigned>(static_cast<unsigned char>(header.type))));
  pgwire::MessageWriter writer(out);
  if (scram_.state() == ScramServer::State::Initial) {
    const auto initial = pgwire::decode_sasl_initial_response(payload);
    if (!initial) return refuse(pgwire::sqlstate::kProtocolViolation, "invalid SASLInitialResponse message");
    const auto data = initial->data ? as_chars(*initial->data) : std::string_view();
    const auto answer = scram_.client_first(initial->mechanism, data);
    if (!answer) return refuse(pgwire::sqlstate::kProtocolViolation, answer.error().detail);
    pgwire::write_authentication_sasl_continue(writer, as_bytes(*answer));
    return Action::Send;
  }
  const auto response = pgwire::decode_sasl_response(payload);
  if (!response) return refuse(pgwire::sqlstate::kProtocolViolation, "invalid SASLResponse message");
  const auto answer = scram_.client_final(as_chars(response->data));
  if (!answer) {
    if (answer.error().code != Errc::Unauthenticated)
      return refuse(pgwire::sqlstate::kProtocolViolation, answer.error().detail);
    wrong_password_ = true;
    report_ = authentication_failed(user_);
    return Action::Refuse;
  }
  pgwire::write_authentication_sasl_final(writer, as_bytes(*answer));
  pgwire::write_authentication_ok(writer);
  return Action::Proven;
}

}  // namespace bartizan::session
