// The options parameter: no input makes the parser spin, and no setting comes out without a name.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "bartizan/base/bytes.hpp"
#include "bartizan/pgwire/options.hpp"
#include "bartizan/pgwire/startup.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace bartizan;
  const auto settings = pgwire::parse_options(as_chars(std::as_bytes(std::span(data, size))));
  if (!settings) return 0;
  if (settings->size() > pgwire::kMaxStartupParameters) std::abort();
  for (const auto& [name, value] : *settings) {
    if (name.empty() || name.find('=') != std::string::npos || name.size() + value.size() > size + 32) std::abort();
  }
  return 0;
}
