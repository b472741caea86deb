#include "bartizan/config/ip_network.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>

#include "in_quotes.hpp"

namespace bartizan::config {
namespace {

/// Longest text form of an address, with room for one byte too many.
constexpr std::size_t kMaxTextBytes = INET6_ADDRSTRLEN;

bool is_v4_mapped(const std::array<std::uint8_t, 16>& octets) {
  return std::all_of(octets.begin(), octets.begin() + 10, [](std::uint8_t o) { return o == 0; }) &&
         octets[10] == 0xff && octets[11] == 0xff;
}

/// Clears every bit behind the prefix; true if one was set.
bool clear_host_bits(IpAddress& address, unsigned prefix_length) {
  bool cleared = false;
  const std::size_t count = address.is_v6 ? 16 : 4;
  for (std::size_t i = 0; i < count; ++i) {
    const auto kept =
        static_cast<unsigned>(std::clamp(static_cast<int>(prefix_length) - static_cast<int>(i) * 8, 0, 8));
    const auto mask = static_cast<std::uint8_t>(0xffu << (8 - kept));
    const auto masked = static_cast<std::uint8_t>(address.octets[i] & mask);
    cleared = cleared || masked != address.octets[i];
    address.octets[i] = masked;
  }
  return cleared;
}

}  // namespace

std::string IpAddress::to_string() const {
  char text[INET6_ADDRSTRLEN] = {};
  if (inet_ntop(is_v6 ? AF_INET6 : AF_INET, octets.data(), text, sizeof text) == nullptr) return {};
  return text;
}

bool IpAddress::is_loopback() const noexcept {
  if (!is_v6) return octets[0] == 127;
  return octets[15] == 1 && std::all_of(octets.begin(), octets.end() - 1, [](std::uint8_t o) { return o == 0; });
}

Result<IpAddress> IpAddress::parse(std::string_view text) {
  const bool plausible = text.size() < kMaxTextBytes && text.find('\0') == std::string_view::npos;
  const std::string terminated(plausible ? text : std::string_view());
  IpAddress address;
  if (inet_pton(AF_INET, terminated.c_str(), address.octets.data()) == 1) return address;
  if (inet_pton(AF_INET6, terminated.c_str(), address.octets.data()) == 1) {
    if (is_v4_mapped(address.octets)) {
      std::copy(address.octets.begin() + 12, address.octets.end(), address.octets.begin());
      std::fill(address.octets.begin() + 4, address.octets.end(), std::uint8_t{0});
    } else {
      address.is_v6 = true;
    }
    return address;
  }
  if (text == "*") {
    return fail(Errc::InvalidArgument, R"("*" is not an IP address: for every interface write "0.0.0.0" and "::")");
  }
  if (text == "localhost") {
    return fail(Errc::InvalidArgument, R"("localhost" is not an IP address: write "127.0.0.1" or "::1")");
  }
  return fail(Errc::InvalidArgument, in_quotes(text) + " is not an IP address");
}

bool IpNetwork::contains(const IpAddress& other) const noexcept {
  if (other.is_v6 != address.is_v6) return false;
  IpAddress masked = other;
  clear_host_bits(masked, prefix_length);
  return masked == address;
}

std::string IpNetwork::to_string() const { return address.to_string() + '/' + std::to_string(prefix_length); }

Result<IpNetwork> IpNetwork::parse(std::string_view text) {
  const auto slash = text.find('/');
  auto address = IpAddress::parse(text.substr(0, slash));
  if (!address) {
    return fail(Errc::InvalidArgument,
                in_quotes(text) + R"( is not a network: write an address and a length, such as "10.0.0.0/8")");
  }
  const unsigned longest = address->is_v6 ? 128 : 32;
  unsigned length = longest;
  if (slash != std::string_view::npos) {
    const std::string_view digits = text.substr(slash + 1);
    const auto [rest, error] = std::from_chars(digits.data(), digits.data() + digits.size(), length);
    if (error != std::errc{} || rest != digits.data() + digits.size() || length > longest) {
      return fail(Errc::InvalidArgument,
                  in_quotes(text) + ": the length after / goes from 0 to " + std::to_string(longest));
    }
  }
  IpNetwork network{*address, static_cast<std::uint8_t>(length)};
  if (clear_host_bits(network.address, length)) {
    return fail(Errc::InvalidArgument,
                in_quotes(text) + " has bits set behind its length; the network would be " + network.to_string());
  }
  return network;
}

}  // namespace bartizan::config
