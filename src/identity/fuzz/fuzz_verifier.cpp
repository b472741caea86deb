// A verifier that parses is written back as the very same text: the format is canonical.
#include <cstdint>

#include "bartizan/identity/scram_verifier.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace bartizan;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto verifier = identity::ScramVerifier::parse(text);
  if (verifier) BZ_ASSERT(verifier->to_string().reveal_chars() == text);
  return 0;
}
