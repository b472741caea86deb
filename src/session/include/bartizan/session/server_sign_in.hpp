// The gateway's own sign-in to a depot's server, sans-I/O: StartupMessage out, SCRAM, then what
// the server says until its first ReadyForQuery. The server is a peer to be defended against:
// only SCRAM is answered (never a password in the clear or md5), every length is bounded, and
// what it says before it has proven itself does not reach the client.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "bartizan/base/bytes.hpp"
#include "bartizan/identity/scram_client.hpp"
#include "bartizan/pgwire/backend_messages.hpp"
#include "bartizan/pgwire/frame.hpp"
#include "bartizan/pgwire/writer.hpp"

namespace bartizan::session {

struct ServerSignInRequest {
  std::string user;
  std::string database;
  std::vector<std::pair<std::string, std::string>> settings;
  bool password_available = true;
  std::string scram_nonce;
  std::optional<Bytes> end_point_hash;  ///< of the server's certificate under TLS
};

class ServerSignIn {
 public:
  enum class Action : std::uint8_t {
    NeedMore,
    Send,        ///< out has something for the server
    DeriveKeys,  ///< server_first(): then keys_derived()
    Ready,       ///< signed in
    Failed,      ///< report() for the client
  };
  struct Step {
    std::size_t consumed = 0;
    Action action = Action::NeedMore;
  };
  static constexpr std::size_t kMaxGreetingBytes = 64 * 1024;

  explicit ServerSignIn(ServerSignInRequest request) : request_(std::move(request)) {}

  void begin(Bytes& out) const;
  Step on_bytes(ByteView input, Bytes& out);
  /// REQUIRES: the last action was DeriveKeys.
  Step keys_derived(const identity::ScramClientKeys& keys, Bytes& out);
  [[nodiscard]] const identity::ServerFirst& server_first() const { return server_first_; }

  [[nodiscard]] const pgwire::ErrorReport& report() const { return report_; }
  /// The server's ErrorResponse, where it may be shown as it is; empty otherwise.
  [[nodiscard]] const Bytes& server_error() const { return server_error_; }
  /// After Failed: this login is not let in (any more), and trying again is no use.
  [[nodiscard]] bool login_refused() const noexcept { return login_refused_; }
  /// ParameterStatus and NoticeResponse messages for the client, in order.
  [[nodiscard]] const Bytes& greeting() const { return greeting_; }
  [[nodiscard]] std::uint32_t process_id() const noexcept { return process_id_; }
  [[nodiscard]] std::uint32_t cancel_secret() const noexcept { return cancel_secret_; }

 private:
  enum class Phase : std::uint8_t { Authentication, ScramFirst, ScramKeys, ScramFinal, ScramOk, Authenticated };
  Step fail_with(pgwire::SqlState sqlstate, std::string message, std::string hint = {});
  Step on_message(const pgwire::FrameHeader& header, ByteView whole, Bytes& out);
  Step on_authentication(ByteView payload, Bytes& out);
  Step on_error(ByteView whole);

  ServerSignInRequest request_;
  Phase phase_ = Phase::Authentication;
  std::optional<identity::ScramClient> scram_;
  identity::ServerFirst server_first_;
  Bytes greeting_;
  Bytes server_error_;
  std::uint32_t process_id_ = 0;
  std::uint32_t cancel_secret_ = 0;
  bool key_seen_ = false;
  bool login_refused_ = false;
  pgwire::ErrorReport report_;
};

}  // namespace bartizan::session
