// A journal or a state file from anywhere: decoded or refused. Checksums stand in a fuzzer's way, so
// they are made right for half of the inputs.
#include <cstdint>
#include <cstring>

#include "crc32c.hpp"
#include "journal_format.hpp"
#include "state_file.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace bartizan;
  using namespace bartizan::auditlog;
  if (size < 1) return 0;
  const ByteView input = as_bytes({reinterpret_cast<const char*>(data), size});
  Bytes bytes(input.begin() + 1, input.end());
  const bool mend = (data[0] & 1) != 0;
  if (mend && bytes.size() >= kGroupHeaderBytes) {
    std::memcpy(bytes.data(), "BZG1", 4);
    store_be32(bytes.data() + 24, static_cast<std::uint32_t>(bytes.size() - kGroupHeaderBytes));
    store_be32(bytes.data() + 28, crc32c(ByteView(bytes).subspan(kGroupHeaderBytes)));
    std::memset(bytes.data() + 40, 0, 8);
    store_be32(bytes.data() + 4, crc32c(ByteView(bytes).subspan(8, kGroupHeaderBytes - 8)));
  }
  const auto group = decode_group(bytes, 0);
  if (mend && bytes.size() >= kGroupHeaderBytes) BZ_ASSERT(group.has_value());
  if (group) {
    std::size_t members = 0;
    (void)for_each_record(*group, {[&](audit::Ticket, ByteView record) {
                                     const auto intent = decode_intent(record);
                                     BZ_ASSERT(intent.has_value());
                                     members += intent->session.size() + intent->statement.size();
                                   },
                                   [](const OutcomeRecord&) {}});
    BZ_ASSERT(members <= bytes.size());
  }
  if (mend && bytes.size() >= 12) {
    std::memcpy(bytes.data(), "BZAUDS1\n", 8);
    store_be32(bytes.data() + 8, crc32c(ByteView(bytes).subspan(12)));
  }
  if (const auto state = decode_state(bytes)) BZ_ASSERT(decode_state(encode_state(*state)).has_value());
  return 0;
}
