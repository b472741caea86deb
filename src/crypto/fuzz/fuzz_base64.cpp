// What decodes must encode back to the very same text: one value, one text.
#include <cstdint>

#include "bartizan/base/bytes.hpp"
#include "bartizan/base/result.hpp"
#include "bartizan/crypto/base64.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace bartizan;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto decoded = crypto::base64_decode(text, 4096);
  if (decoded) BZ_ASSERT(decoded->size() <= 4096 && crypto::base64_encode(*decoded) == text);
  const auto again = crypto::base64_decode(crypto::base64_encode(as_bytes(text)), size);
  BZ_ASSERT(again && as_chars(*again) == text);
  return 0;
}
