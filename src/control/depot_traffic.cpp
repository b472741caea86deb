// depot pause, drain and resume: what becomes of the transactions that a depot's sessions begin, in
// all gateways, and how far this one is with it.
#include <chrono>
#include <thread>

#include "bartizan/control/runtime.hpp"
#include "bartizan/store/depots.hpp"
#include "depot_suspension.hpp"
#include "services.hpp"

namespace bartizan::control {
namespace {

constexpr std::int64_t kWait = 10;
constexpr std::int64_t kLongestWait = 50;
constexpr auto kLookAgain = std::chrono::milliseconds(50);

bool settled(const DepotActivity& activity, policy::Traffic traffic) {
  if (!activity.followed) return false;
  if (traffic == policy::Traffic::Open) return true;
  return activity.running == 0 && (traffic != policy::Traffic::Draining || activity.server_connections == 0);
}

/// Until nothing runs any more in this gateway, or the time is over.
Document wait_until_settled(Call& call, policy::DepotId depot, policy::Traffic traffic, std::chrono::seconds limit) {
  const auto until = std::chrono::steady_clock::now() + limit;
  auto activity = call.context.runtime.depot_activity(depot, traffic);
  while (!settled(activity, traffic) && std::chrono::steady_clock::now() < until) {
    std::this_thread::sleep_for(kLookAgain);
    activity = call.context.runtime.depot_activity(depot, traffic);
  }
  const auto number = [](std::uint64_t value) { return Document(static_cast<std::int64_t>(value)); };
  return Members{{"ok", settled(activity, traffic)},
                 {"running", number(activity.running)},
                 {"waiting", number(activity.waiting)},
                 {"server_connections", number(activity.server_connections)}};
}

Result<Document> set_traffic(Call& call, Args& args, policy::Traffic traffic) {
  BZ_TRY(const auto name, args.name("name", NameKind::Resource));
  BZ_TRY(const auto wait, args.integer_or_none("wait", 0, kLongestWait));
  BZ_TRY(const auto given, take_version(args));
  BZ_CHECK(args.finish());
  policy::DepotId id;
  bool ends_suspension = false;
  {
    BZ_TRY(auto transaction, call.write());
    store::Depots depots(transaction);
    auto depot = depots.find(name);
    if (!depot) return tl::unexpected<Error>(with_list_hint(call, std::move(depot).error(), "depot"));
    BZ_TRY(const auto version, checked_version(given, depot->meta));
    id = depot->value.id;
    ends_suspension = traffic == policy::Traffic::Open && depot->value.state == policy::DepotState::Suspended;
    if (depot->value.traffic != traffic || ends_suspension) {
      depot->value.traffic = traffic;
      if (ends_suspension) depot->value.state = policy::DepotState::Active;
      BZ_TRY(const auto changed, depots.update(depot->value, version));
      BZ_CHECK(transaction.commit());
    }
  }
  auto activity = wait_until_settled(call, id, traffic, std::chrono::seconds(wait.value_or(kWait)));
  Members out{{"name", name}, {"traffic", policy::to_string(traffic)}};
  for (auto& member : *std::get_if<Members>(&activity.value())) out.push_back(std::move(member));
  if (ends_suspension) BZ_CHECK(end_suspension(call, name, out));
  return Document(std::move(out));
}

}  // namespace

Result<Document> depot_pause(Call& call, Args& args) { return set_traffic(call, args, policy::Traffic::Paused); }

Result<Document> depot_drain(Call& call, Args& args) { return set_traffic(call, args, policy::Traffic::Draining); }

Result<Document> depot_resume(Call& call, Args& args) { return set_traffic(call, args, policy::Traffic::Open); }

}  // namespace bartizan::control
