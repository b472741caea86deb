// A transaction of the reconciler: rolled back unless committed, with names resolved in pg_catalog
// alone and, where the login may say so, with nothing of it in the server's log.
#pragma once

#include <string_view>

#include "bartizan/base/clock.hpp"
#include "bartizan/base/result.hpp"
#include "bartizan/postgres/control_connection.hpp"

namespace bartizan::postgres {

enum class Isolation : std::uint8_t {
  Snapshot,  ///< REPEATABLE READ, READ ONLY
  Change,    ///< READ COMMITTED; waits for other changes of the wall in this database
};

/// Move-only; the connection outlives it. One at a time on a connection.
class WallTransaction {
 public:
  static Result<WallTransaction> begin(ControlConnection& connection, Isolation isolation, SteadyTime deadline);
  WallTransaction(WallTransaction&& other) noexcept;
  WallTransaction& operator=(WallTransaction&&) = delete;
  WallTransaction(const WallTransaction&) = delete;
  WallTransaction& operator=(const WallTransaction&) = delete;
  ~WallTransaction();

  Result<Rows> exec(std::string_view sql);
  /// Lets transactions with DDL of others end first, for a second at most: two that change one row of
  /// the catalogs at once fail, the owner's as likely as ours.
  Result<void> after_owners_ddl();
  Result<void> commit();
  [[nodiscard]] ControlConnection& connection() noexcept { return *connection_; }
  [[nodiscard]] SteadyTime deadline() const noexcept { return deadline_; }

 private:
  WallTransaction(ControlConnection& connection, SteadyTime deadline) : connection_(&connection), deadline_(deadline) {}
  ControlConnection* connection_;
  SteadyTime deadline_;
};

}  // namespace bartizan::postgres
