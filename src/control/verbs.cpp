#include "bartizan/control/verbs.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <thread>

#include "at_rest_verbs.hpp"
#include "bartizan/base/log.hpp"
#include "bartizan/control/change_recorder.hpp"
#include "bartizan/store/changes.hpp"
#include "call_record.hpp"
#include "depot_suspension.hpp"
#include "services.hpp"
#include "token_verbs.hpp"

namespace bartizan::control {
namespace {

struct Verb {
  std::string_view name;
  Service service;
};

constexpr std::array kVerbs = {
    Verb{"access.what-can-see", access_what_can_see},
    Verb{"access.who-can-see", access_who_can_see},
    Verb{"approval.approve", approval_approve},
    Verb{"approval.list", approval_list},
    Verb{"approval.withdraw", approval_withdraw},
    Verb{"audit.break-glass", audit_break_glass},
    Verb{"audit.ceiling-list", audit_ceiling_list},
    Verb{"audit.ceiling-remove", audit_ceiling_remove},
    Verb{"audit.ceiling-set", audit_ceiling_set},
    Verb{"audit.erase", audit_erase},
    Verb{"audit.export", audit_export},
    Verb{"audit.hold-add", audit_hold_add},
    Verb{"audit.hold-list", audit_hold_list},
    Verb{"audit.hold-release", audit_hold_release},
    Verb{"audit.key-rotate", audit_key_rotate},
    Verb{"audit.prove", audit_prove},
    Verb{"audit.prune", audit_prune},
    Verb{"audit.reader-add", audit_reader_add},
    Verb{"audit.reader-list", audit_reader_list},
    Verb{"audit.reader-remove", audit_reader_remove},
    Verb{"audit.search", audit_search},
    Verb{"audit.show", audit_show},
    Verb{"audit.tail", audit_tail},
    Verb{"audit.unseal", audit_unseal},
    Verb{"audit.verify", audit_verify},
    Verb{"catalog.classify", catalog_classify},
    Verb{"changes.list", changes_list},
    Verb{"column.decrypt", column_decrypt},
    Verb{"column.detokenize", column_detokenize},
    Verb{"column.encrypt", column_encrypt},
    Verb{"column.status", column_status},
    Verb{"column.tokenize", column_tokenize},
    Verb{"depot.create", depot_create},
    Verb{"depot.declare-at-rest", depot_declare_at_rest},
    Verb{"depot.delete", depot_delete},
    Verb{"depot.detach", depot_detach},
    Verb{"depot.drain", depot_drain},
    Verb{"depot.enforce", depot_enforce},
    Verb{"depot.list", depot_list},
    Verb{"depot.login", depot_login},
    Verb{"depot.observe", depot_observe},
    Verb{"depot.pause", depot_pause},
    Verb{"depot.resume", depot_resume},
    Verb{"depot.set", depot_set},
    Verb{"depot.show", depot_show},
    Verb{"depot.suspend", depot_suspend},
    Verb{"depot.wall-login", depot_wall_login},
    Verb{"doctor", doctor},
    Verb{"function.allow", function_allow},
    Verb{"function.deny", function_deny},
    Verb{"function.list", function_list},
    Verb{"grant.add", grant_add},
    Verb{"grant.list", grant_list},
    Verb{"grant.remove", grant_remove},
    Verb{"identity.create", identity_create},
    Verb{"identity.delete", identity_delete},
    Verb{"identity.disable", identity_disable},
    Verb{"identity.enable", identity_enable},
    Verb{"identity.list", identity_list},
    Verb{"identity.set-password", identity_set_password},
    Verb{"identity.show", identity_show},
    Verb{"import.roles", import_roles},
    Verb{"key.create", key_create},
    Verb{"key.destroy", key_destroy},
    Verb{"key.list", key_list},
    Verb{"key.reinstate", key_reinstate},
    Verb{"key.revoke", key_revoke},
    Verb{"key.rewrap", key_rewrap},
    Verb{"key.rotate", key_rotate},
    Verb{"key.status", key_status},
    Verb{"policy.diff", policy_diff},
    Verb{"policy.explain", policy_explain},
    Verb{"policy.history", policy_history},
    Verb{"policy.publish", policy_publish},
    Verb{"policy.rollback", policy_rollback},
    Verb{"policy.show", policy_show},
    Verb{"policy.simulate", policy_simulate},
    Verb{"policy.test", policy_test},
    Verb{"reload", reload},
    Verb{"role.assign", role_assign},
    Verb{"role.create", role_create},
    Verb{"role.delete", role_delete},
    Verb{"role.list", role_list},
    Verb{"role.unassign", role_unassign},
    Verb{"session.kill", session_kill},
    Verb{"session.list", session_list},
    Verb{"setting.get", setting_get},
    Verb{"setting.list", setting_list},
    Verb{"setting.set", setting_set},
    Verb{"shutdown", shutdown},
    Verb{"status", status},
    Verb{"tenant.create", tenant_create},
    Verb{"tenant.delete", tenant_delete},
    Verb{"tenant.list", tenant_list},
    Verb{"wall.reconcile", wall_reconcile},
    Verb{"wall.status", wall_status},
};

struct Request {
  std::string verb;
  Document args;
};

/// On an error the arguments that were there are wiped.
Result<Request> decode(std::string_view line) {
  auto document = Document::parse(line);
  if (!document) return fail(Errc::Malformed, "the line is not one JSON value");
  auto* members = std::get_if<Members>(&document->value());
  Request request;
  std::optional<std::int64_t> version;
  bool strange = members == nullptr;
  for (std::size_t i = 0; !strange && i < members->size(); ++i) {
    auto& [name, value] = (*members)[i];
    if (name == "v" && value.as<std::int64_t>() != nullptr) {
      version = *value.as<std::int64_t>();
    } else if (name == "verb" && value.as<std::string>() != nullptr) {
      request.verb = *value.as<std::string>();
    } else if (name == "args") {
      request.args = std::move(value);
    } else {
      strange = true;
    }
  }
  const bool whole = !strange && version && !request.verb.empty();
  if (whole && *version == 1) return request;
  wipe_texts(request.args);
  wipe_texts(*document);
  if (whole) return fail(Errc::Unsupported, "only version 1 is spoken here");
  return fail(Errc::Malformed, "a request has v, verb and args");
}

const Verb* find_verb(std::string_view name) {
  const auto found = std::find_if(kVerbs.begin(), kVerbs.end(), [&](const Verb& verb) { return verb.name == name; });
  return found == kVerbs.end() ? nullptr : &*found;
}

/// What there is to do about an error of which its service said nothing.
std::string_view general_hint(Errc code) {
  switch (code) {
    case Errc::Malformed: return "one line: {\"v\":1,\"verb\":\"…\",\"args\":{…}}";
    case Errc::Unavailable:
    case Errc::DeadlineExceeded: return "try again; bartizan doctor tells what is away";
    case Errc::Conflict: return "read it again and repeat the change";
    case Errc::ResourceExhausted: return "close other connections to the admin socket, or try again";
    case Errc::Internal:
    case Errc::Io:
    case Errc::Crypto: return "the gateway's log says more";
    case Errc::TooLarge:
    case Errc::PermissionDenied:
    case Errc::NotFound:
    case Errc::Unsupported:
    case Errc::InvalidArgument:
    case Errc::Unauthenticated:
    case Errc::AlreadyExists:
    case Errc::FailedPrecondition:
    case Errc::Cancelled: return {};
  }
  return {};
}

/// What a tenant's own reader may ask, of its own tree.
constexpr std::array<std::string_view, 5> kReaderVerbs = {"audit.export", "audit.prove", "audit.search", "audit.show",
                                                          "audit.tail"};

bool is_reader_verb(std::string_view name) {
  return std::find(kReaderVerbs.begin(), kReaderVerbs.end(), name) != kReaderVerbs.end();
}

Result<Document> perform(Call& call, std::string_view name, Document document) {
  const Verb* verb = find_verb(name);
  if (verb == nullptr) {
    wipe_texts(document);
    call.hint = "the verbs are:";
    for (const Verb& one : kVerbs) call.hint.append(" ").append(one.name);
    return fail(Errc::Unsupported, "unknown verb");
  }
  BZ_TRY(auto args, Args::of(std::move(document)));
  if (is_reader_verb(name)) BZ_CHECK(become_reader(call, args, false));
  return verb->service(call, args);
}

}  // namespace

std::vector<std::string_view> Verbs::names() {
  std::vector<std::string_view> out;
  for (const Verb& verb : kVerbs) out.push_back(verb.name);
  return out;
}

std::string error_line(const Error& error, std::string_view hint) {
  Members members = {{"code", to_string(error.code)}, {"message", error.detail}};
  const auto advice = hint.empty() ? general_hint(error.code) : hint;
  if (!advice.empty()) members.emplace_back("hint", advice);
  return Document(Members{{"ok", false}, {"error", std::move(members)}}).to_json();
}

Result<Document> Verbs::call(const std::string& actor, std::string_view verb, Document args) const {
  Call call{context_, actor, {}, {}};
  return perform(call, verb, std::move(args));
}

namespace {

/// The other verbs of the audit log read it, or leave a record of their own.
bool configures_audit(std::string_view verb) {
  return verb.starts_with("audit.reader-") || verb.starts_with("audit.hold-") || verb.starts_with("audit.ceiling-");
}

bool writes(std::string_view verb) {
  return !verb.ends_with(".list") && !verb.ends_with(".status") && !verb.ends_with(".show") &&
         !verb.ends_with(".get") && verb.find('.') != std::string_view::npos && !verb.starts_with("session.") &&
         !verb.starts_with("access.") && !verb.starts_with("wall.") &&
         (!verb.starts_with("audit.") || configures_audit(verb)) &&
         (!verb.starts_with("policy.") || verb == "policy.publish" || verb == "policy.rollback");
}

/// These leave records of their own, or tell nothing of anybody.
bool records_itself(std::string_view verb) {
  return verb == "status" || (verb.starts_with("audit.") && !configures_audit(verb));
}

/// A command that has returned is in force in this gateway: its change is in the snapshot that
/// sign-ins read. Costs one read; a change feed that lags for a second is not waited for.
void wait_until_in_force(const ServiceContext& context) {
  auto transaction = context.database.begin_read();
  if (!transaction) return;
  const auto last = store::Changes(*transaction).last_seq();
  if (!last) return;
  const auto until = context.clock.steady() + std::chrono::seconds(1);
  while (context.clock.steady() < until) {
    const auto snapshot = context.snapshots.current();
    if (!snapshot || snapshot->epoch() >= *last) return;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
}

}  // namespace

std::string Verbs::answer_reader(const Peer& peer, std::string_view line) const {
  auto request = decode(line);
  if (!request) return error_line(request.error(), {});
  if (!is_reader_verb(request->verb)) {
    wipe_texts(request->args);
    return error_line({Errc::PermissionDenied, "here a tenant's readers read its audit log, and nothing else"}, {});
  }
  Call call{context_, actor_name(peer), {}, {}};
  const auto result = [&]() -> Result<Document> {
    BZ_TRY(auto args, Args::of(std::move(request->args)));
    BZ_CHECK(become_reader(call, args, true));
    return find_verb(request->verb)->service(call, args);
  }();
  if (!result) return error_line(result.error(), call.hint);
  return Document(Members{{"ok", true}, {"result", *result}}).to_json();
}

std::string Verbs::answer(const AdminPolicy& policy, const Peer& peer, std::string_view line) const {
  if (!is_admin(policy, peer)) return error_line(authorise(policy, peer, "").error(), {});
  auto request = decode(line);
  if (!request) return error_line(request.error(), {});
  Call call{context_, actor_name(peer), {}, {}};
  CallRecord record(records_itself(request->verb) ? nullptr : context_.log, context_.clock);
  auto allowed = authorise(policy, peer, request->verb);
  if (auto begun = record.begin(call.actor, request->verb, request->args, allowed && writes(request->verb)); !begun)
    allowed = std::move(begun);
  if (!allowed) {
    wipe_texts(request->args);
    record.end(tl::unexpected(allowed.error()));
    return error_line(allowed.error(), {});
  }
  const auto result = perform(call, request->verb, std::move(request->args));
  record.end(result);
  if (!result) {
    BZ_LOG(Info, "control.verb_failed", {"actor", call.actor}, {"code", to_string(result.error().code)},
           {"detail", result.error().detail});
    return error_line(result.error(), call.hint);
  }
  if (writes(request->verb)) {
    if (context_.changes != nullptr) context_.changes->look_now();
    wait_until_in_force(context_);
  }
  return Document(Members{{"ok", true}, {"result", *result}}).to_json();
}

}  // namespace bartizan::control
