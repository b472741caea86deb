// What decodes must encode to the very same bytes, and keep the invariants of a keyring.
#include <cstdint>

#include "bartizan/base/result.hpp"
#include "bartizan/keys/keyring.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace bartizan;
  const ByteView bytes(reinterpret_cast<const std::byte*>(data), size);
  const auto ring = keys::decode_keyring(bytes);
  if (!ring) return 0;
  const Bytes again = keys::encode_keyring(*ring);
  BZ_ASSERT(as_chars(again) == as_chars(bytes));
  for (const auto& version : ring->versions()) {
    BZ_ASSERT(ring->find(version.id) == &version);
    BZ_ASSERT((version.state == keys::KeyState::Destroyed) == version.wrapped.bytes.empty());
  }
  return 0;
}
