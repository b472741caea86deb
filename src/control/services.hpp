// The services behind the verbs: one function a verb, one file a resource. Each takes its
// arguments strictly, works in transactions of its own and answers a Document without secrets.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "args.hpp"
#include "bartizan/control/verbs.hpp"
#include "bartizan/store/database.hpp"

namespace bartizan::control {

/// One call of a verb.
struct Call {
  const ServiceContext& context;
  std::string actor;
  std::optional<std::string> only_tenant;  ///< a tenant's own reader of its log: no other tree exists for it
  std::string hint;  ///< set by a service that knows what to do about its error

  [[nodiscard]] Result<store::Transaction> read() const { return context.database.begin_read(); }
  [[nodiscard]] Result<store::Transaction> write() const { return context.database.begin_write({actor}); }
};

using Service = Result<Document> (*)(Call&, Args&);

Result<Document> status(Call& call, Args& args);
Result<Document> reload(Call& call, Args& args);
Result<Document> shutdown(Call& call, Args& args);
Result<Document> session_list(Call& call, Args& args);
Result<Document> session_kill(Call& call, Args& args);
Result<Document> doctor(Call& call, Args& args);

Result<Document> tenant_create(Call& call, Args& args);
Result<Document> tenant_list(Call& call, Args& args);
Result<Document> tenant_delete(Call& call, Args& args);

Result<Document> depot_create(Call& call, Args& args);
Result<Document> depot_list(Call& call, Args& args);
Result<Document> depot_show(Call& call, Args& args);
Result<Document> depot_delete(Call& call, Args& args);
Result<Document> depot_login(Call& call, Args& args);
Result<Document> depot_set(Call& call, Args& args);
Result<Document> depot_wall_login(Call& call, Args& args);
Result<Document> depot_pause(Call& call, Args& args);
Result<Document> depot_resume(Call& call, Args& args);
Result<Document> depot_observe(Call& call, Args& args);
Result<Document> depot_enforce(Call& call, Args& args);
Result<Document> approval_list(Call& call, Args& args);
Result<Document> approval_approve(Call& call, Args& args);
Result<Document> approval_withdraw(Call& call, Args& args);
Result<Document> depot_drain(Call& call, Args& args);

Result<Document> identity_create(Call& call, Args& args);
Result<Document> identity_list(Call& call, Args& args);
Result<Document> identity_show(Call& call, Args& args);
Result<Document> identity_set_password(Call& call, Args& args);
Result<Document> identity_enable(Call& call, Args& args);
Result<Document> identity_disable(Call& call, Args& args);
Result<Document> identity_delete(Call& call, Args& args);

Result<Document> role_create(Call& call, Args& args);
Result<Document> role_list(Call& call, Args& args);
Result<Document> role_delete(Call& call, Args& args);
Result<Document> role_assign(Call& call, Args& args);
Result<Document> role_unassign(Call& call, Args& args);

Result<Document> grant_add(Call& call, Args& args);
Result<Document> grant_list(Call& call, Args& args);
Result<Document> grant_remove(Call& call, Args& args);

Result<Document> setting_list(Call& call, Args& args);
Result<Document> setting_get(Call& call, Args& args);
Result<Document> setting_set(Call& call, Args& args);

Result<Document> policy_publish(Call& call, Args& args);
Result<Document> policy_rollback(Call& call, Args& args);
Result<Document> policy_history(Call& call, Args& args);
Result<Document> policy_show(Call& call, Args& args);
Result<Document> policy_diff(Call& call, Args& args);
Result<Document> policy_explain(Call& call, Args& args);
Result<Document> policy_simulate(Call& call, Args& args);
Result<Document> policy_test(Call& call, Args& args);
Result<Document> access_who_can_see(Call& call, Args& args);
Result<Document> access_what_can_see(Call& call, Args& args);
Result<Document> audit_search(Call& call, Args& args);
Result<Document> audit_show(Call& call, Args& args);
Result<Document> audit_prove(Call& call, Args& args);
Result<Document> audit_export(Call& call, Args& args);
Result<Document> audit_tail(Call& call, Args& args);
Result<Document> audit_verify(Call& call, Args& args);
Result<Document> audit_hold_add(Call& call, Args& args);
Result<Document> audit_hold_list(Call& call, Args& args);
Result<Document> audit_hold_release(Call& call, Args& args);
Result<Document> audit_prune(Call& call, Args& args);
Result<Document> audit_key_rotate(Call& call, Args& args);
Result<Document> audit_ceiling_set(Call& call, Args& args);
Result<Document> audit_ceiling_list(Call& call, Args& args);
Result<Document> audit_ceiling_remove(Call& call, Args& args);
Result<Document> audit_reader_add(Call& call, Args& args);
Result<Document> audit_reader_list(Call& call, Args& args);
Result<Document> audit_reader_remove(Call& call, Args& args);
/// With `as` and `password` the call becomes that tenant's reader's. required: there is no other way.
[[nodiscard]] Result<void> become_reader(Call& call, Args& args, bool required);
Result<Document> audit_break_glass(Call& call, Args& args);
Result<Document> audit_erase(Call& call, Args& args);
Result<Document> audit_unseal(Call& call, Args& args);
Result<Document> wall_status(Call& call, Args& args);
Result<Document> wall_reconcile(Call& call, Args& args);

Result<Document> function_allow(Call& call, Args& args);
Result<Document> function_deny(Call& call, Args& args);
Result<Document> function_list(Call& call, Args& args);

Result<Document> column_encrypt(Call& call, Args& args);
Result<Document> column_decrypt(Call& call, Args& args);
Result<Document> column_status(Call& call, Args& args);
Result<Document> key_list(Call& call, Args& args);
Result<Document> key_create(Call& call, Args& args);
Result<Document> key_rotate(Call& call, Args& args);
Result<Document> key_rewrap(Call& call, Args& args);
Result<Document> key_destroy(Call& call, Args& args);
Result<Document> key_reinstate(Call& call, Args& args);
Result<Document> key_revoke(Call& call, Args& args);
Result<Document> key_status(Call& call, Args& args);

Result<Document> catalog_classify(Call& call, Args& args);
Result<Document> changes_list(Call& call, Args& args);
Result<Document> import_roles(Call& call, Args& args);

/// Appends version, created_at, created_by, updated_at and updated_by.
void append_meta(Members& members, const store::Meta& meta);
/// "depot 'x' is there already" in place of the database's words.
[[nodiscard]] Error named_twice(Error error, std::string_view noun, std::string_view name);
/// A NotFound gets the hint to look at the list.
[[nodiscard]] Error with_list_hint(Call& call, Error error, std::string_view noun);
/// The version given, or the current one. Conflict if a given one is another.
[[nodiscard]] Result<std::int64_t> checked_version(const std::optional<std::int64_t>& given, const store::Meta& meta);
[[nodiscard]] Result<std::optional<std::int64_t>> take_version(Args& args);
/// valid_until, which has to lie in the future.
[[nodiscard]] Result<std::optional<WallTime>> take_valid_until(Call& call, Args& args);

}  // namespace bartizan::control
