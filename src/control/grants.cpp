#include "bartizan/store/grants.hpp"

#include <map>

#include "bartizan/store/depots.hpp"
#include "bartizan/store/identities.hpp"
#include "bartizan/store/roles.hpp"
#include "bartizan/store/tenants.hpp"
#include "services.hpp"

namespace bartizan::control {
namespace {

struct Names {
  std::map<Uuid, std::string> by_id;
  [[nodiscard]] Document of(const Uuid& id) const {
    const auto found = by_id.find(id);
    return found == by_id.end() ? Document() : Document(found->second);
  }
};

Result<Names> read_names(store::Transaction& transaction) {
  Names names;
  BZ_TRY(const auto identities, store::Identities(transaction).names());
  BZ_TRY(const auto roles, store::Roles(transaction).list());
  BZ_TRY(const auto depots, store::Depots(transaction).list());
  for (const auto& [id, name] : identities) names.by_id.emplace(id.get(), name);
  for (const auto& role : roles) names.by_id.emplace(role.value.id.get(), role.value.name);
  BZ_TRY(const auto tenants, store::Tenants(transaction).list());
  for (const auto& tenant : tenants) names.by_id.emplace(tenant.value.id.get(), tenant.value.name);
  for (const auto& depot : depots) names.by_id.emplace(depot.value.id.get(), depot.value.name);
  return names;
}

/// Whom its holder may act for: null, "*" or names.
Document acting_for(const policy::Grant& grant, const Names& names) {
  if (grant.act_for_any) return Document("*");
  if (grant.act_for.empty()) return Document();
  Items out;
  for (const auto& tenant : grant.act_for) out.push_back(names.of(tenant.get()));
  return Document(std::move(out));
}

/// Who it is for stands under 'identity' or 'role', whichever it is.
Document render(const store::Record<policy::Grant>& grant, const Names& names) {
  const auto* identity = std::get_if<policy::IdentityId>(&grant.value.grantee);
  const auto grantee = identity != nullptr ? identity->get() : std::get<policy::RoleId>(grant.value.grantee).get();
  Members out = {{"id", grant.value.id.get().to_string()},
                 {identity != nullptr ? "identity" : "role", names.of(grantee)},
                 {"depot", names.of(grant.value.depot.get())},
                 {"login", grant.value.login},
                 {"valid_until", time_or_null(grant.value.valid_until)},
                 {"past_wall", grant.value.past_wall},
                 {"act_for", acting_for(grant.value, names)}};
  append_meta(out, grant.meta);
  return out;
}

struct Subject {
  std::optional<std::string> identity;
  std::optional<std::string> role;
};

Result<Subject> take_subject(Args& args) {
  Subject subject;
  BZ_TRY(subject.identity, args.name_or_none("identity", NameKind::Identity));
  BZ_TRY(subject.role, args.name_or_none("role", NameKind::Resource));
  if (subject.identity && subject.role) return fail(Errc::InvalidArgument, "'identity' and 'role' exclude each other");
  return subject;
}

/// "*", or names of tenants with commas.
Result<void> take_act_for(Call& call, store::Transaction& transaction, std::string_view text, policy::Grant& grant) {
  if (text == "*") {
    grant.act_for_any = true;
    return {};
  }
  while (true) {
    const auto comma = text.find(',');
    auto tenant = store::Tenants(transaction).find(text.substr(0, comma));
    if (!tenant) return tl::unexpected<Error>(with_list_hint(call, std::move(tenant).error(), "tenant"));
    grant.act_for.push_back(tenant->value.id);
    if (comma == std::string_view::npos) return {};
    text.remove_prefix(comma + 1);
  }
}

/// REQUIRES: one of the two is there.
Result<policy::Grantee> find_grantee(Call& call, store::Transaction& transaction, const Subject& subject) {
  if (subject.identity) {
    auto identity = store::Identities(transaction).find(*subject.identity);
    if (!identity) return tl::unexpected<Error>(with_list_hint(call, std::move(identity).error(), "identity"));
    return policy::Grantee(identity->value.id);
  }
  auto role = store::Roles(transaction).find(*subject.role);
  if (!role) return tl::unexpected<Error>(with_list_hint(call, std::move(role).error(), "role"));
  return policy::Grantee(role->value.id);
}

}  // namespace

Result<Document> grant_add(Call& call, Args& args) {
  policy::Grant grant;
  BZ_TRY(const auto subject, take_subject(args));
  BZ_TRY(const auto depot_name, args.name("depot", NameKind::Resource));
  BZ_TRY(grant.login, args.name("login", NameKind::PostgreSql));
  BZ_TRY(grant.valid_until, take_valid_until(call, args));
  BZ_TRY(grant.past_wall, args.flag("past_wall"));
  BZ_TRY(const auto act_for, args.text_or_none("act_for", 64 * 1024));
  BZ_CHECK(args.finish());
  if (!subject.identity && !subject.role) return fail(Errc::InvalidArgument, "'identity' or 'role' is missing");
  if (act_for && grant.past_wall)
    return fail(Errc::InvalidArgument,
                "'act_for' and 'past_wall' exclude each other: past the wall nobody is a tenant");

  BZ_TRY(auto transaction, call.write());
  BZ_TRY(grant.grantee, find_grantee(call, transaction, subject));
  auto depot = store::Depots(transaction).find(depot_name);
  if (!depot) return tl::unexpected<Error>(with_list_hint(call, std::move(depot).error(), "depot"));
  grant.depot = depot->value.id;
  if (act_for) BZ_CHECK(take_act_for(call, transaction, *act_for, grant));
  const auto login = grant.login;
  auto added = store::Grants(transaction).add(std::move(grant));
  if (!added && added.error().code == Errc::FailedPrecondition) {
    call.hint = "give the gateway its password first: bartizan depot login " + depot_name + " --login " + login;
    return fail(Errc::FailedPrecondition, "depot '" + depot_name + "' has no login '" + login + "'");
  }
  if (!added && added.error().code == Errc::AlreadyExists) {
    call.hint = "to change its end, remove it and add it again";
    return fail(Errc::AlreadyExists, "this is granted already");
  }
  if (!added) return tl::unexpected<Error>(std::move(added).error());
  BZ_TRY(const auto names, read_names(transaction));
  BZ_CHECK(transaction.commit());
  return render(*added, names);
}

Result<Document> grant_list(Call& call, Args& args) {
  BZ_TRY(const auto subject, take_subject(args));
  BZ_TRY(const auto depot_name, args.name_or_none("depot", NameKind::Resource));
  BZ_CHECK(args.finish());
  BZ_TRY(auto transaction, call.read());
  std::optional<policy::Grantee> grantee;
  if (subject.identity || subject.role) {
    BZ_TRY(grantee, find_grantee(call, transaction, subject));
  }
  std::optional<policy::DepotId> depot_id;
  if (depot_name) {
    auto depot = store::Depots(transaction).find(*depot_name);
    if (!depot) return tl::unexpected<Error>(with_list_hint(call, std::move(depot).error(), "depot"));
    depot_id = depot->value.id;
  }
  BZ_TRY(const auto grants, store::Grants(transaction).list());
  BZ_TRY(const auto names, read_names(transaction));
  Items out;
  for (const auto& grant : grants) {
    const bool asked = (!grantee || grant.value.grantee == *grantee) && (!depot_id || grant.value.depot == *depot_id);
    if (asked) out.push_back(render(grant, names));
  }
  return Document(std::move(out));
}

Result<Document> grant_remove(Call& call, Args& args) {
  BZ_TRY(const auto text, args.text("id", 36));
  BZ_TRY(const auto given, take_version(args));
  BZ_CHECK(args.finish());
  const auto id = Uuid::parse(text);
  if (!id) return fail(Errc::InvalidArgument, "'id' is a uuid, as grant.list shows it");
  BZ_TRY(auto transaction, call.write());
  store::Grants grants(transaction);
  auto grant = grants.find(policy::GrantId(*id));
  if (!grant) return tl::unexpected<Error>(with_list_hint(call, std::move(grant).error(), "grant"));
  BZ_TRY(const auto version, checked_version(given, grant->meta));
  BZ_CHECK(grants.remove(grant->value.id, version));
  BZ_CHECK(transaction.commit());
  return Document();
}

}  // namespace bartizan::control
