// audit.ceiling-set, -list and -remove: how long records are kept at most.
#include "bartizan/store/audit_ceilings.hpp"

#include <algorithm>

#include "audit_reading.hpp"
#include "bartizan/auditlog/pruning.hpp"
#include "bartizan/store/tenants.hpp"

namespace bartizan::control {
namespace {

constexpr std::int64_t kMostDays = 36'500;

Result<std::optional<policy::TenantId>> tenant_named(Call& call, store::Transaction& transaction,
                                                     const std::optional<std::string>& name) {
  if (!name) return std::optional<policy::TenantId>();
  auto found = store::Tenants(transaction).find(*name);
  if (!found) return tl::unexpected<Error>(with_list_hint(call, std::move(found).error(), "tenant"));
  return std::optional(found->value.id);
}

Document render(const store::Record<store::AuditCeiling>& ceiling, Document tenant) {
  Members out = {{"tenant", std::move(tenant)}, {"days", static_cast<std::int64_t>(ceiling.value.days)}};
  append_meta(out, ceiling.meta);
  return out;
}

Document name_or_null(const std::optional<std::string>& name) { return name ? Document(*name) : Document(); }

}  // namespace

Result<Document> audit_ceiling_set(Call& call, Args& args) {
  BZ_TRY(const auto tenant, args.name_or_none("tenant", NameKind::Resource));
  BZ_TRY(const auto days, args.integer_or_none("days", auditlog::kRetentionFloor.count(), kMostDays));
  BZ_CHECK(args.finish());
  BZ_CHECK(audit_source(call));
  if (!days) return fail(Errc::InvalidArgument, "'days' is missing");
  BZ_TRY(auto transaction, call.write());
  store::AuditCeiling ceiling;
  BZ_TRY(ceiling.tenant, tenant_named(call, transaction, tenant));
  ceiling.days = static_cast<int>(*days);
  BZ_TRY(const auto set, store::AuditCeilings(transaction).set(ceiling));
  BZ_CHECK(transaction.commit());
  return render(set, name_or_null(tenant));
}

Result<Document> audit_ceiling_list(Call& call, Args& args) {
  BZ_CHECK(args.finish());
  BZ_TRY(auto transaction, call.read());
  BZ_TRY(const auto ceilings, store::AuditCeilings(transaction).list());
  BZ_TRY(const auto tenants, store::Tenants(transaction).list());
  Items out;
  for (const auto& ceiling : ceilings) {
    Document name;
    for (const auto& tenant : tenants)
      if (ceiling.value.tenant == tenant.value.id) name = tenant.value.name;
    out.push_back(render(ceiling, std::move(name)));
  }
  return Document(std::move(out));
}

Result<Document> audit_ceiling_remove(Call& call, Args& args) {
  BZ_TRY(const auto tenant, args.name_or_none("tenant", NameKind::Resource));
  BZ_CHECK(args.finish());
  BZ_TRY(auto transaction, call.write());
  BZ_TRY(const auto id, tenant_named(call, transaction, tenant));
  BZ_CHECK(store::AuditCeilings(transaction).remove(id));
  BZ_CHECK(transaction.commit());
  return Document();
}

}  // namespace bartizan::control
