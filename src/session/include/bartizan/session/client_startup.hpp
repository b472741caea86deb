// From the first byte of a client to its StartupMessage, sans-I/O (PostgreSQL manual,
// "Start-up", "SSL Session Encryption", "Canceling Requests in Progress"). Strict: one
// SSLRequest, one GSSENCRequest, nothing behind an SSLRequest (CVE-2021-3935's class), no
// StartupMessage in the clear, exactly one StartupMessage.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "bartizan/base/bytes.hpp"
#include "bartizan/pgwire/writer.hpp"

namespace bartizan::session {

/// What a client asks for, its own copy. Immutable after startup: an identity is taken from it
/// once.
struct StartupRequest {
  std::string user;
  std::string database;
  std::string application_name;
  /// Settings for the server's StartupMessage, in order, those of `options` among them.
  std::vector<std::pair<std::string, std::string>> settings;
  std::optional<std::string> purpose;  ///< bartizan.purpose, for the gateway alone
  std::optional<std::string> tenant;   ///< bartizan.tenant, likewise
  /// To be answered with NegotiateProtocolVersion.
  bool newer_minor = false;
  std::vector<std::string> protocol_options;
};

struct CancelKey {
  std::uint32_t process_id = 0;
  std::uint32_t secret = 0;
  friend bool operator==(const CancelKey&, const CancelKey&) = default;
};

class ClientStartup {
 public:
  enum class Action : std::uint8_t {
    NeedMore,
    Refuse,    ///< send report() and close
    Close,     ///< say nothing
    StartTls,  ///< send 'S', then do the handshake, then tls_established()
    AnswerNo,  ///< send 'N' and go on
    Cancel,    ///< cancel_key(): act on it, answer nothing, close
    SignIn,    ///< request() is there
  };
  struct Step {
    std::size_t consumed = 0;
    Action action = Action::NeedMore;
  };

  /// already_tls: direct TLS (ALPN postgresql), where SSLRequest has no place any more.
  explicit ClientStartup(bool already_tls) : tls_(already_tls) {}

  /// REQUIRES: no final action (Refuse, Close, Cancel, SignIn) has been given.
  Step on_bytes(ByteView input);
  void tls_established() noexcept { tls_ = true; }

  /// After Refuse: only TLS was missing.
  [[nodiscard]] bool needs_tls() const noexcept { return needs_tls_; }
  [[nodiscard]] const pgwire::ErrorReport& report() const { return report_; }
  [[nodiscard]] const CancelKey& cancel_key() const { return cancel_key_; }
  [[nodiscard]] const StartupRequest& request() const { return request_; }
  /// How many bytes on_bytes() wants in all before it can act; for exact reads in the clear.
  [[nodiscard]] static std::size_t wanted(ByteView so_far);

 private:
  Step refuse(pgwire::SqlState sqlstate, std::string message, std::string hint = {});
  Step on_packet(ByteView packet, bool bytes_behind);
  Step on_startup_message(ByteView packet);

  bool tls_;
  bool ssl_requested_ = false;
  bool needs_tls_ = false;
  bool gss_requested_ = false;
  pgwire::ErrorReport report_;
  CancelKey cancel_key_;
  StartupRequest request_;
};

}  // namespace bartizan::session
