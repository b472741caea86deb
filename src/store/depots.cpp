#include "bartizan/store/depots.hpp"

#include <array>

#include "records.hpp"

namespace bartizan::store {
namespace {

const std::string kColumns =
    "id, tenant_id, name, host, port, database, tls, tls_ca_pem, state, embedded, " + kMetaColumns;

policy::Depot parse(RowReader& row) {
  policy::Depot depot;
  depot.id = policy::DepotId(row.uuid());
  depot.tenant = tenant_of(row.uuid_or_null());
  depot.name = row.text();
  auto host = row.text();
  const auto port = static_cast<std::uint16_t>(row.integer());
  if (host.starts_with('/')) {
    depot.endpoint = policy::UnixEndpoint{std::move(host), port};
  } else {
    depot.endpoint = policy::TcpEndpoint{std::move(host), port};
  }
  depot.database = row.text();
  const auto tls = row.text();
  auto ca_pem = row.text();
  // Fail closed: whatever is not the known word for none is the strictest form.
  if (tls == "disable") {
    depot.tls = policy::TlsDisabled{};
  } else {
    depot.tls = policy::TlsVerifyFull{std::move(ca_pem)};
  }
  depot.state = row.text() == "active" ? policy::DepotState::Active : policy::DepotState::Suspended;
  depot.embedded = row.boolean();
  return depot;
}

/// $1 id, $2 tenant_id, $3 host, $4 port, $5 database, $6 tls, $7 tls_ca_pem, $8 state, $9 embedded
std::array<Text, 10> parameters_of(const policy::Depot& depot, std::string last) {
  const auto* socket = std::get_if<policy::UnixEndpoint>(&depot.endpoint);
  const auto* network = std::get_if<policy::TcpEndpoint>(&depot.endpoint);
  const auto* verify = std::get_if<policy::TlsVerifyFull>(&depot.tls);
  return {depot.id.get().to_string(),
          uuid_text(depot.tenant),
          socket != nullptr ? socket->socket_dir : network->host,
          std::to_string(socket != nullptr ? socket->port : network->port),
          depot.database,
          verify != nullptr ? "verify-full" : "disable",
          verify != nullptr ? verify->ca_pem : "",
          depot.state == policy::DepotState::Active ? "active" : "suspended",
          boolean_text(depot.embedded),
          std::move(last)};
}

}  // namespace

Result<Record<policy::Depot>> Depots::create(policy::Depot depot) {
  ensure_id(depot.id, transaction_.database().random());
  BZ_TRY(const Rows rows,
         transaction_.query(
             "INSERT INTO bartizan.depots (id, tenant_id, host, port, database, tls, tls_ca_pem, state, embedded, name)"
             " VALUES ($1::uuid, $2::uuid, $3, $4::int, $5, $6, $7, $8, $9::bool, $10) RETURNING " +
                 kColumns,
             parameters_of(depot, depot.name)));
  return read_record(rows, parse, "");
}

Result<Record<policy::Depot>> Depots::find(std::string_view name) {
  const std::array<Text, 1> parameters = {std::string(name)};
  BZ_TRY(const Rows rows,
         transaction_.query("SELECT " + kColumns + " FROM bartizan.depots WHERE name = $1", parameters));
  return read_record(rows, parse, "no depot '" + std::string(name) + "'");
}

Result<std::vector<Record<policy::Depot>>> Depots::list() {
  BZ_TRY(const Rows rows, transaction_.query("SELECT " + kColumns + " FROM bartizan.depots ORDER BY name", {}));
  return read_records(rows, parse);
}

Result<Record<policy::Depot>> Depots::update(const policy::Depot& depot, std::int64_t version) {
  BZ_TRY(
      const Rows rows,
      transaction_.query(
          "UPDATE bartizan.depots SET tenant_id = $2::uuid, host = $3, port = $4::int, database = $5, tls = $6,"
          " tls_ca_pem = $7, state = $8, embedded = $9::bool WHERE id = $1::uuid AND version = $10::bigint RETURNING " +
              kColumns,
          parameters_of(depot, std::to_string(version))));
  if (rows.empty()) return tl::unexpected<Error>(why_no_row(transaction_, "depots", depot.id.get()));
  return read_record(rows, parse, "");
}

Result<void> Depots::remove(policy::DepotId id, std::int64_t version) {
  return remove_row(transaction_, "depots", id.get(), version);
}

}  // namespace bartizan::store
