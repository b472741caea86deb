// IP addresses and networks in CIDR notation (RFC 4632, RFC 4291 section 2.3), as values. Names
// are never resolved here. An IPv4-mapped IPv6 address (::ffff:a.b.c.d) is read as the IPv4
// address that it stands for, so that a dual-stack listener matches IPv4 networks.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "bartizan/base/result.hpp"

namespace bartizan::config {

struct IpAddress {
  std::array<std::uint8_t, 16> octets{};  ///< an IPv4 address fills the first four
  bool is_v6 = false;

  friend auto operator<=>(const IpAddress&, const IpAddress&) = default;
  [[nodiscard]] std::string to_string() const;
  [[nodiscard]] bool is_loopback() const noexcept;
  [[nodiscard]] static Result<IpAddress> parse(std::string_view text);
};

struct IpNetwork {
  IpAddress address;               ///< bits behind the prefix are zero
  std::uint8_t prefix_length = 0;  ///< 0 to 32, or to 128

  friend auto operator<=>(const IpNetwork&, const IpNetwork&) = default;
  [[nodiscard]] bool contains(const IpAddress& other) const noexcept;
  [[nodiscard]] std::string to_string() const;
  /// "10.0.0.0/8", "fd00::/8", or a single address. Set bits behind the prefix are an error,
  /// because they mostly mean a mistyped length.
  [[nodiscard]] static Result<IpNetwork> parse(std::string_view text);
};

}  // namespace bartizan::config
