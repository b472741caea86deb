// audit.key-rotate: a new key for the audit log, introduced by the one before it.
#include "audit_reading.hpp"

namespace bartizan::control {
namespace {

constexpr std::int64_t kUsualDays = 30;
constexpr std::int64_t kMostDays = 365;

}  // namespace

Result<Document> audit_key_rotate(Call& call, Args& args) {
  BZ_TRY(const auto days, args.integer_or_none("grace_days", 0, kMostDays));
  BZ_TRY(const auto reason, args.text("reason", 500));
  BZ_CHECK(args.finish());
  BZ_TRY(const auto* log, audit_source(call));
  if (!log->rotate_key) return fail(Errc::Unsupported, "this gateway can't rotate the audit log's key");
  const std::chrono::days grace(days.value_or(kUsualDays));
  BZ_TRY(const auto introduced, log->rotate_key(call.actor, grace));
  return Document(Members{{"number", static_cast<std::int64_t>(introduced.number)},
                          {"key", introduced.after.to_string()},
                          {"before", introduced.before.to_string()},
                          {"until", format_time(introduced.until)}});
}

}  // namespace bartizan::control
