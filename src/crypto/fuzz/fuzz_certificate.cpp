// Certificates from outside, as PEM or DER: no crash, no leak, bounded names.
#include <cstdint>

#include "bartizan/base/result.hpp"
#include "bartizan/crypto/x509.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace bartizan;
  const ByteView bytes(reinterpret_cast<const std::byte*>(data), size);
  const auto info = crypto::certificate_info(bytes);
  const auto hash = crypto::server_end_point_hash(bytes);
  if (info)
    for (const auto& name : info->names.dns_names) BZ_ASSERT(name.find('\0') == std::string::npos);
  if (hash) BZ_ASSERT(hash->size() >= 20 && hash->size() <= 64);
  return 0;
}
