// Whatever bytes: a header within its bounds or an error, roots that encode to the same bytes or
// an error, and nothing that opens under a key it was not sealed under.
#include <cstdint>

#include "bartizan/base/result.hpp"
#include "root_file.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace bartizan;
  const ByteView bytes(reinterpret_cast<const std::byte*>(data), size);
  const auto header = vault::read_root_file_header(bytes);
  if (header) {
    BZ_ASSERT(header->cost.is_valid());
    BZ_ASSERT(!vault::open_root_file(bytes, SecretBytes(std::size_t{32})).has_value());
  }
  const auto roots = vault::decode_roots(bytes);
  if (roots) BZ_ASSERT(as_chars(vault::encode_roots(*roots).reveal()) == as_chars(bytes));
  return 0;
}
