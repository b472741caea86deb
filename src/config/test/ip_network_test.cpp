#include "bartizan/config/ip_network.hpp"

#include <doctest/doctest.h>

#include <string>

namespace bartizan::config {
namespace {

TEST_CASE("addresses are read in their literal forms, and names are not") {
  struct Row {
    const char* text;
    const char* canonical;
    bool is_v6;
    bool loopback;
  };
  for (const Row& row :
       {Row{"127.0.0.1", "127.0.0.1", false, true}, Row{"0.0.0.0", "0.0.0.0", false, false},
        Row{"::", "::", true, false}, Row{"::1", "::1", true, true}, Row{"2001:DB8:0::1", "2001:db8::1", true, false},
        Row{"::ffff:10.1.2.3", "10.1.2.3", false, false}}) {
    CAPTURE(row.text);
    const auto address = IpAddress::parse(row.text);
    REQUIRE(address.has_value());
    CHECK(address->to_string() == row.canonical);
    CHECK(address->is_v6 == row.is_v6);
    CHECK(address->is_loopback() == row.loopback);
  }
  for (const std::string& text :
       {std::string(), std::string("localhost"), std::string("*"), std::string("1.2.3"), std::string("1.2.3.256"),
        std::string("fe80::1%eth0"), std::string("::1 "), std::string("1.2.3.4\0x", 9), std::string(100, '1')}) {
    CAPTURE(text);
    CHECK_FALSE(IpAddress::parse(text).has_value());
  }
}

TEST_CASE("a network contains what shares its prefix") {
  struct Row {
    const char* network;
    const char* address;
    bool contained;
  };
  for (const Row& row :
       {Row{"10.0.0.0/8", "10.255.0.1", true}, Row{"10.0.0.0/8", "11.0.0.0", false},
        Row{"10.0.0.0/8", "::ffff:10.1.1.1", true}, Row{"0.0.0.0/0", "203.0.113.9", true},
        Row{"0.0.0.0/0", "::1", false}, Row{"::/0", "2001:db8::1", true}, Row{"192.0.2.128/25", "192.0.2.127", false},
        Row{"192.0.2.128/25", "192.0.2.200", true}, Row{"192.0.2.7", "192.0.2.7", true},
        Row{"192.0.2.7", "192.0.2.6", false}, Row{"fd00::/8", "fdff::1", true}, Row{"fd00::/8", "fe00::1", false}}) {
    CAPTURE(row.network);
    CAPTURE(row.address);
    const auto network = IpNetwork::parse(row.network);
    REQUIRE(network.has_value());
    CHECK(network->contains(IpAddress::parse(row.address).value()) == row.contained);
    CHECK(IpNetwork::parse(network->to_string()).value() == *network);
  }
}

TEST_CASE("networks that cannot be meant are refused") {
  for (const char* text :
       {"", "/8", "10.0.0.0/", "10.0.0.0/33", "::/129", "10.0.0.0/-1", "10.0.0.0/8x", "10.0.0.0/8/8", "10.0.0/8"}) {
    CAPTURE(text);
    CHECK_FALSE(IpNetwork::parse(text).has_value());
  }
  const auto host_bits = IpNetwork::parse("10.1.0.0/8");
  REQUIRE_FALSE(host_bits.has_value());
  CHECK(host_bits.error().detail == "\"10.1.0.0/8\" has bits set behind its length; the network would be 10.0.0.0/8");
}

}  // namespace
}  // namespace bartizan::config
