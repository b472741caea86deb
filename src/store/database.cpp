#include "bartizan/store/database.hpp"

#include <array>
#include <condition_variable>
#include <mutex>

#include "bartizan/store/migrations.hpp"
#include "connection.hpp"

namespace bartizan::store {
namespace {
constexpr std::chrono::minutes kMigrationTimeout{10};
}

struct Database::Pool {
  std::mutex mutex;
  std::condition_variable freed;
  std::vector<std::unique_ptr<Connection>> idle;
  std::size_t leased = 0;
};

Database::Database(DatabaseOptions options, RootKey root_key, Random& random)
    : options_(std::move(options)), root_key_(std::move(root_key)), random_(random), pool_(std::make_unique<Pool>()) {}
Database::~Database() = default;

Result<std::unique_ptr<Database>> Database::open(DatabaseOptions options, RootKey root_key, Random& random) {
  std::unique_ptr<Database> database(new Database(std::move(options), std::move(root_key), random));
  BZ_TRY(auto connection, database->lease());
  database->give_back(std::move(connection));
  return database;
}

Result<std::unique_ptr<Connection>> Database::lease() {
  {
    std::unique_lock lock(pool_->mutex);
    const bool free = pool_->freed.wait_for(lock, options_.statement_timeout,
                                            [&] { return pool_->leased < options_.max_connections; });
    if (!free) return fail(Errc::ResourceExhausted, "every connection to the control database is in use");
    ++pool_->leased;
    while (!pool_->idle.empty()) {
      auto connection = std::move(pool_->idle.back());
      pool_->idle.pop_back();
      if (connection->idle()) return connection;
    }
  }
  auto connection = Connection::connect(options_, -1);
  if (!connection) give_back(nullptr);
  return connection;
}

void Database::give_back(std::unique_ptr<Connection> connection) noexcept {
  const std::lock_guard lock(pool_->mutex);
  --pool_->leased;
  if (connection && connection->idle()) pool_->idle.push_back(std::move(connection));
  pool_->freed.notify_one();
}

Result<Transaction> Database::begin(const char* how) {
  BZ_TRY(auto connection, lease());
  auto begun = connection->run(how);
  if (!begun && !connection->usable()) {
    // It may have been lost while it lay idle, along with the others: once more, on a fresh one.
    {
      const std::lock_guard lock(pool_->mutex);
      pool_->idle.clear();
    }
    auto fresh = Connection::connect(options_, -1);
    if (!fresh) {
      give_back(nullptr);
      return tl::unexpected<Error>(std::move(fresh).error());
    }
    connection = std::move(*fresh);
    begun = connection->run(how);
  }
  Transaction transaction(*this, std::move(connection));
  if (!begun) return tl::unexpected<Error>(std::move(begun).error());
  return transaction;
}

Result<Transaction> Database::begin_write(const Actor& actor) {
  if (actor.name.empty()) return fail(Errc::InvalidArgument, "a write names no actor");
  BZ_TRY(auto transaction,
         begin("BEGIN ISOLATION LEVEL READ COMMITTED, READ WRITE; SELECT bartizan.serialise_writes()"));
  const std::array<Text, 1> parameters = {actor.name};
  BZ_CHECK(transaction.query("SELECT set_config('bartizan.actor', $1, true)", parameters));
  return transaction;
}

Result<Transaction> Database::begin_read() { return begin("BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY"); }

Result<int> Database::migrate() {
  // A connection of its own, with patience: a step may rewrite a table, and other gateways that
  // start at the same time wait for it.
  DatabaseOptions patient;
  patient.conninfo = options_.conninfo;
  patient.password = options_.password.clone();
  patient.connect_timeout = options_.connect_timeout;
  patient.statement_timeout = kMigrationTimeout;
  BZ_TRY(const auto connection, Connection::connect(patient, -1));
  return store::migrate(*connection, embedded_migrations(), program_version());
}

Transaction::Transaction(Database& database, std::unique_ptr<Connection> leased)
    : database_(&database), leased_(std::move(leased)), connection_(leased_.get()) {}
Transaction::Transaction(Database& database, Connection& borrowed) : database_(&database), connection_(&borrowed) {}
Transaction::Transaction(Transaction&& other) noexcept
    : database_(other.database_),
      leased_(std::move(other.leased_)),
      connection_(std::exchange(other.connection_, nullptr)) {}

Transaction::~Transaction() {
  if (connection_ == nullptr) return;
  // A rollback that fails leaves a connection that is not idle, which the pool throws away.
  if (connection_->usable() && !connection_->idle()) [[maybe_unused]]
    const auto done = connection_->run("ROLLBACK");
  if (leased_) database_->give_back(std::move(leased_));
}

Result<Rows> Transaction::query(const std::string& text, std::span<const Text> parameters) {
  return connection_->query(text, parameters);
}

Result<void> Transaction::commit() {
  BZ_CHECK(connection_->run("COMMIT"));
  return {};
}

}  // namespace bartizan::store
