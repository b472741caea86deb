#include "bartizan/net/tls.hpp"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <cstring>

namespace bartizan::net {
namespace {

struct BioFree {
  void operator()(BIO* p) const { BIO_free_all(p); }
};
struct X509Free {
  void operator()(X509* p) const { X509_free(p); }
};
struct KeyFree {
  void operator()(EVP_PKEY* p) const { EVP_PKEY_free(p); }
};
using BioPtr = std::unique_ptr<BIO, BioFree>;
using X509Ptr = std::unique_ptr<X509, X509Free>;
using KeyPtr = std::unique_ptr<EVP_PKEY, KeyFree>;

BioPtr memory_bio(std::string_view text) { return BioPtr(BIO_new_mem_buf(text.data(), static_cast<int>(text.size()))); }

std::string openssl_reason() {
  const unsigned long code = ERR_peek_last_error();
  ERR_clear_error();
  const char* reason = code == 0 ? nullptr : ERR_reason_error_string(code);
  return reason == nullptr ? "unknown reason" : reason;
}

/// A private key with a passphrase is refused rather than asked for on the terminal.
int no_passphrase(char*, int, int, void*) { return 0; }

Result<void> use_identity(SSL_CTX* context, std::string_view chain_pem, const SecretBytes& key_pem, Bytes& leaf_der) {
  const auto chain = memory_bio(chain_pem);
  const X509Ptr leaf(PEM_read_bio_X509(chain.get(), nullptr, no_passphrase, nullptr));
  if (!leaf) return fail(Errc::InvalidArgument, "no certificate in the certificate file: " + openssl_reason());
  if (SSL_CTX_use_certificate(context, leaf.get()) != 1)
    return fail(Errc::InvalidArgument, "certificate refused: " + openssl_reason());
  while (X509* next = PEM_read_bio_X509(chain.get(), nullptr, no_passphrase, nullptr)) {
    if (SSL_CTX_add0_chain_cert(context, next) != 1) {
      X509_free(next);
      return fail(Errc::InvalidArgument, "certificate chain refused: " + openssl_reason());
    }
  }
  ERR_clear_error();
  const auto key_bio = memory_bio(key_pem.reveal_chars());
  const KeyPtr key(PEM_read_bio_PrivateKey(key_bio.get(), nullptr, no_passphrase, nullptr));
  if (!key)
    return fail(Errc::InvalidArgument, "no private key without passphrase in the key file: " + openssl_reason());
  if (SSL_CTX_use_PrivateKey(context, key.get()) != 1)
    return fail(Errc::InvalidArgument, "the private key does not belong to the certificate: " + openssl_reason());
  unsigned char* der = nullptr;
  const int size = i2d_X509(leaf.get(), &der);
  if (size <= 0) return fail(Errc::Internal, "certificate can't be encoded");
  const auto* first = reinterpret_cast<const std::byte*>(der);
  leaf_der.assign(first, first + size);
  OPENSSL_free(der);
  return {};
}

Result<void> trust(SSL_CTX* context, std::string_view ca_pem) {
  if (ca_pem.empty()) {
    if (SSL_CTX_set_default_verify_paths(context) != 1)
      return fail(Errc::Unavailable, "the system's CA store can't be read");
    return {};
  }
  X509_STORE* store = SSL_CTX_get_cert_store(context);
  const auto bio = memory_bio(ca_pem);
  int count = 0;
  while (X509* next = PEM_read_bio_X509(bio.get(), nullptr, no_passphrase, nullptr)) {
    const X509Ptr owned(next);
    if (X509_STORE_add_cert(store, owned.get()) != 1)
      return fail(Errc::InvalidArgument, "CA certificate refused: " + openssl_reason());
    ++count;
  }
  ERR_clear_error();
  if (count == 0) return fail(Errc::InvalidArgument, "no certificate in the CA file");
  return {};
}

Result<void> common(SSL_CTX* context, TlsVersion min_version) {
  const int version = min_version == TlsVersion::Tls13 ? TLS1_3_VERSION : TLS1_2_VERSION;
  if (SSL_CTX_set_min_proto_version(context, version) != 1) return fail(Errc::Internal, "TLS version refused");
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE |
                                   SSL_OP_PRIORITIZE_CHACHA | SSL_OP_IGNORE_UNEXPECTED_EOF);
  // Released buffers: an idle session then keeps about 10 KB instead of 45.
  SSL_CTX_set_mode(context,
                   SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  // One system call for a record's header and body; Stream::try_read takes all that was read ahead.
  SSL_CTX_set_read_ahead(context, 1);
  char groups[] = "X25519:P-256:P-384";  // the macro for it casts const away
  if (SSL_CTX_ctrl(context, SSL_CTRL_SET_GROUPS_LIST, 0, groups) != 1)
    return fail(Errc::Internal, "TLS groups refused");
  if (SSL_CTX_set_cipher_list(context, "ECDHE+AESGCM:ECDHE+CHACHA20") != 1)
    return fail(Errc::Internal, "TLS 1.2 ciphers refused");
  return {};
}

/// Direct TLS (PostgreSQL 17's sslnegotiation=direct) must name the protocol by ALPN;
/// RFC 7301 section 3.2. A client that offers ALPN without `postgresql` is refused.
int select_alpn(SSL*, const unsigned char** out, unsigned char* out_size, const unsigned char* in, unsigned int in_size,
                void*) {
  static constexpr unsigned char kProtocol[] = "\x0apostgresql";
  unsigned char* chosen = nullptr;
  if (SSL_select_next_proto(&chosen, out_size, kProtocol, sizeof kProtocol - 1, in, in_size) != OPENSSL_NPN_NEGOTIATED)
    return SSL_TLSEXT_ERR_ALERT_FATAL;
  *out = chosen;
  return SSL_TLSEXT_ERR_OK;
}

}  // namespace

TlsContext::~TlsContext() { SSL_CTX_free(context_); }

Result<std::shared_ptr<const TlsContext>> TlsContext::server(const TlsServerOptions& options) {
  const std::shared_ptr<TlsContext> made(new TlsContext(SSL_CTX_new(TLS_server_method())));
  SSL_CTX* context = made->context_;
  if (context == nullptr) return fail(Errc::Internal, "no TLS context");
  BZ_CHECK(common(context, options.min_version));
  BZ_CHECK(use_identity(context, options.certificate_chain_pem, options.private_key_pem, made->certificate_der_));
  SSL_CTX_set_alpn_select_cb(context, select_alpn, nullptr);
  static constexpr unsigned char kSessionContext[] = "bartizan";
  SSL_CTX_set_session_id_context(context, kSessionContext, sizeof kSessionContext - 1);
  // Stateless tickets only: nothing to hold per client. One is enough, libpq reuses none.
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(context, options.session_tickets ? 1 : 0);
  if (!options.session_tickets) SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
  if (!options.client_ca_pem.empty()) {
    BZ_CHECK(trust(context, options.client_ca_pem));
    const auto bio = memory_bio(options.client_ca_pem);
    while (X509* ca = PEM_read_bio_X509(bio.get(), nullptr, no_passphrase, nullptr)) {
      const X509Ptr owned(ca);
      SSL_CTX_add_client_CA(context, owned.get());
    }
    ERR_clear_error();
    SSL_CTX_set_verify(
        context, SSL_VERIFY_PEER | (options.require_client_certificate ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0), nullptr);
  } else if (options.require_client_certificate) {
    return fail(Errc::InvalidArgument, "client certificates are required, but no client CA is configured");
  }
  return std::shared_ptr<const TlsContext>(made);
}

Result<std::shared_ptr<const TlsContext>> TlsContext::client(const TlsClientOptions& options) {
  const std::shared_ptr<TlsContext> made(new TlsContext(SSL_CTX_new(TLS_client_method())));
  SSL_CTX* context = made->context_;
  if (context == nullptr) return fail(Errc::Internal, "no TLS context");
  BZ_CHECK(common(context, options.min_version));
  BZ_CHECK(trust(context, options.ca_pem));
  if (!options.certificate_chain_pem.empty())
    BZ_CHECK(use_identity(context, options.certificate_chain_pem, options.private_key_pem, made->certificate_der_));
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  return std::shared_ptr<const TlsContext>(made);
}

}  // namespace bartizan::net
