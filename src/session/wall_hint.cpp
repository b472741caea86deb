#include "wall_hint.hpp"

#include <string_view>

#include "bartizan/pgwire/backend_messages.hpp"

namespace bartizan::session {
namespace {

constexpr std::string_view kDependentObjects = "2BP01";
constexpr std::string_view kNotSupported = "0A000";  // as PostgreSQL says of a type that a view shows
constexpr std::string_view kViews = "bartizan_views.";
constexpr char kDetail = 'D';
constexpr char kHint = 'H';
constexpr std::string_view kWhatToDo =
    "Views of the depot's policies stand in the way: run it between \"bartizan depot suspend\" and \"bartizan depot "
    "resume\". CASCADE would take them away until they are looked after, and their users' access with them.";

}  // namespace

std::optional<std::string> with_wall_hint(ByteView payload) {
  const auto report = pgwire::decode_report(payload);
  if (!report) return std::nullopt;
  const auto sqlstate = report->sqlstate();
  if (sqlstate != kDependentObjects && sqlstate != kNotSupported) return std::nullopt;
  bool of_the_wall = false;
  std::string out;
  const auto put = [&](char code, std::string_view value) {
    out += code;
    out += value;
    out += '\0';
  };
  for (const auto& [code, value] : *report) {
    of_the_wall = of_the_wall || (code == kDetail && value.find(kViews) != std::string_view::npos);
    if (code != kHint) put(code, value);
  }
  if (!of_the_wall) return std::nullopt;
  put(kHint, kWhatToDo);
  out += '\0';
  return out;
}

}  // namespace bartizan::session
