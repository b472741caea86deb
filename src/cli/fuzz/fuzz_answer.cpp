// Any line as the admin socket's answer: what is printed is safe for a terminal, as a table and
// as JSON.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "present.hpp"
#include "terminal_text.hpp"

namespace {
void check(std::string_view text) {
  for (const char c : text) {
    const auto u = static_cast<unsigned char>(c);
    if ((u < 0x20 && c != '\n') || u == 0x7f) std::abort();
  }
  if (!bartizan::cli::is_utf8(text)) std::abort();
}
}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace bartizan::cli;
  const std::string_view line(size > 0 ? reinterpret_cast<const char*>(data) : "", size);
  for (const Command& command : commands()) {
    if (command.admin_verb.empty() || (command.columns.empty() && command.noun != "status")) continue;
    for (const bool json : {false, true}) {
      const Presented presented = present(command, line, json);
      check(presented.out);
      check(presented.err);
    }
    if (size > 4096) break;
  }
  return 0;
}
