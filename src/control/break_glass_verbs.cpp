// audit.break-glass: the act of an administrator that lets statements go on without their record (ADR 0145).
#include <charconv>

#include "bartizan/auditlog/break_glass.hpp"
#include "services.hpp"

namespace bartizan::control {
namespace {

/// "90s", "15m", "2h".
Result<std::chrono::milliseconds> parse_time(const std::string& text) {
  std::int64_t count = 0;
  const char* const end = text.data() + text.size();
  const auto [unit, error] = std::from_chars(text.data(), end, count);
  if (error == std::errc{} && unit + 1 == end && count > 0 && count <= 86400) {
    if (*unit == 's') return std::chrono::seconds(count);
    if (*unit == 'm') return std::chrono::minutes(count);
    if (*unit == 'h') return std::chrono::hours(count);
  }
  return fail(Errc::InvalidArgument, "for is a time such as 90s, 15m or 2h");
}

Document said_of(const std::optional<auditlog::BreakGlass::Broken>& broken) {
  if (!broken) return Members{{"broken", false}};
  return Members{{"broken", true},
                 {"actor", broken->actor},
                 {"reason", broken->reason},
                 {"since", format_time(broken->since)},
                 {"until", format_time(broken->until)}};
}

}  // namespace

Result<Document> audit_break_glass(Call& call, Args& args) {
  BZ_TRY(const auto state, args.text("state", 8));
  BZ_TRY(const auto longest, args.text_or_none("for", 8));
  BZ_TRY(const auto reason, args.text_or_none("reason", 500));
  BZ_CHECK(args.finish());
  auditlog::BreakGlass* const glass = call.context.break_glass;
  if (glass == nullptr) {
    call.hint = "audit.mode = \"tree\" waits for records; the basic log does not";
    return fail(Errc::Unsupported, "this gateway keeps no provable audit log");
  }
  if (state == "off") {
    BZ_CHECK(glass->off(call.actor));
    return said_of(glass->broken());
  }
  if (state != "on") return fail(Errc::InvalidArgument, "state is on or off");
  if (!longest || !reason) {
    call.hint = "for instance: --for 15m --reason 'ticket 4711: disk replaced'";
    return fail(Errc::InvalidArgument, "breaking the glass needs a time and a reason");
  }
  BZ_TRY(const auto time, parse_time(*longest));
  BZ_TRY(const auto broken, glass->on(call.actor, *reason, time));
  return said_of(broken);
}

}  // namespace bartizan::control
