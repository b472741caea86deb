// The control database: connections to it and transactions on it. Every write transaction names
// its actor and holds one advisory lock from its begin to its commit, so that changes.seq grows
// in the order of commits and a reader who knows the last seq knows everything before it. The
// change rows themselves are written by triggers (migrations/0002), which no repository can
// forget. libpq stays behind the .cpp files.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "bartizan/base/clock.hpp"
#include "bartizan/base/result.hpp"
#include "bartizan/base/secret.hpp"
#include "bartizan/policy/model.hpp"
#include "bartizan/store/root_key.hpp"

namespace bartizan::store {

/// Where the control database is and what opens its secrets.
struct DatabaseOptions {
  std::string conninfo;  ///< libpq key words or URI, without a password
  SecretBytes password;  ///< may be empty
  std::chrono::milliseconds connect_timeout{5000};
  std::chrono::milliseconds statement_timeout{10000};
  std::size_t max_connections = 4;
};

/// Who makes a change, as the change log names it: "os:root", "identity:…", "bootstrap".
struct Actor {
  std::string name;
};

/// What every resource has beside its value.
struct Meta {
  std::int64_t version = 0;
  WallTime created_at;
  std::string created_by;
  WallTime updated_at;
  std::string updated_by;
};

template <class T>
struct Record {
  T value;
  Meta meta;
};

using Text = std::optional<std::string>;  ///< a parameter or a field: text form, or NULL

class Connection;
class Rows;
class Database;
class ChangeFeed;

/// One transaction on a leased connection; rolled back at its end unless committed. One thread
/// at a time; must not outlive its Database. Moved-from: only destruction is allowed.
class Transaction {
 public:
  Transaction(Transaction&&) noexcept;
  Transaction& operator=(Transaction&&) = delete;
  ~Transaction();

  [[nodiscard]] Result<void> commit();
  /// REQUIRES: text is a constant of ours; values go in as $1….
  [[nodiscard]] Result<Rows> query(const std::string& text, std::span<const Text> parameters);
  [[nodiscard]] Database& database() const noexcept { return *database_; }

 private:
  friend class Database;
  friend class ChangeFeed;
  Transaction(Database& database, std::unique_ptr<Connection> leased);
  /// On a connection that the pool does not know, already in its transaction.
  Transaction(Database& database, Connection& borrowed);

  Database* database_;
  std::unique_ptr<Connection> leased_;
  Connection* connection_;
};

/// A small pool of connections. Thread-safe. Calls block, at most for the time-outs given.
class Database {
 public:
  /// Connects once, so that a wrong address is an error here: Unavailable, Unauthenticated.
  [[nodiscard]] static Result<std::unique_ptr<Database>> open(DatabaseOptions options, RootKey root_key,
                                                              Random& random);
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;
  ~Database();

  /// READ COMMITTED, serialised with every other write. ResourceExhausted when no connection
  /// gets free within the statement time-out.
  [[nodiscard]] Result<Transaction> begin_write(const Actor& actor);
  /// REPEATABLE READ, READ ONLY.
  [[nodiscard]] Result<Transaction> begin_read();

  /// The schema brought up to what this program needs (migrations.hpp); how many steps it took.
  [[nodiscard]] Result<int> migrate();

  [[nodiscard]] const RootKey& root_key() const noexcept { return root_key_; }
  [[nodiscard]] Random& random() const noexcept { return random_; }
  [[nodiscard]] const DatabaseOptions& options() const noexcept { return options_; }

 private:
  friend class Transaction;
  struct Pool;
  Database(DatabaseOptions options, RootKey root_key, Random& random);
  Result<std::unique_ptr<Connection>> lease();
  void give_back(std::unique_ptr<Connection> connection) noexcept;
  Result<Transaction> begin(const char* how);

  DatabaseOptions options_;
  RootKey root_key_;
  Random& random_;
  std::unique_ptr<Pool> pool_;
};

}  // namespace bartizan::store
