// First byte: error or notice; the rest: what a server says. One well-formed message comes out, or
// none for a notice; of the fields four, and no name of the wall.
#include <cstdint>
#include <cstdlib>

#include "bartizan/pgwire/backend_messages.hpp"
#include "bartizan/pgwire/frame.hpp"
#include "bartizan/session/error_scrub.hpp"

namespace {
using namespace bartizan;
using namespace bartizan::session;
}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  const ByteView payload(reinterpret_cast<const std::byte*>(data + 1), size - 1);
  const bool notice = data[0] % 2 != 0;
  Bytes out;
  if (notice)
    scrub_notice(payload, out);
  else
    scrub_error(payload, {}, out);
  if (out.empty()) {
    if (!notice) std::abort();
    return 0;
  }
  pgwire::FrameHeader header;
  if (pgwire::peek_frame(out, header) != pgwire::FrameStatus::Ok || header.total_bytes() != out.size() ||
      header.type != (notice ? 'N' : 'E'))
    std::abort();
  const auto report = pgwire::decode_report(ByteView(out).subspan(pgwire::kFrameHeaderBytes));
  if (!report || report->sqlstate().size() != 5 || report->message().empty()) std::abort();
  std::size_t fields = 0;
  for (const auto field : *report) {
    ++fields;
    if (std::string_view("SVCM").find(field.code) == std::string_view::npos) std::abort();
    if (field.value.find("bartizan") != std::string_view::npos) std::abort();
  }
  if (fields != 4 || report->message().size() > kMaxScrubbedMessage) std::abort();
  // Classes 22 and 23 never show what the server said.
  const auto told = pgwire::decode_report(payload);
  const bool of_values = report->sqlstate().starts_with("22") || report->sqlstate().starts_with("23");
  if (told && of_values && told->message().size() > 60 && told->message() == report->message()) std::abort();
  return 0;
}
