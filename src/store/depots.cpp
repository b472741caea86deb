#include "bartizan/store/depots.hpp"

#include <array>
#include <charconv>

#include "records.hpp"

namespace bartizan::store {
namespace {

const std::string kColumns =
    "id, tenant_id, name, host, port, database, tls, tls_ca_pem, state, embedded, pool_mode, pool_size, pool_min,"
    " queue_timeout, server_idle_timeout, server_lifetime, share_unnamed, traffic, enforcement, " +
    kMetaColumns;

policy::PoolOptions parse_pool(RowReader& row) {
  policy::PoolOptions pool;
  pool.mode = row.text() == "session" ? policy::PoolMode::Session : policy::PoolMode::Transaction;
  if (const auto size = row.text_or_null()) {
    std::uint32_t number = 0;
    std::from_chars(size->data(), size->data() + size->size(), number);
    pool.size = number;
  }
  pool.min = static_cast<std::uint32_t>(row.integer());
  pool.queue_timeout = std::chrono::seconds(row.integer());
  pool.idle_timeout = std::chrono::seconds(row.integer());
  pool.lifetime = std::chrono::seconds(row.integer());
  pool.share_unnamed = row.boolean();
  return pool;
}

/// Fail closed: what is not known lets nothing through.
policy::Traffic parse_traffic(std::string_view word) {
  if (word == "open") return policy::Traffic::Open;
  return word == "draining" ? policy::Traffic::Draining : policy::Traffic::Paused;
}

std::string seconds_text(std::chrono::milliseconds duration) {
  return std::to_string(std::chrono::duration_cast<std::chrono::seconds>(duration).count());
}

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
  depot.pool = parse_pool(row);
  depot.traffic = parse_traffic(row.text());
  depot.enforcement = row.text() == "observe" ? policy::Enforcement::Observe : policy::Enforcement::Enforce;
  return depot;
}

/// $1 id, $2 tenant_id, $3 host, $4 port, $5 database, $6 tls, $7 tls_ca_pem, $8 state, $9 embedded, $10 pool_mode,
/// $11 pool_size, $12 pool_min, $13 queue_timeout, $14 server_idle_timeout, $15 server_lifetime, $16 share_unnamed,
/// $17 traffic, $18 enforcement
std::array<Text, 19> parameters_of(const policy::Depot& depot, std::string last) {
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
          depot.pool.mode == policy::PoolMode::Session ? "session" : "transaction",
          depot.pool.size ? Text(std::to_string(*depot.pool.size)) : Text(),
          std::to_string(depot.pool.min),
          seconds_text(depot.pool.queue_timeout),
          seconds_text(depot.pool.idle_timeout),
          seconds_text(depot.pool.lifetime),
          boolean_text(depot.pool.share_unnamed),
          std::string(policy::to_string(depot.traffic)),
          std::string(policy::to_string(depot.enforcement)),
          std::move(last)};
}

}  // namespace

Result<Record<policy::Depot>> Depots::create(policy::Depot depot) {
  ensure_id(depot.id, transaction_.database().random());
  BZ_TRY(
      const Rows rows,
      transaction_.query(
          "INSERT INTO bartizan.depots (id, tenant_id, host, port, database, tls, tls_ca_pem, state, embedded,"
          " pool_mode, pool_size, pool_min, queue_timeout, server_idle_timeout, server_lifetime, share_unnamed, traffic,"
          " enforcement, name)"
          " VALUES ($1::uuid, $2::uuid, $3, $4::int, $5, $6, $7, $8, $9::bool, $10, $11::int, $12::int, $13::int,"
          " $14::int, $15::int, $16::bool, $17, $18, $19) RETURNING " +
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
          " tls_ca_pem = $7, state = $8, embedded = $9::bool, pool_mode = $10, pool_size = $11::int, pool_min = $12::int,"
          " queue_timeout = $13::int, server_idle_timeout = $14::int, server_lifetime = $15::int,"
          " share_unnamed = $16::bool, traffic = $17, enforcement = $18 WHERE id = $1::uuid AND version = $19::bigint RETURNING " +
              kColumns,
          parameters_of(depot, std::to_string(version))));
  if (rows.empty()) return tl::unexpected<Error>(why_no_row(transaction_, "depots", depot.id.get()));
  return read_record(rows, parse, "");
}

Result<void> Depots::remove(policy::DepotId id, std::int64_t version) {
  return remove_row(transaction_, "depots", id.get(), version);
}

}  // namespace bartizan::store
