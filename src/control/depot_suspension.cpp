#include "depot_suspension.hpp"

#include <algorithm>
#include <optional>

#include "bartizan/control/wall_keeper.hpp"
#include "bartizan/store/depots.hpp"
#include "bartizan/store/encrypted_columns.hpp"
#include "wall_door.hpp"

namespace bartizan::control {
namespace {

std::optional<WallDepotStatus> status_of(const WallKeeper& walls, const std::string& name) {
  auto all = walls.status();
  const auto found = std::ranges::find(all, name, &WallDepotStatus::depot);
  return found == all.end() ? std::nullopt : std::optional(std::move(*found));
}

Result<WallKeeper*> keeper(Call& call) {
  if (call.context.walls == nullptr) return fail(Errc::Unsupported, "this gateway keeps no walls");
  return call.context.walls;
}

/// Whether the wall has followed; what it could not do is an error, and is tried again by itself.
Result<void> follow(Call& call, WallKeeper& walls, const std::string& name) {
  BZ_CHECK(walls.run_now());
  const auto status = status_of(walls, name);
  if (!status || !status->error) return {};
  call.hint = "it is tried again by itself; `bartizan wall status` tells when it is so";
  return tl::unexpected(*status->error);
}

Result<void> suspend(Call& call, const std::string& name, std::optional<std::int64_t> given, bool for_good) {
  BZ_TRY(auto* walls, keeper(call));
  {
    BZ_TRY(auto transaction, call.write());
    store::Depots depots(transaction);
    auto depot = depots.find(name);
    if (!depot) return tl::unexpected<Error>(with_list_hint(call, std::move(depot).error(), "depot"));
    BZ_TRY(const auto version, checked_version(given, depot->meta));
    BZ_TRY(const bool can, can_have_wall(transaction, depot->value));
    if (!can) {
      call.hint = "bartizan depot wall-login " + name + " ROLE";
      return fail(Errc::FailedPrecondition, std::string(kNoWallLogin));
    }
    if (for_good) {
      BZ_TRY(const auto columns, store::EncryptedColumns(transaction).list());
      const bool encrypted =
          std::ranges::any_of(columns, [&](const auto& one) { return one.value.depot == depot->value.id; });
      if (encrypted) {
        call.hint = "decrypt them first: bartizan column status, bartizan column decrypt";
        return fail(Errc::FailedPrecondition, "depot '" + name + "' has encrypted columns");
      }
    }
    if (depot->value.state != policy::DepotState::Suspended) {
      depot->value.state = policy::DepotState::Suspended;
      BZ_CHECK(depots.update(depot->value, version));
      BZ_CHECK(transaction.commit());
    }
  }
  return follow(call, *walls, name);
}

}  // namespace

Result<Document> depot_suspend(Call& call, Args& args) {
  BZ_TRY(const auto name, args.name("name", NameKind::Resource));
  BZ_TRY(const auto given, take_version(args));
  BZ_CHECK(args.finish());
  BZ_CHECK(suspend(call, name, given, false));
  return Document(Members{{"name", name}, {"state", "suspended"}});
}

Result<Document> depot_detach(Call& call, Args& args) {
  BZ_TRY(const auto name, args.name("name", NameKind::Resource));
  BZ_TRY(const auto given, take_version(args));
  BZ_CHECK(args.finish());
  BZ_CHECK(suspend(call, name, given, true));
  BZ_TRY(auto transaction, call.write());
  store::Depots depots(transaction);
  BZ_TRY(const auto depot, depots.find(name));
  BZ_CHECK(depots.remove(depot.value.id, depot.meta.version));
  BZ_CHECK(transaction.commit());
  return Document();
}

Result<void> end_suspension(Call& call, const std::string& name, Members& out) {
  BZ_TRY(auto* walls, keeper(call));
  BZ_CHECK(follow(call, *walls, name));
  const auto status = status_of(*walls, name);
  const bool ready = !status || std::ranges::all_of(status->classes, &WallClassStatus::ready);
  out.emplace_back("classes_ready", ready);
  return {};
}

}  // namespace bartizan::control
