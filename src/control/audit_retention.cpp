// Retention of the provable log: legal holds by case, and pruning, which they stop.
#include "audit_pruning.hpp"
#include "audit_reading.hpp"
#include "bartizan/auditlog/pruning.hpp"
#include "bartizan/store/audit_holds.hpp"
#include "bartizan/store/tenants.hpp"

namespace bartizan::control {
namespace {

constexpr std::size_t kMaxCaseBytes = 128;
constexpr std::size_t kMaxReasonBytes = 4096;

Result<std::string> take_reason(Args& args) {
  BZ_TRY(auto reason, args.text("reason", kMaxReasonBytes));
  if (reason.empty() || !is_printable_utf8(reason))
    return fail(Errc::InvalidArgument, "'reason' says why, without control characters");
  return reason;
}

Result<std::map<policy::TenantId, std::string>> tenant_names(store::Transaction& transaction) {
  BZ_TRY(const auto tenants, store::Tenants(transaction).list());
  std::map<policy::TenantId, std::string> out;
  for (const auto& tenant : tenants) out.emplace(tenant.value.id, tenant.value.name);
  return out;
}

Document render(const store::Record<store::AuditHold>& hold, const std::map<policy::TenantId, std::string>& tenants) {
  Document tenant;
  if (hold.value.tenant)
    if (const auto found = tenants.find(*hold.value.tenant); found != tenants.end()) tenant = found->second;
  Members out = {{"case", hold.value.case_name},
                 {"tenant", std::move(tenant)},
                 {"reason", hold.value.reason},
                 {"released", hold.value.released ? Document(*hold.value.released) : Document()}};
  append_meta(out, hold.meta);
  return out;
}

}  // namespace

Result<Document> audit_hold_add(Call& call, Args& args) {
  store::AuditHold hold;
  BZ_TRY(hold.case_name, args.text("case", kMaxCaseBytes));
  BZ_TRY(const auto tenant, args.name_or_none("tenant", NameKind::Resource));
  BZ_TRY(hold.reason, take_reason(args));
  BZ_CHECK(args.finish());
  if (hold.case_name.empty() || !is_printable_utf8(hold.case_name))
    return fail(Errc::InvalidArgument, "'case' names the case, without control characters");
  BZ_TRY(auto transaction, call.write());
  if (tenant) {
    auto found = store::Tenants(transaction).find(*tenant);
    if (!found) return tl::unexpected<Error>(with_list_hint(call, std::move(found).error(), "tenant"));
    hold.tenant = found->value.id;
  }
  auto added = store::AuditHolds(transaction).add(hold);
  if (!added) return tl::unexpected<Error>(named_twice(std::move(added).error(), "hold", hold.case_name));
  BZ_TRY(const auto names, tenant_names(transaction));
  BZ_CHECK(transaction.commit());
  return render(*added, names);
}

Result<Document> audit_hold_list(Call& call, Args& args) {
  BZ_CHECK(args.finish());
  BZ_TRY(auto transaction, call.read());
  BZ_TRY(const auto holds, store::AuditHolds(transaction).list());
  BZ_TRY(const auto names, tenant_names(transaction));
  Items out;
  for (const auto& hold : holds) out.push_back(render(hold, names));
  return Document(std::move(out));
}

Result<Document> audit_hold_release(Call& call, Args& args) {
  BZ_TRY(const auto name, args.text("case", kMaxCaseBytes));
  BZ_TRY(const auto reason, take_reason(args));
  BZ_CHECK(args.finish());
  BZ_TRY(auto transaction, call.write());
  BZ_TRY(const auto released, store::AuditHolds(transaction).release(name, reason));
  BZ_TRY(const auto names, tenant_names(transaction));
  BZ_CHECK(transaction.commit());
  return render(released, names);
}

Result<Document> audit_prune(Call& call, Args& args) {
  BZ_TRY(const auto tenant, args.text_or_none("tenant", 256));
  BZ_TRY(const auto before, args.time_or_none("before"));
  BZ_TRY(const auto reason, take_reason(args));
  BZ_CHECK(args.finish());
  BZ_CHECK(audit_source(call));
  if (!before) return fail(Errc::InvalidArgument, "'before' is missing");
  if (*before > call.context.clock.wall() - auditlog::kRetentionFloor)
    return fail(Errc::InvalidArgument, "records are kept for 365 days at least: nothing younger can be pruned");
  // A hold that is added now waits until this is done, and one that was added is seen.
  BZ_TRY(auto transaction, call.write());
  std::optional<policy::TenantId> id;
  if (tenant) {
    const auto found = store::Tenants(transaction).find(*tenant);
    if (found) id = found->value.id;  // a tenant that was deleted leaves its tree
  }
  BZ_TRY(const auto cases, holding(transaction, id));
  if (!cases.empty()) {
    call.hint = "audit hold-list says why; audit hold-release ends a hold";
    return fail(Errc::FailedPrecondition, "nothing of this tree may be pruned: it is held for " + cases);
  }
  BZ_TRY(const auto tree, tree_of(call, tenant));
  BZ_TRY(const auto pruned,
         prune(*call.context.audit, call.context.clock, transaction, {tree, id, *before, call.actor, reason}));
  return Document(Members{{"tree", tree},
                          {"removed", static_cast<std::int64_t>(pruned.minimum - pruned.before)},
                          {"minimum_index", static_cast<std::int64_t>(pruned.minimum)}});
}

}  // namespace bartizan::control
