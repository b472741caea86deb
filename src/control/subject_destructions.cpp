#include "subject_destructions.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <mutex>
#include <set>

#include "bartizan/base/log.hpp"
#include "bartizan/control/document.hpp"
#include "bartizan/store/depots.hpp"
#include "bartizan/store/encrypted_columns.hpp"
#include "bartizan/store/key_events.hpp"
#include "depot_cells.hpp"
#include "key_owners.hpp"
#include "row_keys.hpp"

namespace bartizan::control {
namespace {

using Destruction = store::SubjectDestruction;
/// Orders are carried out one at a time: two certificates of one destruction would be one too many.
std::mutex carrying_out;

using ByOwner = std::map<keys::KeyringOwner, std::vector<Destruction>>;

Result<std::vector<keys::SubjectId>> ids_of(const std::vector<Destruction>& all) {
  std::vector<keys::SubjectId> out;
  for (const auto& one : all) {
    const auto id = keys::parse_subject_id(one.subject);
    if (!id) return fail(Errc::Malformed, "a destroyed subject in the control database is not well-formed");
    out.push_back(*id);
  }
  return out;
}

Result<ByOwner> recorded(store::Database& database) {
  BZ_TRY(auto transaction, database.begin_read());
  BZ_TRY(auto all, store::SubjectDestructions(transaction).list());
  ByOwner out;
  for (auto& one : all) out[owner_in(one.value.owner)].push_back(std::move(one.value));
  return out;
}

Result<void> record(store::Database& database, const std::string& actor, const std::vector<Destruction>& all) {
  BZ_TRY(auto transaction, database.begin_write({actor}));
  for (const auto& one : all) BZ_CHECK(store::SubjectDestructions(transaction).put(one));
  return transaction.commit();
}

/// docs/formats/keyring.md, "Certificate of destruction".
std::string certificate_text(const keys::KeyringOwner& owner, const std::vector<Destruction>& all, WallTime at) {
  std::string out = "bartizan key destruction 1\n";
  for (const auto& one : all)
    out += fmt::format("owner subject {} {} {}\n", owner.kind == keys::OwnerKind::Tenant ? "tenant" : "depot",
                       owner.id.to_string(), one.subject);
  out += fmt::format("authority {}\n", all.front().authority);
  return out + fmt::format("time {}\n", format_time(at));
}

/// From the record of the order on; each step may have been done already. All of one order.
Result<std::string> carry_out(store::Database& database, CellKeys& keys, const Clock& clock, const std::string& actor,
                              std::vector<Destruction> ordered) {
  const auto owner = owner_in(ordered.front().owner);
  BZ_TRY(const auto ids, ids_of(ordered));
  BZ_CHECK(keys.puncture(owner, ids, ordered.front().authority));
  BZ_CHECK(keys.rewrap());
  const auto text = certificate_text(owner, ordered, clock.wall());
  BZ_TRY(auto certificate,
         keys.certify(fmt::format("subject-{}-{}", owner.id.to_string(), ordered.front().subject), text));
  for (auto& one : ordered) one.certificate = certificate;
  BZ_CHECK(record(database, actor, ordered));
  return certificate;
}

/// Of one owner. at_start: what was done before is held against the key store too, which may be an older one.
Result<void> finish(store::Database& database, CellKeys& keys, const Clock& clock, const keys::KeyringOwner& owner,
                    const std::vector<Destruction>& all, bool at_start) {
  std::map<std::string, std::vector<Destruction>> open;
  for (const auto& one : all)
    if (!one.certificate) open[one.authority].push_back(one);
  for (auto& [authority, ordered] : open)
    BZ_CHECK(carry_out(database, keys, clock, "key destruction", std::move(ordered)));
  if (!at_start) return {};
  BZ_TRY(const auto ids, ids_of(all));
  BZ_TRY(const bool old_store, keys.puncture(owner, ids, all.front().authority));
  if (old_store) BZ_CHECK(keys.rewrap());
  return {};
}

}  // namespace

Result<std::vector<keys::SubjectId>> subjects_named(store::Database& database, CellKeys& keys,
                                                    const keys::KeyringOwner& owner, const SecretBytes& value) {
  std::set<transform::ValueType> types;
  {
    BZ_TRY(auto transaction, database.begin_read());
    BZ_TRY(const auto columns, store::EncryptedColumns(transaction).list());
    BZ_TRY(const auto depots, store::Depots(transaction).list());
    for (const auto& column : columns) {
      if (!column.value.by_subject) continue;
      const auto depot =
          std::ranges::find_if(depots, [&](const auto& one) { return one.value.id == column.value.depot; });
      if (depot == depots.end()) continue;
      const bool theirs =
          column.value.per_tenant ? owner.kind == keys::OwnerKind::Tenant : owner_of(depot->value) == owner;
      BZ_TRY(const auto key, read_row_key(column.value.row_key));
      if (theirs && key.size() == 1) types.insert(key.front().type);
    }
  }
  if (types.empty()) return std::vector<keys::SubjectId>();
  BZ_TRY(const auto tree, keys.subjects_of(owner));
  std::vector<keys::SubjectId> out;
  for (const auto type : types) {
    const transform::RowKeyField field{.type = type, .field = value.reveal()};
    if (const auto digest = transform::row_digest_of({&field, 1})) out.push_back(tree->id_of(*digest));
  }
  return out;
}

Result<std::string> destroy_subjects(store::Database& database, CellKeys& keys, const Clock& clock,
                                     const keys::KeyringOwner& owner, const std::vector<keys::SubjectId>& subjects,
                                     const std::string& actor, const std::string& authority) {
  const std::lock_guard lock(carrying_out);
  BZ_TRY(auto before, recorded(database));
  std::vector<Destruction> ordered;
  for (const auto id : subjects) {
    Destruction one;
    one.owner = stored_owner(owner);
    one.subject = keys::to_string(id);
    one.authority = authority;
    const auto& known = before[owner];
    const auto same = std::ranges::find(known, one.subject, &Destruction::subject);
    if (same != known.end() && same->certificate) continue;
    if (same != known.end()) one = *same;
    ordered.push_back(std::move(one));
  }
  if (ordered.empty()) return fail(Errc::FailedPrecondition, "the keys of this data subject are destroyed already");
  if (before[owner].size() + ordered.size() > keys::kMaxDestroyedSubjects)
    return fail(Errc::ResourceExhausted, "too many data subjects of this owner were destroyed");
  BZ_CHECK(record(database, actor, ordered));
  BZ_CHECK(heed_subject_orders(database, keys));
  return carry_out(database, keys, clock, actor, std::move(ordered));
}

Result<void> heed_subject_orders(store::Database& database, CellKeys& keys) {
  BZ_TRY(const auto all, recorded(database));
  std::map<keys::KeyringOwner, std::vector<keys::SubjectId>> ordered;
  for (const auto& [owner, subjects] : all) {
    BZ_TRY(ordered[owner], ids_of(subjects));
  }
  keys.set_destroyed_subjects(std::move(ordered));
  return {};
}

Result<void> finish_subject_destructions(store::Database& database, CellKeys& keys, const Clock& clock, bool at_start) {
  const std::lock_guard lock(carrying_out);
  BZ_TRY(const auto all, recorded(database));
  Result<void> failed;
  for (const auto& [owner, subjects] : all) {
    auto done = finish(database, keys, clock, owner, subjects, at_start);
    if (done) continue;
    // Nobody gets a key of theirs meanwhile: heed_subject_orders().
    BZ_LOG(Error, "keys.subjects_not_destroyed", {"owner", owner.id.to_string()}, {"reason", done.error().detail});
    failed = std::move(done);
  }
  return failed;
}

}  // namespace bartizan::control
