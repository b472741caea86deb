#include "bartizan/net/proxy_protocol.hpp"

#include <doctest/doctest.h>

#include <string>
#include <string_view>

namespace bartizan::net {
namespace {

const std::string kSignature("\x0d\x0a\x0d\x0a\x00\x0d\x0aQUIT\x0a", 12);

std::string header(int command, int family, std::string_view body) {
  std::string text = kSignature;
  text += static_cast<char>(command);
  text += static_cast<char>(family);
  text += static_cast<char>(body.size() >> 8);
  text += static_cast<char>(body.size() & 0xff);
  return text.append(body);
}

// 192.0.2.7:4660 -> 198.51.100.9:5432
const std::string kTcp4("\xc0\x00\x02\x07\xc6\x33\x64\x09\x12\x34\x15\x38", 12);
// [2001:db8::1]:4660 -> [2001:db8::2]:5432
const std::string kTcp6 = std::string("\x20\x01\x0d\xb8", 4) + std::string(11, '\0') + "\x01" +
                          std::string("\x20\x01\x0d\xb8", 4) + std::string(11, '\0') + "\x02" + "\x12\x34\x15\x38";
const std::string kMapped = std::string(10, '\0') + "\xff\xff\xc0" + std::string("\x00\x02\x07", 3) +
                            std::string(16, '\0') + "\x12\x34\x15\x38";
const std::string kTlv("\x04\x00\x03xyz", 6);

TEST_CASE("the source address is read, TLVs are skipped, what follows is left alone") {
  struct Case {
    std::string bytes;
    const char* address;
  };
  for (const auto& [bytes, address] :
       {Case{header(0x21, 0x11, kTcp4), "192.0.2.7"}, Case{header(0x21, 0x11, kTcp4 + kTlv), "192.0.2.7"},
        Case{header(0x21, 0x21, kTcp6), "2001:db8::1"}, Case{header(0x21, 0x21, kTcp6 + kTlv), "2001:db8::1"},
        Case{header(0x21, 0x21, kMapped), "192.0.2.7"}}) {
    CAPTURE(address);
    const auto result = decode_proxy_header(as_bytes(bytes + "first bytes of the client"));
    REQUIRE(result.has_value());
    REQUIRE(result->has_value());
    CHECK((*result)->source_address == address);
    CHECK((*result)->source_port == 4660);
    CHECK((*result)->header_bytes == bytes.size());
    CHECK_FALSE((*result)->local);
  }
}

TEST_CASE("every proper prefix asks for more") {
  for (const auto& bytes : {header(0x21, 0x11, kTcp4 + kTlv), header(0x21, 0x21, kTcp6), header(0x20, 0x00, "")}) {
    for (std::size_t cut = 0; cut < bytes.size(); ++cut) {
      CAPTURE(cut);
      const auto prefix = to_bytes(std::string_view(bytes).substr(0, cut));
      const auto result = decode_proxy_header(prefix);
      REQUIRE(result.has_value());
      CHECK_FALSE(result->has_value());
    }
    CHECK(decode_proxy_header(to_bytes(bytes)).value().has_value());
  }
}

TEST_CASE("LOCAL keeps the connection's own address, whatever stands in the block") {
  for (const auto& bytes : {header(0x20, 0x00, ""), header(0x20, 0x11, kTcp4), header(0x20, 0x99, "rubbish")}) {
    const auto result = decode_proxy_header(as_bytes(bytes));
    REQUIRE(result.has_value());
    REQUIRE(result->has_value());
    CHECK((*result)->local);
    CHECK((*result)->source_address.empty());
    CHECK((*result)->header_bytes == bytes.size());
  }
}

TEST_CASE("what is no such header is refused as soon as it can be told") {
  struct Case {
    const char* what;
    std::string bytes;
    Errc code;
  };
  for (const auto& [what, bytes, code] : {
           Case{"a startup packet", std::string("\x00", 1), Errc::Malformed},
           Case{"version 1", "PROXY TCP4 192.0.2.7 198.51.100.9 4660 5432\r\n", Errc::Malformed},
           Case{"TLS", "\x16\x03\x01", Errc::Malformed},
           Case{"the signature's last byte", kSignature.substr(0, 11) + "\x0b", Errc::Malformed},
           Case{"version 3", kSignature + "\x31", Errc::Malformed},
           Case{"an unknown command", kSignature + "\x22", Errc::Malformed},
           Case{"UNSPEC", header(0x21, 0x00, ""), Errc::Unsupported},
           Case{"UDP over IPv4", header(0x21, 0x12, kTcp4), Errc::Unsupported},
           Case{"UDP over IPv6", header(0x21, 0x22, kTcp6), Errc::Unsupported},
           Case{"a unix socket", header(0x21, 0x31, std::string(216, 'x')), Errc::Unsupported},
           Case{"a short IPv4 block", header(0x21, 0x11, kTcp4.substr(0, 11)), Errc::Malformed},
           Case{"a short IPv6 block", header(0x21, 0x21, kTcp6.substr(0, 35)), Errc::Malformed},
           Case{"a length over the limit, by its fixed part alone",
                header(0x21, 0x11, std::string(kMaxProxyHeaderBytes - 15, 'x')).substr(0, 16), Errc::TooLarge},
           Case{"the longest length", kSignature + "\x21\x11\xff\xff", Errc::TooLarge},
       }) {
    CAPTURE(what);
    const auto result = decode_proxy_header(to_bytes(bytes));
    REQUIRE_FALSE(result.has_value());
    CHECK(result.error().code == code);
  }
  CHECK(decode_proxy_header(as_bytes(header(0x21, 0x11, kTcp4 + std::string(kMaxProxyHeaderBytes - 16 - 12, 't'))))
            .value()
            .has_value());
}

}  // namespace
}  // namespace bartizan::net
