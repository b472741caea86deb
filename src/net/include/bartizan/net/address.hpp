// Where a peer is: an IP address and port, or the local socket. Compared without the port for
// per-address limits; printed in logs and audit records.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "bartizan/base/result.hpp"

struct sockaddr;

namespace bartizan::net {

struct Address {
  std::string host;  ///< numeric, IPv4-mapped IPv6 shown as IPv4; "local" for a unix socket
  std::uint16_t port = 0;

  [[nodiscard]] std::string to_string() const;
  [[nodiscard]] static Address from_native(const sockaddr* address);
};

/// A network in CIDR form, such as 10.0.0.0/8 or ::1/128; a bare address is a network of one.
class Network {
 public:
  [[nodiscard]] static Result<Network> parse(std::string_view text);
  [[nodiscard]] bool contains(const Address& address) const;

 private:
  std::string octets_;  // 4 or 16 bytes
  unsigned prefix_bits_ = 0;
};

}  // namespace bartizan::net
