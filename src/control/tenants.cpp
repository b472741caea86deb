#include "bartizan/store/tenants.hpp"

#include "services.hpp"

namespace bartizan::control {
namespace {

constexpr std::size_t kMaxRegionBytes = 63;

Document render(const store::Record<policy::Tenant>& tenant) {
  Members out = {
      {"id", tenant.value.id.get().to_string()}, {"name", tenant.value.name}, {"region", tenant.value.region}};
  append_meta(out, tenant.meta);
  return out;
}

}  // namespace

Result<Document> tenant_create(Call& call, Args& args) {
  policy::Tenant tenant;
  BZ_TRY(tenant.name, args.name("name", NameKind::Resource));
  BZ_TRY(auto region, args.text_or_none("region", kMaxRegionBytes));
  BZ_CHECK(args.finish());
  tenant.region = region.value_or("");
  if (!is_printable_utf8(tenant.region)) return fail(Errc::InvalidArgument, "'region' holds control characters");
  const auto name = tenant.name;
  BZ_TRY(auto transaction, call.write());
  auto made = store::Tenants(transaction).create(std::move(tenant));
  if (!made) return tl::unexpected<Error>(named_twice(std::move(made).error(), "tenant", name));
  BZ_CHECK(transaction.commit());
  return render(*made);
}

Result<Document> tenant_list(Call& call, Args& args) {
  BZ_CHECK(args.finish());
  BZ_TRY(auto transaction, call.read());
  BZ_TRY(const auto tenants, store::Tenants(transaction).list());
  Items out;
  for (const auto& tenant : tenants) out.push_back(render(tenant));
  return Document(std::move(out));
}

Result<Document> tenant_delete(Call& call, Args& args) {
  BZ_TRY(const auto name, args.name("name", NameKind::Resource));
  BZ_TRY(const auto given, take_version(args));
  BZ_CHECK(args.finish());
  BZ_TRY(auto transaction, call.write());
  store::Tenants tenants(transaction);
  auto tenant = tenants.find(name);
  if (!tenant) return tl::unexpected<Error>(with_list_hint(call, std::move(tenant).error(), "tenant"));
  BZ_TRY(const auto version, checked_version(given, tenant->meta));
  auto removed = tenants.remove(tenant->value.id, version);
  if (!removed && removed.error().code == Errc::FailedPrecondition) {
    call.hint = "delete its identities and depots first";
    return fail(Errc::FailedPrecondition, "something still belongs to tenant '" + name + "'");
  }
  BZ_CHECK(std::move(removed));
  BZ_CHECK(transaction.commit());
  return Document();
}

}  // namespace bartizan::control
