// The PROXY protocol's binary header, version 2 (HAProxy, "The PROXY protocol", section 2.2):
// how a load balancer tells the client's real address in front of the first byte. Believed from
// listed addresses only, which is the caller's duty; where it is expected it must be there,
// since the protocol forbids guessing. Pure: bytes in, address out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "bartizan/base/bytes.hpp"
#include "bartizan/base/result.hpp"

namespace bartizan::net {

/// Signature, fixed part, addresses and TLVs. Senders are told to stay within 536 bytes; the
/// rest is room for TLVs that name a certificate. No byte beyond it is ever asked for.
inline constexpr std::size_t kMaxProxyHeaderBytes = 2048;

struct ProxyHeader {
  /// What to take off the front of the stream before anything else is read.
  std::size_t header_bytes = 0;
  /// LOCAL: the balancer speaks for itself (a health check); keep the connection's own address.
  bool local = false;
  /// Numeric; empty when local. An IPv4-mapped IPv6 address is given as the IPv4 address it is.
  std::string source_address;
  std::uint16_t source_port = 0;
};

/// bytes: what came so far, from the connection's first byte. nullopt: more are needed, though
/// what is there fits. Malformed: no such header (told by the first byte that differs); TooLarge:
/// longer than kMaxProxyHeaderBytes; Unsupported: not TCP over IPv4 or IPv6.
[[nodiscard]] Result<std::optional<ProxyHeader>> decode_proxy_header(ByteView bytes);

}  // namespace bartizan::net
