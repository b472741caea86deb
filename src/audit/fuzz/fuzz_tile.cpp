// Paths and bundles from anywhere: one name, one path; entries encode back to the same bytes.
#include <cstdint>

#include "bartizan/audit/tile.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace bartizan;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto name = audit::parse_tile_path(text)) BZ_ASSERT(audit::to_path(*name) == text);
  if (size == 0) return 0;
  const ByteView body = as_bytes(text.substr(1));
  if (const auto entries = audit::decode_entries(body, data[0])) {
    Bytes again;
    for (const auto entry : *entries) audit::append_entry(again, entry);
    BZ_ASSERT(as_chars(again) == as_chars(body));
  }
  (void)audit::decode_tile(body, data[0]);
  return 0;
}
