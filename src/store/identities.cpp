#include "bartizan/store/identities.hpp"

#include <array>
#include <boost/json.hpp>

#include "bartizan/base/log.hpp"
#include "records.hpp"

namespace bartizan::store {
namespace {

const std::string kColumns =
    "id, tenant_id, name, enabled, bartizan.micros(valid_until), scram_verifier, is_service, is_operator, attributes, " +
    kMetaColumns;

SealedPlace place_of(const Uuid& id) { return {"identities", "scram_verifier", id}; }

std::string attributes_text(const std::map<std::string, std::string>& attributes) {
  boost::json::object object;
  for (const auto& [name, value] : attributes) object[name] = value;
  return boost::json::serialize(object);
}

/// Members that are not text are left out: no rule of this program could mean them.
std::map<std::string, std::string> parse_attributes(const std::string& text) {
  std::map<std::string, std::string> out;
  boost::json::error_code error;
  const auto value = boost::json::parse(text, error);
  if (error || !value.is_object()) return out;
  for (const auto& member : value.get_object()) {
    if (member.value().is_string()) out.emplace(member.key(), std::string_view(member.value().get_string()));
  }
  return out;
}

struct Parse {
  const RootKey& key;

  policy::Identity operator()(RowReader& row) const {
    policy::Identity identity;
    identity.id = policy::IdentityId(row.uuid());
    identity.tenant = tenant_of(row.uuid_or_null());
    identity.name = row.text();
    identity.enabled = row.boolean();
    identity.valid_until = row.time_or_null();
    if (const auto sealed = row.bytes_or_null()) {
      auto opened = key.open(place_of(identity.id.get()), *sealed);
      if (opened) {
        identity.scram_verifier = std::move(*opened);
      } else {
        BZ_LOG(Error, "store.secret_unreadable", {"table", "identities"}, {"id", identity.id.get().to_string()});
      }
    }
    identity.is_service = row.boolean();
    identity.is_operator = row.boolean();
    identity.attributes = parse_attributes(row.text());
    return identity;
  }
};

Result<Text> sealed_verifier(const Database& database, const Uuid& id, const SecretBytes& verifier) {
  if (verifier.empty()) return Text();
  BZ_TRY(const Bytes sealed, database.root_key().seal(place_of(id), verifier, database.random()));
  return Text(bytea_text(sealed));
}

/// $1 id, $2 tenant_id, $3 enabled, $4 valid_until, $5 is_service, $6 is_operator, $7 attributes
std::array<Text, 9> parameters_of(const policy::Identity& identity, Text eighth, Text ninth) {
  return {identity.id.get().to_string(),
          uuid_text(identity.tenant),
          boolean_text(identity.enabled),
          micros_text(identity.valid_until),
          boolean_text(identity.is_service),
          boolean_text(identity.is_operator),
          attributes_text(identity.attributes),
          std::move(eighth),
          std::move(ninth)};
}

}  // namespace

Result<Record<policy::Identity>> Identities::create(policy::Identity identity) {
  auto& database = transaction_.database();
  ensure_id(identity.id, database.random());
  BZ_TRY(auto verifier, sealed_verifier(database, identity.id.get(), identity.scram_verifier));
  BZ_TRY(
      const Rows rows,
      transaction_.query(
          "INSERT INTO bartizan.identities (id, tenant_id, enabled, valid_until, is_service, is_operator, attributes,"
          " name, scram_verifier) VALUES ($1::uuid, $2::uuid, $3::bool, bartizan.moment($4::bigint), $5::bool,"
          " $6::bool, $7::jsonb, $8, $9::bytea) RETURNING " +
              kColumns,
          parameters_of(identity, identity.name, std::move(verifier))));
  return read_record(rows, Parse{database.root_key()}, "");
}

Result<Record<policy::Identity>> Identities::find(std::string_view name) {
  const std::array<Text, 1> parameters = {std::string(name)};
  BZ_TRY(const Rows rows,
         transaction_.query("SELECT " + kColumns + " FROM bartizan.identities WHERE name = $1", parameters));
  return read_record(rows, Parse{transaction_.database().root_key()}, "no identity '" + std::string(name) + "'");
}

Result<std::vector<Record<policy::Identity>>> Identities::list() {
  BZ_TRY(const Rows rows, transaction_.query("SELECT " + kColumns + " FROM bartizan.identities ORDER BY name", {}));
  return read_records(rows, Parse{transaction_.database().root_key()});
}

Result<std::map<policy::IdentityId, std::string>> Identities::names() {
  BZ_TRY(const Rows rows, transaction_.query("SELECT id, name FROM bartizan.identities", {}));
  std::map<policy::IdentityId, std::string> out;
  for (int i = 0; i < rows.size(); ++i) {
    RowReader row(rows, i);
    const policy::IdentityId id(row.uuid());
    out.emplace(id, row.text());
    if (!row.ok()) return unexpected_row();
  }
  return out;
}

Result<Record<policy::Identity>> Identities::update(const policy::Identity& identity, std::int64_t version) {
  auto parameters = parameters_of(identity, std::to_string(version), std::nullopt);
  BZ_TRY(const Rows rows,
         transaction_.query("UPDATE bartizan.identities SET tenant_id = $2::uuid, enabled = $3::bool,"
                            " valid_until = bartizan.moment($4::bigint), is_service = $5::bool, is_operator = $6::bool,"
                            " attributes = $7::jsonb WHERE id = $1::uuid AND version = $8::bigint RETURNING " +
                                kColumns,
                            std::span(parameters).first(8)));
  if (rows.empty()) return tl::unexpected<Error>(why_no_row(transaction_, "identities", identity.id.get()));
  return read_record(rows, Parse{transaction_.database().root_key()}, "");
}

Result<Record<policy::Identity>> Identities::set_verifier(policy::IdentityId id, const SecretBytes& verifier,
                                                          std::int64_t version) {
  BZ_TRY(auto sealed, sealed_verifier(transaction_.database(), id.get(), verifier));
  const std::array<Text, 3> parameters = {id.get().to_string(), std::move(sealed), std::to_string(version)};
  BZ_TRY(const Rows rows, transaction_.query("UPDATE bartizan.identities SET scram_verifier = $2::bytea"
                                             " WHERE id = $1::uuid AND version = $3::bigint RETURNING " +
                                                 kColumns,
                                             parameters));
  if (rows.empty()) return tl::unexpected<Error>(why_no_row(transaction_, "identities", id.get()));
  return read_record(rows, Parse{transaction_.database().root_key()}, "");
}

Result<void> Identities::remove(policy::IdentityId id, std::int64_t version) {
  return remove_row(transaction_, "identities", id.get(), version);
}

}  // namespace bartizan::store
