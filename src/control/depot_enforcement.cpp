// depot.observe and depot.enforce, and the approvals that the former needs: approval.list, approve, withdraw
// (ADR 0201, 0202).
#include <algorithm>

#include "bartizan/control/wall_keeper.hpp"
#include "bartizan/store/approvals.hpp"
#include "bartizan/store/depots.hpp"
#include "bartizan/store/wall_secrets.hpp"
#include "services.hpp"
#include "wall_door.hpp"

namespace bartizan::control {
namespace {

constexpr std::string_view kObserve = "depot.observe";
constexpr std::chrono::hours kApprovedWithin{24};
constexpr std::size_t kMaxReasonBytes = 4096;

Result<store::Record<policy::Depot>> depot_named(Call& call, store::Transaction& transaction, const std::string& name) {
  auto depot = store::Depots(transaction).find(name);
  if (!depot) return tl::unexpected<Error>(with_list_hint(call, std::move(depot).error(), "depot"));
  return std::move(*depot);
}

Result<store::Record<policy::Depot>> depot_of(store::Transaction& transaction, policy::DepotId id) {
  BZ_TRY(auto depots, store::Depots(transaction).list());
  for (auto& depot : depots)
    if (depot.value.id == id) return std::move(depot);
  return fail(Errc::NotFound, "the depot is gone");
}

/// Whether its policies have ever been more than words: a wall has stood there.
Result<bool> was_enforced(store::Transaction& transaction, policy::DepotId id) {
  const auto key = store::WallSecrets(transaction).context_key(id);
  if (key) return true;
  if (key.error().code == Errc::NotFound) return false;
  return tl::unexpected(key.error());
}

std::string_view state_of(const Call& call, const store::Approval& approval) {
  if (approval.state == "waiting" && call.context.clock.wall() >= approval.expires_at) return "expired";
  return approval.state;
}

Document render(const Call& call, const store::Record<store::Approval>& approval, const std::string& depot) {
  const auto& value = approval.value;
  return Members{{"id", value.id.to_string()},
                 {"change", value.change},
                 {"depot", depot},
                 {"state", state_of(call, value)},
                 {"requested_by", approval.meta.created_by},
                 {"requested_at", format_time(approval.meta.created_at)},
                 {"approved_by", value.approved_by ? Document(*value.approved_by) : Document()},
                 {"expires_at", format_time(value.expires_at)},
                 {"reason", value.reason}};
}

Result<void> set_enforcement(store::Transaction& transaction, policy::Depot depot, std::int64_t version,
                             policy::Enforcement enforcement) {
  depot.enforcement = enforcement;
  BZ_CHECK(store::Depots(transaction).update(depot, version));
  return {};
}

/// Commands wait until their change is in force in this gateway.
Result<void> follow(Call& call) {
  if (call.context.walls != nullptr) BZ_CHECK(call.context.walls->run_now());
  return {};
}

Document answer(const std::string& name, policy::Enforcement enforcement, Document approval) {
  return Members{{"name", name}, {"enforcement", policy::to_string(enforcement)}, {"approval", std::move(approval)}};
}

Result<Uuid> take_id(Args& args) {
  BZ_TRY(const auto text, args.text("id", 36));
  const auto id = Uuid::parse(text);
  if (!id) return fail(Errc::InvalidArgument, "'id' is as `bartizan approval list` shows it");
  return *id;
}

}  // namespace

Result<Document> depot_observe(Call& call, Args& args) {
  BZ_TRY(const auto name, args.name("name", NameKind::Resource));
  BZ_TRY(const auto reason, args.text("reason", kMaxReasonBytes));
  BZ_TRY(const auto given, take_version(args));
  BZ_CHECK(args.finish());
  if (reason.empty()) return fail(Errc::InvalidArgument, "'reason' is empty");
  Document approval;
  auto enforcement = policy::Enforcement::Observe;
  {
    BZ_TRY(auto transaction, call.write());
    BZ_TRY(const auto depot, depot_named(call, transaction, name));
    BZ_TRY(const auto version, checked_version(given, depot.meta));
    if (depot.value.enforcement == enforcement) return answer(name, enforcement, {});
    BZ_TRY(const bool can, can_have_wall(transaction, depot.value));
    if (!can) {
      call.hint = "bartizan depot wall-login " + name + " ROLE";
      return fail(Errc::FailedPrecondition, std::string(kNoWallLogin));
    }
    BZ_TRY(const bool enforced, was_enforced(transaction, depot.value.id));
    if (enforced) {
      BZ_TRY(const auto asked, store::Approvals(transaction)
                                   .add({{},
                                         std::string(kObserve),
                                         depot.value.id,
                                         version,
                                         reason,
                                         call.context.clock.wall() + kApprovedWithin,
                                         "waiting",
                                         {}}));
      approval = render(call, asked, name);
      enforcement = policy::Enforcement::Enforce;
    } else {
      BZ_CHECK(set_enforcement(transaction, depot.value, version, enforcement));
    }
    BZ_CHECK(transaction.commit());
  }
  BZ_CHECK(follow(call));
  return answer(name, enforcement, std::move(approval));
}

Result<Document> depot_enforce(Call& call, Args& args) {
  BZ_TRY(const auto name, args.name("name", NameKind::Resource));
  BZ_TRY(const auto given, take_version(args));
  BZ_CHECK(args.finish());
  {
    BZ_TRY(auto transaction, call.write());
    BZ_TRY(const auto depot, depot_named(call, transaction, name));
    BZ_TRY(const auto version, checked_version(given, depot.meta));
    if (depot.value.enforcement != policy::Enforcement::Enforce) {
      BZ_CHECK(set_enforcement(transaction, depot.value, version, policy::Enforcement::Enforce));
      BZ_CHECK(transaction.commit());
    }
  }
  BZ_CHECK(follow(call));
  return answer(name, policy::Enforcement::Enforce, {});
}

Result<Document> approval_list(Call& call, Args& args) {
  BZ_CHECK(args.finish());
  BZ_TRY(auto transaction, call.read());
  BZ_TRY(const auto approvals, store::Approvals(transaction).list());
  BZ_TRY(const auto depots, store::Depots(transaction).list());
  Items out;
  for (const auto& approval : approvals) {
    const auto depot =
        std::ranges::find_if(depots, [&](const auto& one) { return one.value.id == approval.value.depot; });
    out.push_back(render(call, approval, depot == depots.end() ? "" : depot->value.name));
  }
  return Document(std::move(out));
}

/// The change is made with its approval, or neither is.
Result<Document> approval_approve(Call& call, Args& args) {
  BZ_TRY(const auto id, take_id(args));
  BZ_CHECK(args.finish());
  Document out;
  {
    BZ_TRY(auto transaction, call.write());
    store::Approvals approvals(transaction);
    BZ_TRY(const auto asked, approvals.find(id));
    if (asked.meta.created_by == call.actor) {
      call.hint = "another administrator approves it, under an account of their own";
      return fail(Errc::PermissionDenied, "whoever asks for a change does not approve it");
    }
    if (const auto state = state_of(call, asked.value); state != "waiting")
      return fail(Errc::FailedPrecondition, "it is " + std::string(state) + " already");
    BZ_TRY(const auto depot, depot_of(transaction, asked.value.depot));
    if (depot.meta.version != asked.value.depot_version) {
      call.hint = "it has to be asked for again";
      return fail(Errc::Conflict, "the depot has been changed since this was asked for");
    }
    BZ_TRY(const auto approved, approvals.approve(id, call.actor));
    BZ_CHECK(set_enforcement(transaction, depot.value, depot.meta.version, policy::Enforcement::Observe));
    BZ_CHECK(transaction.commit());
    out = render(call, approved, depot.value.name);
  }
  BZ_CHECK(follow(call));
  return out;
}

Result<Document> approval_withdraw(Call& call, Args& args) {
  BZ_TRY(const auto id, take_id(args));
  BZ_CHECK(args.finish());
  BZ_TRY(auto transaction, call.write());
  store::Approvals approvals(transaction);
  BZ_TRY(const auto asked, approvals.find(id));
  BZ_TRY(const auto depot, depot_of(transaction, asked.value.depot));
  BZ_TRY(const auto withdrawn, approvals.withdraw(id));
  BZ_CHECK(transaction.commit());
  return render(call, withdrawn, depot.value.name);
}

}  // namespace bartizan::control
