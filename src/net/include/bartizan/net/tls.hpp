// TLS contexts of both sides. TLS 1.3 by default; 1.2 only where the configuration says so.
// OpenSSL stays behind tls.cpp and stream.cpp.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "bartizan/base/bytes.hpp"
#include "bartizan/base/result.hpp"
#include "bartizan/base/secret.hpp"

struct ssl_ctx_st;

namespace bartizan::net {

enum class TlsVersion : std::uint8_t { Tls12, Tls13 };

struct TlsServerOptions {
  std::string certificate_chain_pem;  ///< leaf first
  SecretBytes private_key_pem;
  std::string client_ca_pem;  ///< empty: no client certificate is asked for
  bool require_client_certificate = false;
  TlsVersion min_version = TlsVersion::Tls13;
  bool session_tickets = true;
};

struct TlsClientOptions {
  std::string ca_pem;  ///< the roots that the server's certificate must chain to; empty: the system's
  std::string certificate_chain_pem;  ///< client certificate, empty for none
  SecretBytes private_key_pem;
  TlsVersion min_version = TlsVersion::Tls13;
};

/// An immutable OpenSSL context. Thread-safe; streams made from it keep it alive, so a reload
/// makes a new one and running sessions are not disturbed.
class TlsContext {
 public:
  [[nodiscard]] static Result<std::shared_ptr<const TlsContext>> server(const TlsServerOptions& options);
  [[nodiscard]] static Result<std::shared_ptr<const TlsContext>> client(const TlsClientOptions& options);
  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;
  ~TlsContext();

  [[nodiscard]] ssl_ctx_st* native() const noexcept { return context_; }
  /// DER of our own leaf certificate; empty on a client without one. For channel binding.
  [[nodiscard]] const Bytes& certificate_der() const noexcept { return certificate_der_; }

 private:
  explicit TlsContext(ssl_ctx_st* context) noexcept : context_(context) {}
  ssl_ctx_st* context_;
  Bytes certificate_der_;
};

}  // namespace bartizan::net
