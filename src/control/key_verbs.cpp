// key list, create, rotate, rewrap, destroy.
#include <map>

#include "bartizan/control/cell_keeper.hpp"
#include "bartizan/control/cell_keys.hpp"
#include "bartizan/store/depots.hpp"
#include "bartizan/store/tenants.hpp"
#include "services.hpp"

namespace bartizan::control {
namespace {

constexpr std::size_t kMaxReasonBytes = 900;

Result<CellKeys*> keys_of(Call& call) {
  if (call.context.keys == nullptr) return fail(Errc::Unsupported, "this gateway holds no keys");
  return call.context.keys;
}

/// A tenant, or a depot that belongs to none.
Result<keys::KeyringOwner> owner_named(Call& call, Args& args) {
  BZ_TRY(const auto tenant, args.name_or_none("tenant", NameKind::Resource));
  BZ_TRY(const auto depot, args.name_or_none("depot", NameKind::Resource));
  if (tenant.has_value() == depot.has_value())
    return fail(Errc::InvalidArgument, "either 'tenant' or 'depot' says whose keys");
  BZ_TRY(auto transaction, call.read());
  if (tenant) {
    auto found = store::Tenants(transaction).find(*tenant);
    if (!found) return tl::unexpected<Error>(with_list_hint(call, std::move(found).error(), "tenant"));
    return keys::KeyringOwner::of_tenant(found->value.id.get());
  }
  auto found = store::Depots(transaction).find(*depot);
  if (!found) return tl::unexpected<Error>(with_list_hint(call, std::move(found).error(), "depot"));
  if (found->value.tenant) return keys::KeyringOwner::of_tenant(found->value.tenant->get());
  return keys::KeyringOwner::of_depot(found->value.id.get());
}

/// Who has keys, by what admins call them.
using Names = std::map<keys::KeyringOwner, std::string>;

Result<Names> names(Call& call) {
  BZ_TRY(auto transaction, call.read());
  BZ_TRY(const auto tenants, store::Tenants(transaction).list());
  BZ_TRY(const auto depots, store::Depots(transaction).list());
  Names out;
  for (const auto& tenant : tenants)
    out.emplace(keys::KeyringOwner::of_tenant(tenant.value.id.get()), "tenant " + tenant.value.name);
  for (const auto& depot : depots)
    out.emplace(keys::KeyringOwner::of_depot(depot.value.id.get()), "depot " + depot.value.name);
  return out;
}

void append(Items& out, const keys::Keyring& keyring, const Names& names) {
  const auto named = names.find(keyring.owner());
  for (const auto& version : keyring.versions())
    out.push_back(
        Members{{"owner", named == names.end() ? keyring.owner().id.to_string() : named->second},
                {"key", static_cast<std::int64_t>(version.id.get())},
                {"purpose", version.purpose == keys::KeyPurpose::Data ? "data" : "index"},
                {"state", std::string(keys::to_string(version.state))},
                {"root", version.wrapped.root.provider.empty()
                             ? std::string()
                             : version.wrapped.root.provider + " " + std::to_string(version.wrapped.root.version)},
                {"since", format_time(version.changed_at)},
                {"authority", version.authority}});
}

Result<Document> shown(Call& call, const keys::Keyring& keyring) {
  BZ_TRY(const auto known, names(call));
  Items out;
  append(out, keyring, known);
  return Document(std::move(out));
}

/// What sessions use from here on.
Result<void> bring_into_force(Call& call) {
  return call.context.cells == nullptr ? Result<void>() : call.context.cells->run_now();
}

}  // namespace

Result<Document> key_list(Call& call, Args& args) {
  BZ_CHECK(args.finish());
  BZ_TRY(auto* keys, keys_of(call));
  BZ_TRY(const auto keyrings, keys->list());
  BZ_TRY(const auto known, names(call));
  Items out;
  for (const auto& keyring : keyrings) append(out, keyring, known);
  return Document(std::move(out));
}

Result<Document> key_create(Call& call, Args& args) {
  BZ_TRY(const auto owner, owner_named(call, args));
  BZ_CHECK(args.finish());
  BZ_TRY(auto* keys, keys_of(call));
  BZ_TRY(const auto keyring, keys->ensure(owner));
  BZ_CHECK(bring_into_force(call));
  return shown(call, keyring);
}

Result<Document> key_rotate(Call& call, Args& args) {
  BZ_TRY(const auto owner, owner_named(call, args));
  BZ_CHECK(args.finish());
  BZ_TRY(auto* keys, keys_of(call));
  BZ_TRY(const auto keyring, keys->rotate(owner));
  BZ_CHECK(bring_into_force(call));
  return shown(call, keyring);
}

Result<Document> key_rewrap(Call& call, Args& args) {
  BZ_CHECK(args.finish());
  BZ_TRY(auto* keys, keys_of(call));
  BZ_TRY(const auto count, keys->rewrap());
  return Document(Members{{"rewrapped", static_cast<std::int64_t>(count)}});
}

Result<Document> key_destroy(Call& call, Args& args) {
  BZ_TRY(const auto owner, owner_named(call, args));
  BZ_TRY(const auto reason, args.text("reason", kMaxReasonBytes));
  BZ_TRY(const bool sure, args.flag("irrevocably"));
  BZ_CHECK(args.finish());
  if (!sure) {
    call.hint = "add --irrevocably: there is no way back, not even from a backup";
    return fail(Errc::FailedPrecondition, "what is encrypted under these keys becomes unreadable for ever");
  }
  if (reason.empty() || !is_printable_utf8(reason)) return fail(Errc::InvalidArgument, "'reason' is a line of text");
  BZ_TRY(auto* keys, keys_of(call));
  BZ_TRY(const auto keyring, keys->destroy(owner, call.actor + ": " + reason));
  BZ_CHECK(bring_into_force(call));
  return shown(call, keyring);
}

}  // namespace bartizan::control
