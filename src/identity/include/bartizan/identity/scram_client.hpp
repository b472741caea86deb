// The client's side of SCRAM-SHA-256 (-PLUS), with which the gateway signs in to the PostgreSQL
// behind it (RFC 5802, RFC 7677). That server is not trusted: every length is bounded, the
// iteration count is capped both ways (too many burn our threads, too few weaken the password),
// its nonce must extend ours, and it must prove that it knows the password too.
//
// The slow step, derive_scram_client_keys, is apart from the exchange: the I/O layer runs it off
// its loop, or skips it with keys cached for the same salt and count.
//
//   first = client.client_first();  ... server_first = client.parse_server_first(data)
//   keys  = cached.matches(server_first) ? cached.keys : derive_scram_client_keys(...)
//   final = client.client_final(keys);  ... client.verify_server_final(data)
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "bartizan/base/bytes.hpp"
#include "bartizan/base/result.hpp"
#include "bartizan/base/secret.hpp"
#include "bartizan/identity/scram_mechanism.hpp"

namespace bartizan::identity {

/// ClientKey and ServerKey of RFC 5802 section 3; as good as the password for its one server.
struct ScramClientKeys {
  SecretBytes client_key;
  SecretBytes server_key;
};

struct ServerFirst {
  std::string nonce;
  Bytes salt;
  std::uint32_t iterations = 0;
};

/// Keys and what they were derived from. The password and the server are the cache's own key.
struct ScramKeyCacheEntry {
  Bytes salt;
  std::uint32_t iterations = 0;
  ScramClientKeys keys;
  [[nodiscard]] bool matches(const ServerFirst& server_first) const noexcept;
};

/// PBKDF2: run it off the loop. Thread-safe. REQUIRES: bounds checked by parse_server_first.
[[nodiscard]] Result<ScramClientKeys> derive_scram_client_keys(std::string_view password, ByteView salt,
                                                               std::uint32_t iterations);

struct ScramClientLimits {
  std::uint32_t min_iterations = 4096;  ///< PostgreSQL's default; lower it by an explicit setting only
  std::uint32_t max_iterations = 100'000;
};

/// What the client says about channel binding in its GS2 header.
struct ScramBinding {
  enum class Kind : std::uint8_t {
    None,       ///< "n": no TLS, or a certificate without a hash
    NotOffered, ///< "y": we could, the server did not offer it; it will refuse if it did
    EndPoint,   ///< "p=tls-server-end-point"
  };
  Kind kind = Kind::None;
  Bytes end_point_hash;  ///< of EndPoint

  [[nodiscard]] std::string_view mechanism() const noexcept {
    return kind == Kind::EndPoint ? kScramSha256Plus : kScramSha256;
  }
};

/// Picks from the server's AuthenticationSASL. end_point_hash: of the server's certificate, when
/// TLS is on and it has one. Unsupported: neither mechanism is offered. FailedPrecondition:
/// required, but no binding is possible.
[[nodiscard]] Result<ScramBinding> choose_scram_binding(std::span<const std::string_view> offered,
                                                        std::optional<Bytes> end_point_hash, bool required);

/// One sign-in; one thread at a time. Any failure is final. The password is never in here.
class ScramClient {
 public:
  enum class State : std::uint8_t { Initial, FirstSent, KeysNeeded, FinalSent, Done, Failed };

  /// REQUIRES: client_nonce from make_scram_nonce, fresh.
  ScramClient(ScramBinding binding, std::string client_nonce, ScramClientLimits limits);

  [[nodiscard]] std::string_view mechanism() const noexcept { return binding_.mechanism(); }

  /// REQUIRES: state Initial.
  [[nodiscard]] std::string client_first();
  /// Malformed, TooLarge, Unsupported (mandatory extension), PermissionDenied (iteration count
  /// outside the limits), Unauthenticated (a nonce that does not extend ours).
  [[nodiscard]] Result<ServerFirst> parse_server_first(std::string_view data);
  [[nodiscard]] Result<std::string> client_final(const ScramClientKeys& keys);
  /// Unauthenticated: the server reported an error, or does not know the password.
  [[nodiscard]] Result<void> verify_server_final(std::string_view data);

  [[nodiscard]] State state() const noexcept { return state_; }

 private:
  Result<ServerFirst> read_server_first(std::string_view data) const;
  Result<void> check_server_final(std::string_view data) const;

  ScramBinding binding_;
  ScramClientLimits limits_;
  std::string nonce_;  ///< ours, then ours and the server's
  State state_ = State::Initial;
  std::string client_first_bare_;
  std::string server_first_;
  SecretBytes server_signature_;
};

}  // namespace bartizan::identity
