// Reading certificates and keys: shared by the parts of this module that inspect and that issue.
// Failures leave notes in OpenSSL's error queue: callers hold an ErrorQueueScope.
#pragma once

#include "bartizan/base/clock.hpp"
#include "bartizan/base/result.hpp"
#include "openssl_handles.hpp"

namespace bartizan::crypto {

/// The first certificate of a PEM text, or a DER certificate with nothing after it.
[[nodiscard]] Result<Certificate> read_certificate(ByteView pem_or_der);
[[nodiscard]] Result<PrivateKey> read_private_key(ByteView pem);
[[nodiscard]] WallTime not_after_of(const X509& certificate);

/// An in-memory source over bytes that outlive it.
[[nodiscard]] Bio memory_source(ByteView bytes);
/// What was written to a memory sink.
[[nodiscard]] ByteView written_to(BIO& sink) noexcept;

}  // namespace bartizan::crypto
