// `audit tail`: the same question again and again, the answers as lines.
#include <fmt/format.h>

#include <boost/json.hpp>
#include <charconv>
#include <chrono>
#include <ostream>
#include <thread>

#include "admin_call.hpp"
#include "paged.hpp"
#include "request.hpp"
#include "terminal_text.hpp"

namespace bartizan::cli {
namespace {

namespace json = boost::json;

constexpr auto kPause = std::chrono::milliseconds(500);
constexpr auto kPatience = std::chrono::seconds(30);  ///< with a Bartizan that is being restarted

std::string_view text_of(const json::object& row, std::string_view name) {
  const auto* member = row.if_contains(name);
  const auto* text = member == nullptr ? nullptr : member->if_string();
  return text == nullptr ? std::string_view() : std::string_view(text->data(), text->size());
}

/// One record a line: when, who, what, which tables, how it ended, and its name for `audit show`.
std::string line_of(const json::object& row) {
  const auto action = text_of(row, "action");
  const auto columns = text_of(row, "columns");
  std::string out = fmt::format("{}  {}  {} {}", text_of(row, "time"), text_of(row, "identity"),
                                action.empty() ? text_of(row, "event") : action, text_of(row, "tables"));
  if (!columns.empty() && columns != "unknown") out += fmt::format(" ({})", columns);
  return visible(fmt::format("{}  {}  {}", out, text_of(row, "outcome"), text_of(row, "record")));
}

/// The records of an answer, and the name to go on by. nullopt: it is an error, to be presented.
struct Page {
  std::string follow;
  json::array records;
};
std::optional<Page> page_of(std::string_view answer) {
  const auto members = result_of(answer);
  const auto* records = members ? members->if_contains("records") : nullptr;
  if (records == nullptr || !records->is_array()) return std::nullopt;
  return Page{std::string(text_of(*members, "follow")), records->as_array()};
}

}  // namespace

int follow_admin(const Command& command, const Arguments& arguments, const Surroundings& surroundings) {
  const bool wants_json = arguments.has("json");
  const auto options = admin_options(arguments, surroundings.environment);
  if (!options) return print_fault(present_error(options.error(), {}, wants_json), surroundings);
  const auto attachments = get_attachments(command, arguments, surroundings);
  if (!attachments) return print_fault(present_error(attachments.error(), {}, wants_json), surroundings);
  std::uint64_t left = UINT64_MAX;
  if (const std::string limit = arguments.text("limit"); !limit.empty())
    std::from_chars(limit.data(), limit.data() + limit.size(), left);
  Arguments asked = arguments;
  auto heard = std::chrono::steady_clock::now();
  for (;;) {
    std::string request = build_request(command, asked, *attachments);
    const auto answer = ask_admin(*options, request);
    secure_wipe(request.data(), request.size());
    const bool gone = !answer && asked.has("follow") && answer.error().code == Errc::Unavailable;
    if (!answer && (!gone || std::chrono::steady_clock::now() - heard > kPatience))
      return print_fault(present_error(answer.error(), {}, wants_json), surroundings);
    if (answer) {
      heard = std::chrono::steady_clock::now();
      const auto page = page_of(*answer);
      if (!page) return print_fault(present(command, *answer, wants_json), surroundings);
      for (const auto& record : page->records) {
        if (!record.is_object()) continue;
        surroundings.out << (wants_json ? visible_json(json::serialize(record)) : line_of(record.as_object())) << "\n"
                         << std::flush;
        if (!surroundings.out.good()) return static_cast<int>(ExitCode::Fault);
        if (--left == 0) return static_cast<int>(ExitCode::Ok);
      }
      asked.set("follow", page->follow);
    }
    std::this_thread::sleep_for(kPause);
  }
}

}  // namespace bartizan::cli
