// Owning handles for OpenSSL's objects and the few casts that its byte type needs. Private to
// this module: no OpenSSL header is seen outside.
#pragma once

#include <openssl/asn1.h>
#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <memory>

#include "bartizan/base/bytes.hpp"

namespace bartizan::crypto {

template <auto Free>
struct OpensslDelete {
  template <class T>
  void operator()(T* object) const noexcept {
    Free(object);
  }
};

using MdContext = std::unique_ptr<EVP_MD_CTX, OpensslDelete<EVP_MD_CTX_free>>;
using MacContext = std::unique_ptr<EVP_MAC_CTX, OpensslDelete<EVP_MAC_CTX_free>>;
using CipherContext = std::unique_ptr<EVP_CIPHER_CTX, OpensslDelete<EVP_CIPHER_CTX_free>>;
using PrivateKey = std::unique_ptr<EVP_PKEY, OpensslDelete<EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, OpensslDelete<X509_free>>;
using CertificateExtension = std::unique_ptr<X509_EXTENSION, OpensslDelete<X509_EXTENSION_free>>;
using GeneralNames = std::unique_ptr<GENERAL_NAMES, OpensslDelete<GENERAL_NAMES_free>>;
using GeneralName = std::unique_ptr<GENERAL_NAME, OpensslDelete<GENERAL_NAME_free>>;
using AsnTime = std::unique_ptr<ASN1_TIME, OpensslDelete<ASN1_TIME_free>>;
using AsnString = std::unique_ptr<ASN1_STRING, OpensslDelete<ASN1_STRING_free>>;
using AsnInteger = std::unique_ptr<ASN1_INTEGER, OpensslDelete<ASN1_INTEGER_free>>;
using BigNumber = std::unique_ptr<BIGNUM, OpensslDelete<BN_free>>;
using Bio = std::unique_ptr<BIO, OpensslDelete<BIO_free_all>>;

[[nodiscard]] inline const unsigned char* octets(ByteView bytes) noexcept {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}
[[nodiscard]] inline unsigned char* writable_octets(std::span<std::byte> bytes) noexcept {
  return reinterpret_cast<unsigned char*>(bytes.data());
}

/// Whatever OpenSSL notes about a failure inside this scope is forgotten at its end: left in the
/// thread's queue it would be taken for a fault of the next TLS operation.
class ErrorQueueScope {
 public:
  ErrorQueueScope() noexcept { ERR_set_mark(); }
  ~ErrorQueueScope() { ERR_pop_to_mark(); }
  ErrorQueueScope(const ErrorQueueScope&) = delete;
  ErrorQueueScope& operator=(const ErrorQueueScope&) = delete;
};

/// SHA-256, fetched once and never freed.
[[nodiscard]] const EVP_MD* sha256_algorithm();

}  // namespace bartizan::crypto
