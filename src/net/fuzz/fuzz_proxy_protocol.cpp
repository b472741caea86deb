// The PROXY header: bounded, and the same answer however many bytes follow it.
#include <cstdint>
#include <cstdlib>

#include "bartizan/net/proxy_protocol.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace bartizan;
  const auto bytes = std::as_bytes(std::span(data, size));
  const auto header = net::decode_proxy_header(bytes);
  if (!header || !*header) return 0;
  const auto used = (*header)->header_bytes;
  if (used > size || used > net::kMaxProxyHeaderBytes || (*header)->local != (*header)->source_address.empty())
    std::abort();
  const auto exact = net::decode_proxy_header(bytes.first(used));
  const auto shorter = net::decode_proxy_header(bytes.first(used - 1));
  if (!exact || !*exact || !shorter || *shorter) std::abort();
  return 0;
}
