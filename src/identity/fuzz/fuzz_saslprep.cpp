// Any bytes as a password: an answer in bounded size, ASCII untouched, every fall-back the bytes
// themselves.
#include <algorithm>
#include <cstdint>

#include "bartizan/identity/saslprep.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace bartizan;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto prepared = identity::saslprep(text);
  const auto used = identity::prepare_password(text);
  BZ_ASSERT(used.has_value() == (size <= identity::kMaxPasswordBytes));
  if (!used) return 0;
  BZ_ASSERT(used->size() <= 18 * size);
  BZ_ASSERT(used->reveal_chars() == (prepared ? prepared->reveal_chars() : text));
  if (std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; }))
    BZ_ASSERT(used->reveal_chars() == text);
  return 0;
}
