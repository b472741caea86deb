#include "bartizan/session/client_startup.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <variant>

#include "bartizan/pgwire/frame.hpp"
#include "bartizan/pgwire/options.hpp"
#include "bartizan/pgwire/startup.hpp"

namespace bartizan::session {
namespace {

/// Settings that a client may not give at startup: they would change who the server thinks it
/// is, or load code. Everything else is PostgreSQL's own to judge.
constexpr std::array<std::string_view, 6> kRefusedSettings = {
    "role",    "session_authorization", "local_preload_libraries", "session_preload_libraries", "is_superuser",
    "bartizan"};

bool refused_setting(std::string_view name) {
  std::string lower(name);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return std::find(kRefusedSettings.begin(), kRefusedSettings.end(), lower) != kRefusedSettings.end() ||
         lower.starts_with("bartizan.");
}

/// What the gateway keeps itself (`bartizan.purpose`, `bartizan.tenant`), or null.
std::optional<std::string>* kept_setting(StartupRequest& request, std::string_view name) {
  if (name == "bartizan.purpose") return &request.purpose;
  if (name == "bartizan.tenant") return &request.tenant;
  return nullptr;
}

/// What a startup packet holds beside settings. Given by a switch in `options` it is a setting of
/// that name to PostgreSQL, which has none; forwarded as a parameter it would be obeyed.
bool names_no_setting(std::string_view name) {
  return name == "user" || name == "database" || name == "options" || name == "replication" ||
         name.starts_with("_pq_.");
}

/// The server's packet has to hold the login's and the database's name too.
constexpr std::size_t kMaxSettingsBytes = pgwire::kMaxStartupBytes - 1000;

}  // namespace

std::size_t ClientStartup::wanted(ByteView so_far) {
  if (so_far.size() < 4) return 4;
  std::uint32_t length = 0;
  return pgwire::peek_startup(so_far, length) == pgwire::FrameStatus::Ok ? length : 4;
}

ClientStartup::Step ClientStartup::refuse(pgwire::SqlState sqlstate, std::string message, std::string hint) {
  report_.severity = pgwire::Severity::Fatal;
  report_.sqlstate = sqlstate;
  report_.message = std::move(message);
  report_.hint = std::move(hint);
  return {0, Action::Refuse};
}

ClientStartup::Step ClientStartup::on_bytes(ByteView input) {
  std::uint32_t length = 0;
  switch (pgwire::peek_startup(input, length)) {
    case pgwire::FrameStatus::NeedMore: return {};
    case pgwire::FrameStatus::Malformed: return {0, Action::Close};  // not PostgreSQL's protocol: nothing to say
    case pgwire::FrameStatus::Ok: break;
  }
  if (input.size() < length) return {};
  auto step = on_packet(input.first(length), input.size() > length);
  step.consumed = length;
  return step;
}

ClientStartup::Step ClientStartup::on_packet(ByteView packet, bool bytes_behind) {
  auto decoded = pgwire::decode_startup(packet);
  if (!decoded) return refuse(pgwire::sqlstate_of(decoded.error().code), decoded.error().detail);
  if (std::holds_alternative<pgwire::SslRequest>(*decoded)) {
    if (tls_ || ssl_requested_)
      return refuse(pgwire::sqlstate::kProtocolViolation, "SSLRequest is not possible any more");
    if (bytes_behind)
      return refuse(pgwire::sqlstate::kProtocolViolation, "received unencrypted data after SSL request",
                    "This could be either a client-software bug or evidence of an attempted man-in-the-middle attack.");
    ssl_requested_ = true;
    return {0, Action::StartTls};
  }
  if (std::holds_alternative<pgwire::GssEncRequest>(*decoded)) {
    if (tls_ || gss_requested_)
      return refuse(pgwire::sqlstate::kProtocolViolation, "GSSENCRequest is not possible any more");
    gss_requested_ = true;
    return {0, Action::AnswerNo};
  }
  if (const auto* cancel = std::get_if<pgwire::CancelRequest>(&*decoded)) {
    // PostgreSQL takes cancels in the clear from clients that sign in under TLS, and so must we:
    // libpq before 17 sends them so. Who reads the key can cancel that session's statements, no more.
    if (cancel->key.size() != 4) return {0, Action::Close};
    cancel_key_ = {cancel->process_id, load_be32(cancel->key.data())};
    return {0, Action::Cancel};
  }
  return on_startup_message(packet);
}

ClientStartup::Step ClientStartup::on_startup_message(ByteView packet) {
  const auto decoded = pgwire::decode_startup(packet);
  const auto& message = std::get<pgwire::StartupMessage>(*decoded);
  if (message.major != 3)
    return refuse(
        pgwire::sqlstate::kFeatureNotSupported,
        fmt::format("unsupported frontend protocol {}.{}: server supports 3.0 to 3.0", message.major, message.minor));
  if (!tls_) {
    needs_tls_ = true;
    return refuse(pgwire::sqlstate::kInvalidAuthorizationSpecification, "Bartizan accepts connections under TLS only",
                  "Connect with sslmode=verify-full (sslmode=require at the least).");
  }
  request_.user = message.user();
  if (request_.user.empty())
    return refuse(pgwire::sqlstate::kInvalidAuthorizationSpecification,
                  "no PostgreSQL user name specified in startup packet");
  request_.database = message.database();
  if (const auto value = message.find("replication")) {
    const auto mode = pgwire::parse_replication(*value);
    if (!mode)
      return refuse(pgwire::sqlstate::kInvalidParameterValue,
                    fmt::format("invalid value for parameter \"replication\": \"{}\"", *value),
                    "Valid values are: \"false\", 0, \"true\", 1, \"database\".");
    if (*mode != pgwire::ReplicationMode::None)
      return refuse(
          pgwire::sqlstate::kFeatureNotSupported, "replication connections are not offered through Bartizan",
          "Replication would hand out every row unfiltered; connect to the server itself, where that is allowed.");
  }
  auto options = pgwire::parse_options(message.options());
  if (!options) return refuse(pgwire::sqlstate::kSyntaxError, options.error().detail);
  for (auto& option : *options) {
    if (names_no_setting(option.name))
      return refuse(pgwire::sqlstate::kUndefinedObject,
                    fmt::format("unrecognized configuration parameter \"{}\"", option.name));
    if (auto* kept = kept_setting(request_, option.name))
      *kept = std::move(option.value);
    else
      request_.settings.emplace_back(std::move(option.name), std::move(option.value));
  }
  for (const auto& [name, value] : message.settings()) {
    if (name == "application_name") request_.application_name = value;
    if (auto* kept = kept_setting(request_, name))
      *kept = value;
    else
      request_.settings.emplace_back(name, value);
  }
  std::size_t settings_bytes = 0;
  for (const auto& [name, value] : request_.settings) settings_bytes += name.size() + value.size() + 2;
  if (settings_bytes > kMaxSettingsBytes)
    return refuse(pgwire::sqlstate::kProgramLimitExceeded,
                  fmt::format("the startup parameters are longer than {} bytes", kMaxSettingsBytes));
  for (const auto& [name, value] : request_.settings)
    if (refused_setting(name))
      return refuse(pgwire::sqlstate::kInsufficientPrivilege,
                    fmt::format("parameter \"{}\" cannot be set at the start of a session", name),
                    "Leave it out of the connection string, PGOPTIONS and options.");
  request_.newer_minor = message.minor > 0;
  for (const auto name : message.protocol_options()) request_.protocol_options.emplace_back(name);
  return {0, Action::SignIn};
}

}  // namespace bartizan::session
