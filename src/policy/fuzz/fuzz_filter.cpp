// Any text as a row filter: what is accepted reads back to itself, its slots are the attributes'
// places, and rendered with calls in them it is still one expression.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "filter_expression.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace bartizan::policy;
  const auto read = parse_filter({reinterpret_cast<const char*>(data), size});
  if (!read) return 0;
  const FilterTemplate& filter = read->filter;
  const auto again = parse_filter(filter.text);
  if (!again || again->filter != filter || again->columns != read->columns || again->mapping != read->mapping)
    std::abort();
  for (const FilterSlot& slot : filter.slots) {
    if (!filter.text.substr(slot.offset, slot.length).starts_with("subject.")) std::abort();
  }
  const std::string rendered = filter.render([](std::string_view) { return "lower('x')"; });
  const auto server = parse_filter(rendered);
  if (rendered.size() <= kMaxFilterBytes && !server && server.error().code != bartizan::Errc::TooLarge) std::abort();
  if (server && !server->filter.slots.empty()) std::abort();
  return 0;
}
