// The seam to whatever holds root keys (L0): a file under a passphrase, a PKCS#11 token, a key
// service. A provider wraps the secrets of keyring versions and unwraps them again; root keys
// themselves never leave it. Implementations live in `vault`.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "bartizan/base/bytes.hpp"
#include "bartizan/base/result.hpp"
#include "bartizan/base/secret.hpp"
#include "bartizan/keys/owner.hpp"

namespace bartizan::keys {

/// A root key as its provider names it, and the version of it: "file:main" 3.
struct RootRef {
  std::string provider;  ///< 1 to 200 bytes of printable ASCII
  std::uint32_t version = 0;
  friend auto operator<=>(const RootRef&, const RootRef&) = default;
};

/// What a wrapped secret is bound to: unwrapping under another one fails.
struct WrapContext {
  KeyringOwner owner;
  KeyId id;
  KeyPurpose purpose = KeyPurpose::Data;
  friend auto operator<=>(const WrapContext&, const WrapContext&) = default;
};

inline constexpr std::size_t kWrapContextBytes = 16 + kOwnerBytes + 4 + 1;
/// "bartizan/keyring" || owner || key id || purpose: a key service's encryption context or the
/// associated data of a token.
[[nodiscard]] std::array<std::byte, kWrapContextBytes> encode_wrap_context(const WrapContext& context) noexcept;

struct WrappedSecret {
  RootRef root;
  Bytes bytes;  ///< at most kMaxWrappedBytes
  friend bool operator==(const WrappedSecret&, const WrappedSecret&) = default;
};
inline constexpr std::size_t kMaxWrappedBytes = 4096;
inline constexpr std::size_t kMaxProviderBytes = 200;

/// Thread-safe. Calls may block on a device or a network: never from an I/O loop.
/// Errors: Unavailable (trying again may help), PermissionDenied (revoked by whoever holds the
/// root: the owner's data goes dark), NotFound (no such root version), Crypto (anything wrong
/// with the wrapped bytes or their context, one and the same detail).
class KeyProvider {
 public:
  virtual ~KeyProvider() = default;
  /// The version that wrap() uses now.
  [[nodiscard]] virtual Result<RootRef> active_root() = 0;
  [[nodiscard]] virtual Result<WrappedSecret> wrap(const SecretBytes& secret, const WrapContext& context) = 0;
  [[nodiscard]] virtual Result<SecretBytes> unwrap(const WrappedSecret& wrapped, const WrapContext& context) = 0;
};

}  // namespace bartizan::keys
