#include "bartizan/net/proxy_protocol.hpp"

#include <arpa/inet.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>

namespace bartizan::net {
namespace {

constexpr std::array<unsigned char, 12> kSignature{0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d,
                                                   0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a};
constexpr std::size_t kFixedBytes = 16;  // signature, version and command, family, length
constexpr std::size_t kTcp4AddressBytes = 12;
constexpr std::size_t kTcp6AddressBytes = 36;

enum VersionAndCommand : unsigned { kLocal = 0x20, kProxy = 0x21 };
enum FamilyAndProtocol : unsigned { kTcp4 = 0x11, kTcp6 = 0x21 };

bool starts_as_signature(ByteView bytes) noexcept {
  const auto count = std::min(bytes.size(), kSignature.size());
  return std::equal(kSignature.begin(), kSignature.begin() + static_cast<std::ptrdiff_t>(count), bytes.begin(),
                    [](unsigned char expected, std::byte found) { return std::byte{expected} == found; });
}

std::string text_of(int family, const std::byte* address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  const char* written = ::inet_ntop(family, address, text.data(), text.size());
  BZ_ASSERT(written != nullptr);
  return written;
}

bool is_ipv4_mapped(ByteView address) noexcept {
  return std::ranges::all_of(address.first(10), [](std::byte b) { return b == std::byte{0}; }) &&
         address[10] == std::byte{0xff} && address[11] == std::byte{0xff};
}

/// addresses: what the length word covers. TLVs behind the addresses are skipped.
Result<void> read_source(unsigned family, ByteView addresses, ProxyHeader& header) {
  if (family != kTcp4 && family != kTcp6) return fail(Errc::Unsupported, "PROXY header: not TCP over IPv4 or IPv6");
  if (addresses.size() < (family == kTcp4 ? kTcp4AddressBytes : kTcp6AddressBytes)) {
    return fail(Errc::Malformed, "PROXY header: too short for its addresses");
  }
  if (family == kTcp4) {
    header.source_address = text_of(AF_INET, addresses.data());
    header.source_port = load_be16(addresses.data() + 8);
    return {};
  }
  const auto source = addresses.first(16);
  header.source_address =
      is_ipv4_mapped(source) ? text_of(AF_INET, source.data() + 12) : text_of(AF_INET6, source.data());
  header.source_port = load_be16(addresses.data() + 32);
  return {};
}

}  // namespace

Result<std::optional<ProxyHeader>> decode_proxy_header(ByteView bytes) {
  if (!starts_as_signature(bytes)) return fail(Errc::Malformed, "PROXY header: no version 2 signature");
  if (bytes.size() > kSignature.size()) {
    const auto command = std::to_integer<unsigned>(bytes[12]);
    if (command != kLocal && command != kProxy)
      return fail(Errc::Malformed, "PROXY header: unknown version or command");
  }
  if (bytes.size() < kFixedBytes) return std::optional<ProxyHeader>();

  ProxyHeader header;
  header.header_bytes = kFixedBytes + load_be16(bytes.data() + 14);
  if (header.header_bytes > kMaxProxyHeaderBytes) return fail(Errc::TooLarge, "PROXY header: too long");
  if (bytes.size() < header.header_bytes) return std::optional<ProxyHeader>();

  header.local = std::to_integer<unsigned>(bytes[12]) == kLocal;
  if (!header.local) {
    const auto addresses = bytes.subspan(kFixedBytes, header.header_bytes - kFixedBytes);
    BZ_CHECK(read_source(std::to_integer<unsigned>(bytes[13]), addresses, header));
  }
  return std::optional(std::move(header));
}

}  // namespace bartizan::net
