// A receiver's answers: whatever they are, a frame is taken whole or not at all, and never beyond what is there.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "../relp_frame.hpp"
#include "bartizan/shipping/http_post.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace bartizan::shipping;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto frame = parse_relp(bytes);
  if (frame && *frame && ((*frame)->bytes == 0 || (*frame)->bytes > size)) std::abort();
  if (frame && *frame) [[maybe_unused]]
    const unsigned status = relp_status(**frame);
  const auto answer = parse_answer(bytes);
  if (answer && answer->body.size() > size) std::abort();
  const auto headers = header_lines(bytes);
  if (headers && headers->find('\0') != std::string::npos) std::abort();
  return 0;
}
