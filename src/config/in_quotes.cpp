#include "in_quotes.hpp"

#include <fmt/format.h>

#include <iterator>

namespace bartizan::config {

std::string in_quotes(std::string_view text) {
  constexpr std::size_t kMaxBytes = 64;
  std::string out = "\"";
  for (const char c : text.substr(0, kMaxBytes)) {
    const auto u = static_cast<unsigned char>(c);
    if (u < 0x20 || u >= 0x7f) {
      fmt::format_to(std::back_inserter(out), "\\x{:02x}", u);
    } else {
      out.push_back(c);
    }
  }
  if (text.size() > kMaxBytes) out += "...";
  out.push_back('"');
  return out;
}

}  // namespace bartizan::config
