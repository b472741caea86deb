// key list, create, rotate, rewrap, revoke, reinstate, destroy, status.
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "bartizan/control/cell_keeper.hpp"
#include "bartizan/control/cell_keys.hpp"
#include "bartizan/store/depots.hpp"
#include "bartizan/store/encrypted_columns.hpp"
#include "bartizan/store/key_events.hpp"
#include "bartizan/store/tenants.hpp"
#include "depot_cells.hpp"
#include "key_destructions.hpp"
#include "key_owners.hpp"
#include "services.hpp"
#include "subject_cells.hpp"
#include "subject_destructions.hpp"

namespace bartizan::control {
namespace {

constexpr std::size_t kMaxReasonBytes = 900;
constexpr std::size_t kMaxSubjectBytes = 4096;
constexpr std::string_view kOurs = "file";  ///< in place of an address: a root key of the gateway's

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

std::string name_of(const keys::KeyringOwner& owner, const Names& names) {
  if (owner.kind == keys::OwnerKind::Storage) return "files at rest";
  const auto named = names.find(owner);
  return named == names.end() ? owner.id.to_string() : named->second;
}

/// How many data subjects' keys are gone from the owner's tree; null where it has none, or it can't be opened now.
Document destroyed_subjects(CellKeys& keys, const keys::Keyring& keyring, const keys::KeyVersion& version) {
  if (version.purpose != keys::KeyPurpose::Subjects || version.state != keys::KeyState::Active) return {};
  const auto tree = keys.find_subjects(keyring.owner());
  if (!tree || *tree == nullptr) return {};
  return Document(static_cast<std::int64_t>((*tree)->destroyed().size()));
}

void append(Items& out, CellKeys& keys, const keys::Keyring& keyring, const Names& names) {
  for (const auto& version : keyring.versions())
    out.push_back(
        Members{{"owner", name_of(keyring.owner(), names)},
                {"key", static_cast<std::int64_t>(version.id.get())},
                {"purpose", std::string(keys::to_string(version.purpose))},
                {"state", std::string(keys::to_string(version.state))},
                {"root", version.wrapped.root.provider.empty()
                             ? std::string()
                             : version.wrapped.root.provider + " " + std::to_string(version.wrapped.root.version)},
                {"since", format_time(version.changed_at)},
                {"destroyed_subjects", destroyed_subjects(keys, keyring, version)},
                {"authority", version.authority}});
}

Result<Document> shown(Call& call, CellKeys& keys, const keys::Keyring& keyring) {
  BZ_TRY(const auto known, names(call));
  Items out;
  append(out, keys, keyring, known);
  return Document(std::move(out));
}

Result<void> checked_reason(const std::string& reason) {
  if (!reason.empty() && is_printable_utf8(reason)) return {};
  return fail(Errc::InvalidArgument, "'reason' is a line of text");
}

/// Whether sessions can have it, and if not, why.
std::string availability(CellKeys& keys, const keys::KeyringOwner& owner, const keys::KeyVersion& version) {
  if (version.state == keys::KeyState::Destroyed) return "destroyed";
  if (keys.is_revoked(owner)) return "revoked";
  if (version.wrapped.root.provider.starts_with("file:")) return "available";
  const auto trouble = keys.custody().trouble(owner);
  return trouble.empty() ? "available" : "held back: " + trouble;
}

/// A row for each version: where its root is, how far it is on its way to its end, and the evidence of that.
Result<Document> status_rows(Call& call, CellKeys& keys, const std::vector<keys::Keyring>& keyrings) {
  BZ_TRY(const auto known, names(call));
  std::map<std::int64_t, store::Record<store::KeyDestruction>> destroyed;
  {
    BZ_TRY(auto transaction, call.read());
    BZ_TRY(auto all, store::KeyDestructions(transaction).list());
    for (auto& one : all) destroyed.emplace(one.value.key, std::move(one));
  }
  std::map<keys::KeyId, KeyProgress> progress;
  if (call.context.cells != nullptr)
    for (auto& one : call.context.cells->key_progress()) progress.emplace(one.key, std::move(one));
  Items out;
  for (const auto& keyring : keyrings) {
    for (const auto& version : keyring.versions()) {
      Members row = {{"owner", name_of(keyring.owner(), known)},
                     {"key", static_cast<std::int64_t>(version.id.get())},
                     {"purpose", std::string(keys::to_string(version.purpose))},
                     {"state", std::string(keys::to_string(version.state))},
                     {"use", availability(keys, keyring.owner(), version)}};
      const auto one = version.state == keys::KeyState::Destroyed ? progress.end() : progress.find(version.id);
      const auto gone = destroyed.find(version.id.get());
      const bool counted = one != progress.end() && one->second.cells.has_value();
      const auto evidence = gone == destroyed.end() ? std::nullopt : gone->second.value.cells;
      row.emplace_back("step", one == progress.end() ? std::string() : one->second.step);
      row.emplace_back("done", one == progress.end() ? std::int64_t{0} : static_cast<std::int64_t>(one->second.done));
      row.emplace_back("total", one == progress.end() ? std::int64_t{0} : static_cast<std::int64_t>(one->second.total));
      row.emplace_back("cells", counted    ? Document(static_cast<std::int64_t>(*one->second.cells))
                                : evidence ? Document(*evidence)
                                           : Document());
      row.emplace_back("counted_at", counted ? format_time(one->second.counted_at)
                                     : gone != destroyed.end() && gone->second.value.counted_at
                                         ? format_time(*gone->second.value.counted_at)
                                         : std::string());
      row.emplace_back("destroyed_subjects", destroyed_subjects(keys, keyring, version));
      row.emplace_back("error", one == progress.end() ? std::string() : one->second.error);
      out.push_back(std::move(row));
    }
  }
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
  for (const auto& keyring : keyrings) append(out, *keys, keyring, known);
  return Document(std::move(out));
}

Result<Document> key_create(Call& call, Args& args) {
  BZ_TRY(const auto owner, owner_named(call, args));
  BZ_TRY(const auto provider, args.text_or_none("provider", vault::kMaxAddressBytes));
  BZ_CHECK(args.finish());
  BZ_TRY(auto* keys, keys_of(call));
  if (provider && *provider != kOurs) BZ_CHECK(vault::parse_provider(*provider));
  BZ_TRY(const auto keyring, !provider ? keys->ensure(owner) : keys->give(owner, *provider == kOurs ? "" : *provider));
  BZ_CHECK(bring_into_force(call));
  return shown(call, *keys, keyring);
}

namespace {

/// Two rows with one value could come in while they have different indexes.
Result<void> has_no_unique_column(Call& call, const keys::KeyringOwner& owner) {
  BZ_TRY(auto transaction, call.read());
  BZ_TRY(const auto columns, store::EncryptedColumns(transaction).list());
  BZ_TRY(const auto depots, store::Depots(transaction).list());
  for (const auto& column : columns) {
    if (!column.value.unique && !column.value.tokenised()) continue;
    const auto depot =
        std::ranges::find_if(depots, [&](const auto& one) { return one.value.id == column.value.depot; });
    if (depot == depots.end()) continue;
    const bool theirs =
        column.value.per_tenant ? owner.kind == keys::OwnerKind::Tenant : owner_of(depot->value) == owner;
    if (!theirs) continue;
    if (column.value.tokenised()) {
      call.hint = "detokenize the column, rotate, and tokenize it again: every token is another one then";
      return fail(Errc::FailedPrecondition, "the tokens of column " + column.value.shown() + " are made by this key");
    }
    call.hint = "decrypt the column, rotate, and encrypt it again";
    return fail(Errc::FailedPrecondition,
                "column " + column.value.shown() + " is unique by its index, which can't hold while there are two");
  }
  return {};
}

/// What the vault holds is not sealed again, so what it is sealed under has to stay.
Result<void> has_no_vaulted_column(Call& call, const keys::KeyringOwner& owner) {
  BZ_TRY(auto transaction, call.read());
  BZ_TRY(const auto columns, store::EncryptedColumns(transaction).list());
  BZ_TRY(const auto depots, store::Depots(transaction).list());
  for (const auto& column : columns) {
    const auto depot =
        std::ranges::find_if(depots, [&](const auto& one) { return one.value.id == column.value.depot; });
    if (!column.value.token_vaulted || depot == depots.end() || owner_of(depot->value) != owner) continue;
    call.hint = "detokenize the column, rotate, and tokenize it again";
    return fail(Errc::FailedPrecondition, "the vault of column " + column.value.shown() + " is sealed under this key");
  }
  return {};
}

}  // namespace

Result<Document> key_rotate(Call& call, Args& args) {
  BZ_TRY(const auto owner, owner_named(call, args));
  BZ_TRY(const bool index, args.flag("index"));
  BZ_CHECK(args.finish());
  BZ_TRY(auto* keys, keys_of(call));
  if (index) BZ_CHECK(has_no_unique_column(call, owner));
  BZ_CHECK(has_no_vaulted_column(call, owner));
  BZ_TRY(const auto keyring, index ? keys->rotate_index(owner) : keys->rotate(owner));
  BZ_CHECK(bring_into_force(call));
  return shown(call, *keys, keyring);
}

Result<Document> key_rewrap(Call& call, Args& args) {
  BZ_CHECK(args.finish());
  BZ_TRY(auto* keys, keys_of(call));
  BZ_TRY(const auto count, keys->rewrap());
  return Document(Members{{"rewrapped", static_cast<std::int64_t>(count)}});
}

namespace {

Result<Document> subject_destroyed(Call& call, CellKeys& keys, const keys::KeyringOwner& owner,
                                   const SecretBytes& subject, const std::string& authority, bool sure) {
  BZ_TRY(const auto subjects, subjects_named(call.context.database, keys, owner, subject));
  if (subjects.empty()) {
    call.hint = "bartizan column status tells which columns have keys of data subjects, and by which column";
    return fail(Errc::FailedPrecondition, "this owner has no encrypted column by a subject that can have this value");
  }
  BZ_TRY(const auto before, keys.find(owner));
  BZ_TRY(const auto cells, cells_of_subject(call, before, subject));
  if (!sure) {
    call.hint = "add --irrevocably: there is no way back, not even from a backup";
    return fail(Errc::FailedPrecondition,
                fmt::format("{} values of this data subject become unreadable for ever", cells));
  }
  BZ_TRY(auto certificate,
         destroy_subjects(call.context.database, keys, call.context.clock, owner, subjects, call.actor, authority));
  BZ_CHECK(bring_into_force(call));
  BZ_TRY(auto verifier, keys.certifier());
  BZ_TRY(const auto keyring, keys.find(owner));
  BZ_TRY(auto rows, shown(call, keys, keyring));
  return Document(Members{{"cells", static_cast<std::int64_t>(cells)},
                          {"keys", std::move(rows)},
                          {"certificate", std::move(certificate)},
                          {"verifier", std::move(verifier)}});
}

}  // namespace

Result<Document> key_destroy(Call& call, Args& args) {
  BZ_TRY(const auto owner, owner_named(call, args));
  BZ_TRY(const auto reason, args.text("reason", kMaxReasonBytes));
  BZ_TRY(const bool sure, args.flag("irrevocably"));
  BZ_TRY(const auto subject, args.secret_or_none("subject", kMaxSubjectBytes));
  BZ_CHECK(args.finish());
  BZ_CHECK(checked_reason(reason));
  BZ_TRY(auto* keys, keys_of(call));
  if (subject) return subject_destroyed(call, *keys, owner, *subject, call.actor + ": " + reason, sure);
  if (!sure) {
    call.hint = "add --irrevocably: there is no way back, not even from a backup";
    return fail(Errc::FailedPrecondition, "what is encrypted under these keys becomes unreadable for ever");
  }
  BZ_TRY(auto done,
         destroy_keys(call.context.database, *keys, call.context.clock, owner, call.actor, call.actor + ": " + reason));
  BZ_CHECK(bring_into_force(call));
  BZ_TRY(auto verifier, keys->certifier());
  BZ_TRY(auto rows, shown(call, *keys, done.keyring));
  return Document(Members{
      {"keys", std::move(rows)}, {"certificate", std::move(done.certificate)}, {"verifier", std::move(verifier)}});
}

Result<Document> key_revoke(Call& call, Args& args) {
  BZ_TRY(const auto owner, owner_named(call, args));
  BZ_TRY(const auto reason, args.text("reason", kMaxReasonBytes));
  BZ_CHECK(args.finish());
  BZ_CHECK(checked_reason(reason));
  BZ_TRY(auto* keys, keys_of(call));
  BZ_TRY(const auto keyring, keys->find(owner));
  if (keyring.versions().empty()) return fail(Errc::FailedPrecondition, "this owner has no keys");
  {
    BZ_TRY(auto transaction, call.write());
    if (auto added = store::KeyRevocations(transaction).add({stored_owner(owner), reason}); !added) {
      if (added.error().code == Errc::AlreadyExists) return fail(Errc::AlreadyExists, "these keys are revoked already");
      return tl::unexpected(added.error());
    }
    BZ_CHECK(transaction.commit());
  }
  BZ_CHECK(bring_into_force(call));
  return status_rows(call, *keys, {keyring});
}

Result<Document> key_reinstate(Call& call, Args& args) {
  BZ_TRY(const auto owner, owner_named(call, args));
  BZ_CHECK(args.finish());
  BZ_TRY(auto* keys, keys_of(call));
  {
    BZ_TRY(auto transaction, call.write());
    BZ_CHECK(store::KeyRevocations(transaction).remove(owner.id));
    BZ_CHECK(transaction.commit());
  }
  BZ_CHECK(bring_into_force(call));
  BZ_TRY(const auto keyring, keys->find(owner));
  return status_rows(call, *keys, {keyring});
}

Result<Document> key_status(Call& call, Args& args) {
  BZ_CHECK(args.finish());
  BZ_TRY(auto* keys, keys_of(call));
  BZ_TRY(const auto keyrings, keys->list());
  return status_rows(call, *keys, keyrings);
}

}  // namespace bartizan::control
