#include "bartizan/net/address.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <charconv>
#include <cstring>

namespace bartizan::net {
namespace {

/// 4 or 16 octets, empty when text is no numeric address.
std::string octets_of(const std::string& text) {
  std::array<char, 16> octets{};
  if (inet_pton(AF_INET, text.c_str(), octets.data()) == 1) return {octets.data(), 4};
  if (inet_pton(AF_INET6, text.c_str(), octets.data()) == 1) return {octets.data(), 16};
  return {};
}

}  // namespace

std::string Address::to_string() const {
  if (port == 0) return host;
  const bool v6 = host.find(':') != std::string::npos;
  return (v6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

Address Address::from_native(const sockaddr* address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (address->sa_family == AF_INET) {
    sockaddr_in v4{};
    std::memcpy(&v4, address, sizeof v4);
    inet_ntop(AF_INET, &v4.sin_addr, text.data(), text.size());
    return {text.data(), ntohs(v4.sin_port)};
  }
  if (address->sa_family == AF_INET6) {
    sockaddr_in6 v6{};
    std::memcpy(&v6, address, sizeof v6);
    if (IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr))
      inet_ntop(AF_INET, &v6.sin6_addr.s6_addr[12], text.data(), text.size());
    else
      inet_ntop(AF_INET6, &v6.sin6_addr, text.data(), text.size());
    return {text.data(), ntohs(v6.sin6_port)};
  }
  return {"local", 0};
}

Result<Network> Network::parse(std::string_view text) {
  const auto slash = text.find('/');
  Network network;
  network.octets_ = octets_of(std::string(text.substr(0, slash)));
  if (network.octets_.empty()) return fail(Errc::InvalidArgument, "not a network in CIDR form, such as 10.0.0.0/8");
  const unsigned whole = static_cast<unsigned>(network.octets_.size()) * 8;
  network.prefix_bits_ = whole;
  if (slash != std::string_view::npos) {
    const auto digits = text.substr(slash + 1);
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), network.prefix_bits_);
    if (error != std::errc{} || end != digits.data() + digits.size() || network.prefix_bits_ > whole)
      return fail(Errc::InvalidArgument, "the prefix length after '/' is not between 0 and " + std::to_string(whole));
  }
  return network;
}

bool Network::contains(const Address& address) const {
  const auto octets = octets_of(address.host);
  if (octets.size() != octets_.size()) return false;
  for (unsigned bit = 0; bit < prefix_bits_; ++bit) {
    const unsigned mask = 0x80u >> (bit % 8);
    const auto differs = static_cast<unsigned char>(octets[bit / 8] ^ octets_[bit / 8]);
    if ((differs & mask) != 0) return false;
  }
  return true;
}

}  // namespace bartizan::net
