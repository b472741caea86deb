// The verbs that the running gateway answers itself.
#include "services.hpp"

namespace bartizan::control {

Result<Document> status(Call& call, Args& args) {
  BZ_CHECK(args.finish());
  auto document = call.context.runtime.status();
  auto* members = std::get_if<Members>(&document.value());
  if (members == nullptr) return fail(Errc::Internal, "the status is no object");
  const auto& snapshots = call.context.snapshots;
  const auto snapshot = snapshots.current();
  const auto staleness = snapshots.staleness(call.context.clock.steady());
  // First of all, so that nobody overlooks it.
  if (snapshot) {
    Items observing;
    for (const auto& depot : snapshot->depots())
      if (depot.enforcement == policy::Enforcement::Observe) observing.emplace_back(depot.name);
    if (!observing.empty()) members->emplace(members->begin(), "policies_not_enforced_in", std::move(observing));
  }
  members->emplace_back("control",
                        Members{{"epoch", snapshot ? Document(snapshot->epoch()) : Document()},
                                {"stale_millis", staleness ? Document(std::int64_t{staleness->count()}) : Document()},
                                {"confirmed_at", time_or_null(snapshots.confirmed_at())}});
  return document;
}

Result<Document> reload(Call& call, Args& args) {
  BZ_CHECK(args.finish());
  BZ_TRY(auto done, call.context.runtime.reload());
  const auto names = [](std::vector<std::string>& keys) {
    Items items;
    for (auto& key : keys) items.emplace_back(std::move(key));
    return items;
  };
  return Document(Members{{"taken_over", names(done.taken_over)},
                          {"needs_restart", names(done.needs_restart)},
                          {"certificate_not_after", format_time(done.certificate_not_after)}});
}

Result<Document> shutdown(Call& call, Args& args) {
  BZ_CHECK(args.finish());
  call.context.runtime.shutdown();
  return Document();
}

Result<Document> session_list(Call& call, Args& args) {
  BZ_CHECK(args.finish());
  return call.context.runtime.list_sessions();
}

Result<Document> session_kill(Call& call, Args& args) {
  BZ_TRY(const auto id, args.text("id", 64));
  BZ_CHECK(args.finish());
  auto killed = call.context.runtime.kill_session(id);
  if (!killed) return tl::unexpected<Error>(with_list_hint(call, std::move(killed).error(), "session"));
  return Document(Members{{"killed", true}});
}

}  // namespace bartizan::control
