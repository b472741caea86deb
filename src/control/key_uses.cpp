#include "bartizan/control/key_uses.hpp"

#include <string>

#include "bartizan/keys/keyring.hpp"

namespace bartizan::control {
namespace {

constexpr std::string_view kGateway = R"("identity":"bartizan","address":"gateway")";

void append_root(std::string& what, const keys::RootRef& root) {
  if (!root.provider.empty()) audit::append_member(what, "root", root.provider + " " + std::to_string(root.version));
}

}  // namespace

Result<void> KeyUses::record(std::string_view operation, const keys::WrapContext& key, const keys::RootRef& root) {
  std::string who(kGateway);
  const bool of_tenant = key.owner.kind == keys::OwnerKind::Tenant || key.owner.kind == keys::OwnerKind::Subject;
  const bool of_files = key.owner.kind == keys::OwnerKind::Storage;
  const auto snapshot = snapshots_.current();
  const auto* tenant = of_tenant && snapshot ? snapshot->find_tenant(policy::TenantId(key.owner.tenant)) : nullptr;
  if (tenant != nullptr) audit::append_member(who, "tenant", tenant->name);
  std::string what;
  audit::append_member(what, "operation", operation);
  audit::append_member(what, "resource_kind", "key");
  audit::append_member(what, "resource_uid", std::to_string(key.id.get()));
  audit::append_member(what, "owner",
                       (of_tenant  ? "tenant "
                        : of_files ? "files "
                                   : "depot ") +
                           key.owner.id.to_string());
  audit::append_member(what, "purpose", keys::to_string(key.purpose));
  append_root(what, root);
  return write(who, what);
}

Result<void> KeyUses::record_root(std::string_view operation, const keys::RootRef& root) {
  std::string what;
  audit::append_member(what, "operation", operation);
  audit::append_member(what, "resource_kind", "root");
  append_root(what, root);
  return write(kGateway, what);
}

Result<void> KeyUses::write(std::string_view who, std::string_view what) {
  const auto ticket = log_.begin({audit::Event::KeyUse, clock_.wall(), who, what});
  if (!ticket)
    return fail(Errc::Unavailable, "the audit log can't take the record of this use of a key, so it was not used");
  log_.finish(*ticket, {});
  return {};
}

}  // namespace bartizan::control
