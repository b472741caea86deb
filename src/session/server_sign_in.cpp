#include "bartizan/session/server_sign_in.hpp"

#include <fmt/format.h>

#include <variant>

namespace bartizan::session {

namespace be = pgwire::backend;
using pgwire::sqlstate::kCannotConnectNow;
using pgwire::sqlstate::kConnectionFailure;

namespace {

/// Of equal names the server obeys the last: what ClientStartup lets through as a setting must not
/// be able to choose the login, the database or the kind of connection.
bool names_a_setting(std::string_view name) {
  return name != "user" && name != "database" && name != "options" && name != "replication" &&
         !name.starts_with("_pq_.");
}

}  // namespace

void ServerSignIn::begin(Bytes& out) const {
  std::vector<std::pair<std::string_view, std::string_view>> parameters = {{"user", request_.user},
                                                                           {"database", request_.database}};
  for (const auto& [name, value] : request_.settings)
    if (names_a_setting(name)) parameters.emplace_back(name, value);
  pgwire::MessageWriter writer(out);
  pgwire::write_startup_message(writer, pgwire::kProtocol30, parameters);
}

ServerSignIn::Step ServerSignIn::fail_with(pgwire::SqlState sqlstate, std::string message, std::string hint) {
  report_.severity = pgwire::Severity::Fatal;
  report_.sqlstate = sqlstate;
  report_.message = std::move(message);
  report_.hint = std::move(hint);
  return {0, Action::Failed};
}

ServerSignIn::Step ServerSignIn::on_bytes(ByteView input, Bytes& out) {
  Step step;
  while (step.consumed < input.size()) {
    const ByteView rest = input.subspan(step.consumed);
    pgwire::FrameHeader header;
    const auto status = pgwire::peek_frame(rest, header);
    if (status == pgwire::FrameStatus::NeedMore) return step;
    if (status == pgwire::FrameStatus::Malformed || header.total_bytes() > kMaxGreetingBytes ||
        header.length > pgwire::max_backend_length(header.type))
      return fail_with(kConnectionFailure, "the depot's server does not speak PostgreSQL's protocol");
    if (rest.size() < header.total_bytes()) return step;
    const auto handled = on_message(header, rest.first(header.total_bytes()), out);
    step.consumed += header.total_bytes();
    if (handled.action != Action::NeedMore) return {step.consumed, handled.action};
  }
  return step;
}

ServerSignIn::Step ServerSignIn::on_message(const pgwire::FrameHeader& header, ByteView whole, Bytes& out) {
  const auto payload = whole.subspan(pgwire::kFrameHeaderBytes);
  if (header.type == be::kErrorResponse) return on_error(whole);
  if (phase_ != Phase::Authenticated) {
    if (header.type == be::kAuthentication) return on_authentication(payload, out);
    return fail_with(kConnectionFailure, "the depot's server broke the sign-in protocol");
  }
  switch (header.type) {
    case be::kParameterStatus:
    case be::kNoticeResponse:
      if (greeting_.size() + whole.size() > kMaxGreetingBytes)
        return fail_with(kConnectionFailure, "the depot's server says too much before it is ready");
      greeting_.insert(greeting_.end(), whole.begin(), whole.end());
      return {};
    case be::kBackendKeyData: {
      const auto key = pgwire::decode_backend_key_data(payload);
      if (!key || key->key.size() != 4)
        return fail_with(kConnectionFailure, "the depot's server sent a malformed cancel key");
      process_id_ = key->process_id;
      cancel_secret_ = load_be32(key->key.data());
      key_seen_ = true;
      return {};
    }
    case be::kReadyForQuery: {
      const auto ready = pgwire::decode_ready_for_query(payload);
      if (!ready || ready->status != pgwire::TransactionStatus::Idle || !key_seen_)
        return fail_with(kConnectionFailure, "the depot's server broke the sign-in protocol");
      return {0, Action::Ready};
    }
    default: return fail_with(kConnectionFailure, "the depot's server broke the sign-in protocol");
  }
}

ServerSignIn::Step ServerSignIn::on_authentication(ByteView payload, Bytes& out) {
  const auto decoded = pgwire::decode_authentication(payload);
  if (!decoded) return fail_with(kConnectionFailure, "the depot's server broke the sign-in protocol");
  if (std::holds_alternative<pgwire::AuthenticationOk>(*decoded)) {
    // Without SCRAM the server has not proven that it knows the login: fine only where it is
    // known by its certificate or its socket and no password is held for it.
    if (phase_ != Phase::ScramOk && !(phase_ == Phase::Authentication && !request_.password_available))
      return fail_with(kConnectionFailure, "the depot's server asked for no password although one is set",
                       "Require scram-sha-256 for the gateway's login in pg_hba.conf.");
    phase_ = Phase::Authenticated;
    return {};
  }
  if (const auto* sasl = std::get_if<pgwire::AuthenticationSasl>(&*decoded)) {
    if (phase_ != Phase::Authentication || !request_.password_available)
      return fail_with(kConnectionFailure, "the depot's server asks for a password that the gateway does not have",
                       "Set the login's password with `bartizan depot login`.");
    std::vector<std::string_view> offered;
    for (const auto mechanism : sasl->mechanisms) offered.push_back(mechanism);
    auto binding = identity::choose_scram_binding(offered, request_.end_point_hash, false);
    if (!binding) return fail_with(kConnectionFailure, "the depot's server offers no SCRAM-SHA-256");
    scram_.emplace(std::move(*binding), request_.scram_nonce, identity::ScramClientLimits{});
    pgwire::MessageWriter writer(out);
    const auto mechanism = std::string(scram_->mechanism());
    pgwire::write_sasl_initial_response(writer, mechanism, as_bytes(scram_->client_first()));
    phase_ = Phase::ScramFirst;
    return {0, Action::Send};
  }
  if (const auto* next = std::get_if<pgwire::AuthenticationSaslContinue>(&*decoded);
      next != nullptr && phase_ == Phase::ScramFirst) {
    auto first = scram_->parse_server_first(as_chars(next->data));
    if (!first) return fail_with(kConnectionFailure, "the depot's server sent an unacceptable SCRAM challenge");
    server_first_ = std::move(*first);
    phase_ = Phase::ScramKeys;
    return {0, Action::DeriveKeys};
  }
  if (const auto* final = std::get_if<pgwire::AuthenticationSaslFinal>(&*decoded);
      final != nullptr && phase_ == Phase::ScramFinal) {
    if (!scram_->verify_server_final(as_chars(final->data)))
      return fail_with(kConnectionFailure, "the depot's server could not prove that it knows the login's password");
    phase_ = Phase::ScramOk;
    return {};
  }
  return fail_with(kConnectionFailure, "the depot's server asks for a way of sign-in other than SCRAM-SHA-256",
                   "Use scram-sha-256 or a client certificate for the gateway's login in pg_hba.conf.");
}

ServerSignIn::Step ServerSignIn::keys_derived(const identity::ScramClientKeys& keys, Bytes& out) {
  BZ_ASSERT(phase_ == Phase::ScramKeys);
  auto response = scram_->client_final(keys);
  if (!response) return fail_with(kConnectionFailure, "sign-in to the depot's server failed");
  pgwire::MessageWriter writer(out);
  pgwire::write_sasl_response(writer, as_bytes(*response));
  phase_ = Phase::ScramFinal;
  return {0, Action::Send};
}

ServerSignIn::Step ServerSignIn::on_error(ByteView whole) {
  const auto report = pgwire::decode_report(whole.subspan(pgwire::kFrameHeaderBytes));
  if (!report) return fail_with(kConnectionFailure, "the depot's server broke the sign-in protocol");
  const auto sqlstate = report->sqlstate();
  const auto starts = [&](std::string_view prefix) { return sqlstate.starts_with(prefix); };
  // Of the role, its password, its right to connect, or the database; anything else may pass.
  login_refused_ = starts("28") || starts("42501") || starts("3D000");
  // After sign-in everything concerns the client (a setting it gave, the database, limits);
  // before, an error that names the gateway's own login does not.
  if (phase_ == Phase::Authenticated) {
    server_error_.assign(whole.begin(), whole.end());
    return {0, Action::Failed};
  }
  if (starts("57P03"))
    return fail_with(kCannotConnectNow, "the depot's server is starting up or shutting down", "Try again shortly.");
  if (starts("53"))
    return fail_with(pgwire::sqlstate::kTooManyConnections, "the depot's server has no connection left",
                     "Try again later.");
  if (starts("3D000"))
    return fail_with(pgwire::sqlstate::kInvalidCatalogName, "the depot's database does not exist on its server");
  return fail_with(kConnectionFailure,
                   fmt::format("the depot's server refused the gateway's sign-in (SQLSTATE {})",
                               pgwire::SqlState::parse(sqlstate) ? sqlstate : "unknown"),
                   "An operator finds out more with `bartizan doctor`.");
}

}  // namespace bartizan::session
