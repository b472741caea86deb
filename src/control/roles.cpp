#include "bartizan/store/roles.hpp"

#include <map>

#include "bartizan/store/identities.hpp"
#include "services.hpp"

namespace bartizan::control {
namespace {

/// What roles are rendered with.
struct Names {
  std::vector<policy::RoleMember> members;
  std::map<policy::IdentityId, std::string> identities;
};

Result<Names> read_names(store::Transaction& transaction) {
  Names names;
  BZ_TRY(names.members, store::Roles(transaction).members());
  BZ_TRY(names.identities, store::Identities(transaction).names());
  return names;
}

Document render(const store::Record<policy::Role>& role, const Names& names) {
  Items members;
  for (const auto& member : names.members) {
    if (member.role != role.value.id) continue;
    const auto found = names.identities.find(member.identity);
    if (found != names.identities.end()) members.emplace_back(found->second);
  }
  Members out = {{"id", role.value.id.get().to_string()}, {"name", role.value.name}, {"members", std::move(members)}};
  append_meta(out, role.meta);
  return out;
}

template <class Change>
Result<Document> change_membership(Call& call, Args& args, Change change) {
  BZ_TRY(const auto role_name, args.name("role", NameKind::Resource));
  BZ_TRY(const auto identity_name, args.name("identity", NameKind::Identity));
  BZ_CHECK(args.finish());
  BZ_TRY(auto transaction, call.write());
  store::Roles roles(transaction);
  auto role = roles.find(role_name);
  if (!role) return tl::unexpected<Error>(with_list_hint(call, std::move(role).error(), "role"));
  auto identity = store::Identities(transaction).find(identity_name);
  if (!identity) return tl::unexpected<Error>(with_list_hint(call, std::move(identity).error(), "identity"));
  auto changed = change(roles, role->value.id, identity->value.id);
  if (!changed && changed.error().code == Errc::AlreadyExists) {
    return fail(Errc::AlreadyExists, "identity '" + identity_name + "' is in role '" + role_name + "' already");
  }
  BZ_CHECK(std::move(changed));
  BZ_TRY(const auto names, read_names(transaction));
  BZ_CHECK(transaction.commit());
  return render(*role, names);
}

}  // namespace

Result<Document> role_create(Call& call, Args& args) {
  BZ_TRY(const auto name, args.name("name", NameKind::Resource));
  BZ_CHECK(args.finish());
  BZ_TRY(auto transaction, call.write());
  auto made = store::Roles(transaction).create({{}, name});
  if (!made) return tl::unexpected<Error>(named_twice(std::move(made).error(), "role", name));
  BZ_CHECK(transaction.commit());
  return render(*made, {});
}

Result<Document> role_list(Call& call, Args& args) {
  BZ_CHECK(args.finish());
  BZ_TRY(auto transaction, call.read());
  BZ_TRY(const auto roles, store::Roles(transaction).list());
  BZ_TRY(const auto names, read_names(transaction));
  Items out;
  for (const auto& role : roles) out.push_back(render(role, names));
  return Document(std::move(out));
}

Result<Document> role_delete(Call& call, Args& args) {
  BZ_TRY(const auto name, args.name("name", NameKind::Resource));
  BZ_TRY(const auto given, take_version(args));
  BZ_CHECK(args.finish());
  BZ_TRY(auto transaction, call.write());
  store::Roles roles(transaction);
  auto role = roles.find(name);
  if (!role) return tl::unexpected<Error>(with_list_hint(call, std::move(role).error(), "role"));
  BZ_TRY(const auto version, checked_version(given, role->meta));
  BZ_CHECK(roles.remove(role->value.id, version));
  BZ_CHECK(transaction.commit());
  return Document();
}

Result<Document> role_assign(Call& call, Args& args) {
  return change_membership(call, args, [](store::Roles& roles, policy::RoleId role, policy::IdentityId identity) {
    return roles.assign(role, identity);
  });
}

Result<Document> role_unassign(Call& call, Args& args) {
  return change_membership(call, args, [](store::Roles& roles, policy::RoleId role, policy::IdentityId identity) {
    return roles.unassign(role, identity);
  });
}

}  // namespace bartizan::control
