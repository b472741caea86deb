#include "bartizan/store/identities.hpp"

#include "bartizan/store/roles.hpp"
#include "bartizan/store/tenants.hpp"
#include "passwords.hpp"
#include "services.hpp"

namespace bartizan::control {
namespace {

constexpr std::size_t kMaxVerifierBytes = 1024;
using TenantNames = std::map<policy::TenantId, std::string>;

Result<TenantNames> tenant_names(store::Transaction& transaction) {
  BZ_TRY(const auto tenants, store::Tenants(transaction).list());
  TenantNames out;
  for (const auto& tenant : tenants) out.emplace(tenant.value.id, tenant.value.name);
  return out;
}

Members render(const store::Record<policy::Identity>& identity, const TenantNames& tenants) {
  const auto& value = identity.value;
  Document tenant;
  if (value.tenant) {
    const auto found = tenants.find(*value.tenant);
    if (found != tenants.end()) tenant = Document(found->second);
  }
  Members attributes;
  for (const auto& [name, text] : value.attributes) attributes.emplace_back(name, text);
  Members out = {{"id", value.id.get().to_string()},
                 {"name", value.name},
                 {"tenant", std::move(tenant)},
                 {"enabled", value.enabled},
                 {"service", value.is_service},
                 {"operator", value.is_operator},
                 {"password", !value.scram_verifier.empty()},
                 {"valid_until", time_or_null(value.valid_until)},
                 {"attributes", std::move(attributes)}};
  append_meta(out, identity.meta);
  return out;
}

/// Of 'password' or 'scram_verifier', whichever is given. PBKDF2 runs here, before any lock.
Result<SecretBytes> take_verifier(Call& call, Args& args) {
  BZ_TRY(const auto password, args.secret_or_none("password"));
  BZ_TRY(auto verifier, args.text_or_none("scram_verifier", kMaxVerifierBytes));
  if (password && verifier) return fail(Errc::InvalidArgument, "'password' and 'scram_verifier' exclude each other");
  if (password) return make_verifier(call.context, *password);
  if (!verifier) return SecretBytes();
  SecretBytes text{std::string_view(*verifier)};
  secure_wipe(verifier->data(), verifier->size());
  if (!identity::ScramVerifier::parse(text.reveal_chars()))
    return fail(Errc::InvalidArgument, "'scram_verifier' is not one");
  return text;
}

/// Reads an identity by the argument 'name' in a write transaction, at the version given.
template <class Change>
Result<Document> change_identity(Call& call, const std::string& name, const std::optional<std::int64_t>& given,
                                 Change change) {
  BZ_TRY(auto transaction, call.write());
  store::Identities identities(transaction);
  auto found = identities.find(name);
  if (!found) return tl::unexpected<Error>(with_list_hint(call, std::move(found).error(), "identity"));
  BZ_TRY(const auto version, checked_version(given, found->meta));
  BZ_TRY(const auto written, change(identities, found->value, version));
  BZ_TRY(const auto tenants, tenant_names(transaction));
  BZ_CHECK(transaction.commit());
  return Document(render(written, tenants));
}

Result<Document> set_enabled(Call& call, Args& args, bool enabled) {
  BZ_TRY(const auto name, args.name("name", NameKind::Identity));
  BZ_TRY(const auto given, take_version(args));
  BZ_CHECK(args.finish());
  return change_identity(call, name, given,
                         [&](store::Identities& identities, policy::Identity& identity, std::int64_t version) {
                           identity.enabled = enabled;
                           return identities.update(identity, version);
                         });
}

}  // namespace

Result<Document> identity_create(Call& call, Args& args) {
  policy::Identity identity;
  BZ_TRY(identity.name, args.name("name", NameKind::Identity));
  BZ_TRY(const auto tenant_name, args.name_or_none("tenant", NameKind::Resource));
  BZ_TRY(identity.is_service, args.flag("service"));
  BZ_TRY(identity.is_operator, args.flag("operator"));
  BZ_TRY(identity.valid_until, take_valid_until(call, args));
  BZ_TRY(identity.attributes, args.texts("attributes"));
  BZ_TRY(identity.scram_verifier, take_verifier(call, args));
  BZ_CHECK(args.finish());
  if (identity.is_operator && tenant_name) return fail(Errc::InvalidArgument, "an operator belongs to no tenant");

  BZ_TRY(auto transaction, call.write());
  BZ_TRY(const auto tenants, tenant_names(transaction));
  if (tenant_name) {
    auto tenant = store::Tenants(transaction).find(*tenant_name);
    if (!tenant) return tl::unexpected<Error>(with_list_hint(call, std::move(tenant).error(), "tenant"));
    identity.tenant = tenant->value.id;
  }
  const auto name = identity.name;
  auto made = store::Identities(transaction).create(std::move(identity));
  if (!made) return tl::unexpected<Error>(named_twice(std::move(made).error(), "identity", name));
  BZ_CHECK(transaction.commit());
  return Document(render(*made, tenants));
}

Result<Document> identity_list(Call& call, Args& args) {
  BZ_TRY(const auto tenant_name, args.name_or_none("tenant", NameKind::Resource));
  BZ_CHECK(args.finish());
  BZ_TRY(auto transaction, call.read());
  std::optional<policy::TenantId> only;
  if (tenant_name) {
    auto tenant = store::Tenants(transaction).find(*tenant_name);
    if (!tenant) return tl::unexpected<Error>(with_list_hint(call, std::move(tenant).error(), "tenant"));
    only = tenant->value.id;
  }
  BZ_TRY(const auto tenants, tenant_names(transaction));
  BZ_TRY(const auto identities, store::Identities(transaction).list());
  Items out;
  for (const auto& identity : identities) {
    if (!only || identity.value.tenant == only) out.push_back(render(identity, tenants));
  }
  return Document(std::move(out));
}

Result<Document> identity_show(Call& call, Args& args) {
  BZ_TRY(const auto name, args.name("name", NameKind::Identity));
  BZ_CHECK(args.finish());
  BZ_TRY(auto transaction, call.read());
  auto identity = store::Identities(transaction).find(name);
  if (!identity) return tl::unexpected<Error>(with_list_hint(call, std::move(identity).error(), "identity"));
  BZ_TRY(const auto tenants, tenant_names(transaction));
  BZ_TRY(const auto members, store::Roles(transaction).members());
  BZ_TRY(const auto roles, store::Roles(transaction).list());
  Items role_names;
  for (const auto& role : roles) {
    for (const auto& member : members) {
      if (member.role == role.value.id && member.identity == identity->value.id)
        role_names.emplace_back(role.value.name);
    }
  }
  auto out = render(*identity, tenants);
  out.emplace_back("roles", std::move(role_names));
  return Document(std::move(out));
}

Result<Document> identity_set_password(Call& call, Args& args) {
  BZ_TRY(const auto name, args.name("name", NameKind::Identity));
  BZ_TRY(const auto password, args.secret_or_none("password"));
  BZ_TRY(const auto given, take_version(args));
  BZ_CHECK(args.finish());
  if (!password) return fail(Errc::InvalidArgument, "'password' is missing");
  BZ_TRY(const auto verifier, make_verifier(call.context, *password));
  return change_identity(call, name, given,
                         [&](store::Identities& identities, policy::Identity& identity, std::int64_t version) {
                           return identities.set_verifier(identity.id, verifier, version);
                         });
}

Result<Document> identity_enable(Call& call, Args& args) { return set_enabled(call, args, true); }
Result<Document> identity_disable(Call& call, Args& args) { return set_enabled(call, args, false); }

Result<Document> identity_delete(Call& call, Args& args) {
  BZ_TRY(const auto name, args.name("name", NameKind::Identity));
  BZ_TRY(const auto given, take_version(args));
  BZ_CHECK(args.finish());
  BZ_TRY(auto transaction, call.write());
  store::Identities identities(transaction);
  auto identity = identities.find(name);
  if (!identity) return tl::unexpected<Error>(with_list_hint(call, std::move(identity).error(), "identity"));
  BZ_TRY(const auto version, checked_version(given, identity->meta));
  BZ_CHECK(identities.remove(identity->value.id, version));
  BZ_CHECK(transaction.commit());
  return Document();
}

}  // namespace bartizan::control
