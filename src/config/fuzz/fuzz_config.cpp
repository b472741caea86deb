// Any text: parsing ends, and what it accepts it accepts again, with the same meaning.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "bartizan/config/parse.hpp"
#include "bartizan/config/reference.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace bartizan::config;
  Input input;
  if (size > 0) input.text = {reinterpret_cast<const char*>(data), size};
  const auto once = parse(input, {});
  const auto twice = parse(input, {});
  if (once.has_value() != twice.has_value()) std::abort();
  if (once && !differences(*once, *twice).empty()) std::abort();
  if (!once && once.error().empty()) std::abort();
  return 0;
}
