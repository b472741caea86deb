#include "bartizan/net/address.hpp"

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <sys/socket.h>

namespace bartizan::net {
namespace {

TEST_CASE("a network holds its addresses and no other family's") {
  struct Row {
    const char* network;
    const char* host;
    bool inside;
  };
  for (const Row& row :
       {Row{"10.0.0.0/8", "10.255.1.2", true}, Row{"10.0.0.0/8", "11.0.0.1", false},
        Row{"192.168.4.0/23", "192.168.5.9", true}, Row{"192.168.4.0/23", "192.168.6.0", false},
        Row{"127.0.0.1", "127.0.0.1", true}, Row{"127.0.0.1", "127.0.0.2", false}, Row{"::1/128", "::1", true},
        Row{"fd00::/8", "fd12::1", true}, Row{"0.0.0.0/0", "::1", false}, Row{"0.0.0.0/0", "local", false}}) {
    CAPTURE(row.network);
    CAPTURE(row.host);
    CHECK(Network::parse(row.network).value().contains({row.host, 1}) == row.inside);
  }
  for (const char* bad : {"", "10.0.0.0/33", "10.0.0.0/", "10.0.0/8", "::1/129", "10.0.0.0/8x"}) {
    CAPTURE(bad);
    CHECK_FALSE(Network::parse(bad).has_value());
  }
}

TEST_CASE("an IPv4 peer on an IPv6 socket is known by its IPv4 address") {
  sockaddr_in6 mapped{};
  mapped.sin6_family = AF_INET6;
  mapped.sin6_port = htons(5000);
  inet_pton(AF_INET6, "::ffff:192.0.2.7", &mapped.sin6_addr);
  CHECK(Address::from_native(reinterpret_cast<const sockaddr*>(&mapped)).to_string() == "192.0.2.7:5000");
  inet_pton(AF_INET6, "2001:db8::1", &mapped.sin6_addr);
  CHECK(Address::from_native(reinterpret_cast<const sockaddr*>(&mapped)).to_string() == "[2001:db8::1]:5000");
}

}  // namespace
}  // namespace bartizan::net
