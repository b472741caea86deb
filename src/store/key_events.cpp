#include "bartizan/store/key_events.hpp"

#include <array>

#include "records.hpp"

namespace bartizan::store {
namespace {

const std::string kDestruction =
    "owner_kind, tenant_id, owner_id, key_id, cause = 'order', authority, columns::text, cells::text,"
    " bartizan.micros(counted_at), certificate, " +
    kMetaColumns;
const std::string kSubject = "owner_kind, tenant_id, owner_id, subject, authority, certificate, " + kMetaColumns;
const std::string kRevocation = "owner_kind, tenant_id, owner_id, reason, " + kMetaColumns;

KeyOwner owner_in(RowReader& row) {
  KeyOwner owner;
  owner.kind = row.integer();
  owner.tenant = row.uuid_or_null();
  owner.id = row.uuid();
  return owner;
}

std::optional<std::int64_t> number_in(const std::optional<std::string>& text) {
  return text ? std::optional<std::int64_t>(std::stoll(*text)) : std::nullopt;
}

KeyDestruction destruction_in(RowReader& row) {
  KeyDestruction out;
  out.owner = owner_in(row);
  out.key = row.integer();
  out.ordered = row.boolean();
  out.authority = row.text();
  out.columns = number_in(row.text_or_null());
  out.cells = number_in(row.text_or_null());
  out.counted_at = row.time_or_null();
  out.certificate = row.text_or_null();
  return out;
}

SubjectDestruction subject_in(RowReader& row) {
  SubjectDestruction out;
  out.owner = owner_in(row);
  out.subject = row.text();
  out.authority = row.text();
  out.certificate = row.text_or_null();
  return out;
}

KeyRevocation revocation_in(RowReader& row) {
  KeyRevocation out;
  out.owner = owner_in(row);
  out.reason = row.text();
  return out;
}

Text text_of(const std::optional<Uuid>& id) { return id ? Text(id->to_string()) : std::nullopt; }
Text text_of(const std::optional<std::int64_t>& number) {
  return number ? Text(std::to_string(*number)) : std::nullopt;
}

}  // namespace

Result<void> KeyDestructions::put(const KeyDestruction& destruction) {
  const std::array<Text, 11> parameters = {Uuid::random(transaction_.database().random()).to_string(),
                                           text_of(destruction.owner.tenant),
                                           std::to_string(destruction.owner.kind),
                                           destruction.owner.id.to_string(),
                                           std::to_string(destruction.key),
                                           destruction.ordered ? "order" : "rotation",
                                           destruction.authority,
                                           text_of(destruction.columns),
                                           text_of(destruction.cells),
                                           micros_text(destruction.counted_at),
                                           destruction.certificate};
  BZ_CHECK(transaction_.query(
      "INSERT INTO bartizan.key_destructions (id, tenant_id, owner_kind, owner_id, key_id, cause, authority, columns, cells,"
      " counted_at, certificate) VALUES ($1::uuid, $2::uuid, $3::int, $4::uuid, $5::bigint, $6, $7, $8::int, $9::bigint,"
      " bartizan.moment($10::bigint), $11) ON CONFLICT (key_id) DO UPDATE SET cause = excluded.cause, authority ="
      " excluded.authority, columns = excluded.columns, cells = excluded.cells, counted_at = excluded.counted_at,"
      " certificate = excluded.certificate",
      parameters));
  return {};
}

Result<std::vector<Record<KeyDestruction>>> KeyDestructions::list() {
  BZ_TRY(
      const Rows rows,
      transaction_.query("SELECT " + kDestruction + " FROM bartizan.key_destructions ORDER BY created_at, key_id", {}));
  return read_records(rows, destruction_in);
}

Result<void> SubjectDestructions::put(const SubjectDestruction& destruction) {
  const std::array<Text, 7> parameters = {Uuid::random(transaction_.database().random()).to_string(),
                                          text_of(destruction.owner.tenant),
                                          std::to_string(destruction.owner.kind),
                                          destruction.owner.id.to_string(),
                                          destruction.subject,
                                          destruction.authority,
                                          destruction.certificate};
  BZ_CHECK(transaction_.query(
      "INSERT INTO bartizan.subject_destructions (id, tenant_id, owner_kind, owner_id, subject, authority, certificate)"
      " VALUES ($1::uuid, $2::uuid, $3::int, $4::uuid, $5, $6, $7) ON CONFLICT (owner_id, subject) DO UPDATE SET"
      " certificate = excluded.certificate",
      parameters));
  return {};
}

Result<std::vector<Record<SubjectDestruction>>> SubjectDestructions::list() {
  BZ_TRY(const Rows rows,
         transaction_.query(
             "SELECT " + kSubject + " FROM bartizan.subject_destructions ORDER BY created_at, owner_id, subject", {}));
  return read_records(rows, subject_in);
}

Result<void> KeyRevocations::add(const KeyRevocation& revocation) {
  const std::array<Text, 5> parameters = {Uuid::random(transaction_.database().random()).to_string(),
                                          text_of(revocation.owner.tenant), std::to_string(revocation.owner.kind),
                                          revocation.owner.id.to_string(), revocation.reason};
  BZ_CHECK(
      transaction_.query("INSERT INTO bartizan.key_revocations (id, tenant_id, owner_kind, owner_id, reason) VALUES "
                         "($1::uuid, $2::uuid, $3::int, $4::uuid, $5)",
                         parameters));
  return {};
}

Result<std::vector<Record<KeyRevocation>>> KeyRevocations::list() {
  BZ_TRY(
      const Rows rows,
      transaction_.query("SELECT " + kRevocation + " FROM bartizan.key_revocations ORDER BY created_at, owner_id", {}));
  return read_records(rows, revocation_in);
}

Result<void> KeyRevocations::remove(const Uuid& owner) {
  const std::array<Text, 1> parameters = {owner.to_string()};
  BZ_TRY(const Rows rows,
         transaction_.query("DELETE FROM bartizan.key_revocations WHERE owner_id = $1::uuid RETURNING id", parameters));
  if (rows.empty()) return fail(Errc::NotFound, "these keys are not revoked");
  return {};
}

}  // namespace bartizan::store
