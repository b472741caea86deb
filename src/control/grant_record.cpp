#include "grant_record.hpp"

#include <string_view>

#include "bartizan/audit/log.hpp"
#include "bartizan/control/document.hpp"
#include "bartizan/store/resource_names.hpp"

namespace bartizan::control {
namespace {

std::string text_in(const Document& row, std::string_view name) {
  const Document* value = row.find(name);
  const auto* text = value == nullptr ? nullptr : value->as<std::string>();
  return text == nullptr ? std::string() : *text;
}

Result<void> append_name(std::string& out, std::string_view member, store::Transaction& transaction, store::Named kind,
                         const std::string& id) {
  if (id.empty()) return {};
  BZ_TRY(const auto name, store::name_of(transaction, kind, id));
  audit::append_member(out, member, name.value_or(id));
  return {};
}

}  // namespace

Result<std::optional<std::string>> grant_members(store::Transaction& transaction, const store::Change& change) {
  using store::Named;
  const bool grant = change.kind == "grants";
  const bool taken = change.after.empty();
  const bool given = change.before.empty();
  if ((!grant && change.kind != "role_members") || given == taken) return std::optional<std::string>();
  const auto row = Document::parse(taken ? change.before : change.after);
  if (!row) return tl::unexpected(row.error());
  std::string out;
  audit::append_member(out, "operation",
                       grant ? (taken ? "grant.remove" : "grant.add") : (taken ? "role.unassign" : "role.assign"));
  BZ_CHECK(append_name(out, "group", transaction, Named::Role, text_in(*row, "role_id")));
  BZ_CHECK(append_name(out, "user", transaction, Named::Identity, text_in(*row, "identity_id")));
  out.append(",\"change_seq\":").append(std::to_string(change.seq));
  if (!grant) return std::optional(std::move(out));
  audit::append_member(out, "privilege", text_in(*row, "login"));
  audit::append_member(out, "resource_kind", "depot");
  audit::append_member(out, "resource_uid", text_in(*row, "depot_id"));
  BZ_CHECK(append_name(out, "resource_name", transaction, Named::Depot, text_in(*row, "depot_id")));
  if (const auto until = text_in(*row, "valid_until"); !until.empty()) audit::append_member(out, "valid_until", until);
  return std::optional(std::move(out));
}

}  // namespace bartizan::control
