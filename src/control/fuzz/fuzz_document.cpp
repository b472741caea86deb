// Whatever parses is written and parsed again to the same text; framing loses and invents
// nothing, however the bytes are cut.
#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <string>

#include "bartizan/control/document.hpp"
#include "line_buffer.hpp"

using bartizan::control::Document;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), data == nullptr ? 0 : size);
  if (const auto document = Document::parse(text)) {
    const auto once = document->to_json();
    const auto again = Document::parse(once);
    if (!again || again->to_json() != once || once.find('\n') != std::string::npos) std::abort();
  }
  bartizan::control::LineBuffer lines(64);
  std::string joined;
  const std::size_t step = text.empty() ? 1 : static_cast<unsigned char>(text[0]) % 7 + 1;
  for (std::size_t at = 0; at < text.size(); at += step) {
    const auto piece = text.substr(at, step);
    const auto space = lines.prepare();
    std::memcpy(space.data(), piece.data(), piece.size());
    lines.commit(piece.size());
    while (true) {
      const auto line = lines.next();
      if (!line) return 0;
      if (!*line) break;
      if ((*line)->size() > 64) std::abort();
      joined.append(**line).push_back('\n');
    }
  }
  if (joined != text.substr(0, joined.size())) std::abort();
  return 0;
}
