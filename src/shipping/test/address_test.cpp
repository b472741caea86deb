#include <doctest/doctest.h>

#include "bartizan/shipping/sink.hpp"

namespace bartizan::shipping {
namespace {

TEST_CASE("addresses of receivers") {
  struct Row {
    std::string text;
    std::string host;
    unsigned port;
  };
  for (const Row& row : {Row{"siem.example.com:6514", "siem.example.com", 6514},
                         Row{"192.0.2.1:20514", "192.0.2.1", 20514}, Row{"[2001:db8::1]:6514", "2001:db8::1", 6514}}) {
    const auto peer = parse_address(row.text);
    REQUIRE(peer);
    CHECK(peer->host == row.host);
    CHECK(peer->port == row.port);
    CHECK(peer->tls);
  }
  for (const char* text : {"", "siem", "siem:", "siem:0", "siem:99999", "siem:6514x", ":6514", "2001:db8::1:6514",
                           "[2001:db8::1]", "si em:6514", "siem\n:6514", "[::1]6514"})
    CHECK_MESSAGE(!parse_address(text), text);
}

TEST_CASE("URLs of receivers: plain HTTP stays on this machine") {
  const auto url = parse_url("https://siem.example.com/v1/logs?tenant=a");
  REQUIRE(url);
  CHECK(url->peer.host == "siem.example.com");
  CHECK(url->peer.port == 443);
  CHECK(url->peer.tls);
  CHECK(url->target == "/v1/logs?tenant=a");
  CHECK(url->authority == "siem.example.com");
  CHECK(parse_url("https://siem.example.com:8443")->target == "/");
  CHECK(parse_url("https://siem.example.com:8443")->peer.port == 8443);
  CHECK_FALSE(parse_url("http://127.0.0.1:4318/v1/logs")->peer.tls);
  CHECK(parse_url("http://localhost/x")->peer.port == 80);
  for (const char* text : {"", "siem.example.com", "ftp://a/", "http://siem.example.com/", "https://", "https:///x",
                           "https://user@host/x", "https://host/a b", "https://host/a\r\nX: y", "https://host/#x"})
    CHECK_MESSAGE(!parse_url(text), text);
}

}  // namespace
}  // namespace bartizan::shipping
