// A segment of the index from anywhere: searched, merged or refused. Half of the inputs get a right
// header, else its checksum would stand in the way.
#include <cstdint>
#include <cstring>

#include "crc32c.hpp"
#include "index_lists.hpp"
#include "index_segment.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace bartizan;
  using namespace bartizan::auditlog;
  if (size < 1) return 0;
  const ByteView input = as_bytes({reinterpret_cast<const char*>(data), size});
  auto bytes = std::make_shared<Bytes>(input.begin() + 1, input.end());
  if ((data[0] & 1) != 0 && bytes->size() >= 128) {
    std::memcpy(bytes->data(), "BZAUDX1\n", 8);
    store_be32(bytes->data() + 124, crc32c(ByteView(*bytes).first(124)));
  }
  const std::uint32_t count = 1 + data[0] % 200u;
  if (const auto positions = decode_positions(ByteView(*bytes), count)) {
    Bytes again;
    append_positions(again, *positions, count);
    BZ_ASSERT(decode_positions(again, count) == positions);
  }
  (void)decode_times(ByteView(*bytes), count, 0);
  auto segment = IndexSegment::open(index_bytes(bytes));
  if (!segment) return 0;
  IndexQuery query;
  (void)segment->find(query, 1000);
  query.groups = {{1, 2}, {3}};
  query.from_ms = 5;
  (void)segment->find(query, 1000);
  if (segment->info().count <= kIndexLargest) (void)merge_segments({&*segment, 1});
  return 0;
}
