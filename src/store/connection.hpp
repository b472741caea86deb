// libpq, contained: one connection to the control database on which nothing waits without an
// end. Every wait is a poll(2) with a deadline, and with a descriptor that can interrupt it.
#pragma once

#include <libpq-fe.h>

#include <chrono>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "bartizan/base/result.hpp"
#include "bartizan/store/database.hpp"

namespace bartizan::store {

/// The rows of one result, in text form. Views live as long as it does.
class Rows {
 public:
  explicit Rows(PGresult* result) : result_(result) {}
  [[nodiscard]] int size() const noexcept { return PQntuples(result_.get()); }
  [[nodiscard]] bool empty() const noexcept { return size() == 0; }
  /// nullopt: NULL.
  [[nodiscard]] std::optional<std::string_view> at(int row, int column) const noexcept;
  [[nodiscard]] int columns() const noexcept { return PQnfields(result_.get()); }
  /// Of INSERT, UPDATE, DELETE.
  [[nodiscard]] long affected() const noexcept;

 private:
  struct Clear {
    void operator()(PGresult* result) const noexcept { PQclear(result); }
  };
  std::unique_ptr<PGresult, Clear> result_;
};

/// One thread at a time. After a deadline, an interruption or a lost peer it is not usable() and
/// every call fails with Unavailable.
class Connection {
 public:
  /// interrupt: becoming readable ends any wait with Cancelled; -1: none. Not owned.
  [[nodiscard]] static Result<std::unique_ptr<Connection>> connect(const DatabaseOptions& options, int interrupt);

  /// One statement with parameters.
  [[nodiscard]] Result<Rows> query(const std::string& text, std::span<const Text> parameters);
  /// Several statements without any; the last one's rows.
  [[nodiscard]] Result<Rows> run(const std::string& text);
  /// Waits for a notice, for wake (an eventfd, which is cleared), for the interruption
  /// (Cancelled) or for the end of the time. All notices that came are taken.
  [[nodiscard]] Result<void> wait_for_notice(std::chrono::milliseconds timeout, int wake);

  [[nodiscard]] bool usable() const noexcept { return connection_ && PQstatus(connection_.get()) == CONNECTION_OK; }
  [[nodiscard]] bool idle() const noexcept {
    return usable() && PQtransactionStatus(connection_.get()) == PQTRANS_IDLE;
  }

 private:
  struct Finish {
    void operator()(PGconn* connection) const noexcept { PQfinish(connection); }
  };
  Connection(PGconn* connection, const DatabaseOptions& options, int interrupt);
  Result<void> establish(std::chrono::milliseconds timeout);
  Result<void> wait(short events, std::chrono::steady_clock::time_point deadline);
  Result<Rows> collect();
  tl::unexpected<Error> lost(Error error);
  bool take_notices();

  std::unique_ptr<PGconn, Finish> connection_;
  std::chrono::milliseconds statement_timeout_;
  int interrupt_;
};

}  // namespace bartizan::store
