// `audit export --all`: page after page, each record a line.
#include <boost/json.hpp>
#include <ostream>

#include "admin_call.hpp"
#include "paged.hpp"
#include "request.hpp"
#include "terminal_text.hpp"

namespace bartizan::cli {
namespace {

namespace json = boost::json;

struct Page {
  json::array entries;
  std::string next;  ///< empty at the end
};
/// nullopt: it is an error, to be presented.
std::optional<Page> page_of(std::string_view answer) {
  const auto members = result_of(answer);
  const auto* entries = members ? members->if_contains("entries") : nullptr;
  const auto* next = members ? members->if_contains("next") : nullptr;
  if (entries == nullptr || !entries->is_array() || next == nullptr) return std::nullopt;
  return Page{entries->as_array(), next->is_int64() ? std::to_string(next->as_int64()) : std::string()};
}

}  // namespace

/// Records are JSON already; a signed checkpoint of another tree, which has lines, becomes a string of it.
int export_all(const Command& command, const Arguments& arguments, const Surroundings& surroundings) {
  const bool wants_json = arguments.has("json");
  const auto options = admin_options(arguments, surroundings.environment);
  if (!options) return print_fault(present_error(options.error(), {}, wants_json), surroundings);
  const auto attachments = get_attachments(command, arguments, surroundings);
  if (!attachments) return print_fault(present_error(attachments.error(), {}, wants_json), surroundings);
  Arguments asked = arguments;
  for (;;) {
    std::string request = build_request(command, asked, *attachments);
    const auto answer = ask_admin(*options, request);
    secure_wipe(request.data(), request.size());
    if (!answer) return print_fault(present_error(answer.error(), {}, wants_json), surroundings);
    const auto page = page_of(*answer);
    if (!page) return print_fault(present(command, *answer, wants_json), surroundings);
    for (const auto& entry : page->entries) {
      if (!entry.is_string()) continue;
      const std::string text(entry.as_string().data(), entry.as_string().size());
      surroundings.out << visible_json(text.starts_with('{') ? text : json::serialize(entry)) << "\n";
    }
    if (!surroundings.out.good()) return static_cast<int>(ExitCode::Fault);
    if (page->next.empty()) break;
    asked.set("after", page->next);
  }
  surroundings.out << std::flush;
  return static_cast<int>(surroundings.out.good() ? ExitCode::Ok : ExitCode::Fault);
}

}  // namespace bartizan::cli
