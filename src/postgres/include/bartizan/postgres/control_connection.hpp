// A blocking connection to PostgreSQL for control work (set-up, probes, reconciliation), over
// libpq, which no header of this module shows. It is not on the data path.
//
// Errors carry the SQLSTATE and the server's primary message; for classes of error whose message
// quotes values or statement text (22, 23, 42601, P0) the SQLSTATE and names of objects alone.
#pragma once

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

namespace bartizan::postgres {

/// Where and as whom. host beginning with '/' is a folder of unix sockets; TLS is then off.
/// For a network host sslmode is verify-full unless said otherwise.
struct Endpoint {
  std::string host;
  std::uint16_t port = 5432;
  std::string database = "postgres";
  std::string user;
  std::string ssl_mode;       ///< network only; empty: verify-full
  std::string ssl_root_cert;  ///< network only; empty: the system's
  std::string ssl_cert;       ///< network only; our own certificate's file and its key's, or neither
  std::string ssl_key;
};

/// The rows of the last result, in text format.
class Rows {
 public:
  Rows() = default;
  Rows(std::size_t columns, std::vector<std::optional<std::string>> cells, std::string command_tag)
      : columns_(columns), cells_(std::move(cells)), command_tag_(std::move(command_tag)) {}
  [[nodiscard]] std::size_t size() const noexcept { return columns_ == 0 ? 0 : cells_.size() / columns_; }
  [[nodiscard]] bool empty() const noexcept { return size() == 0; }
  [[nodiscard]] std::size_t columns() const noexcept { return columns_; }
  /// REQUIRES: row < size(), column < columns(). nullopt is NULL.
  [[nodiscard]] const std::optional<std::string>& at(std::size_t row, std::size_t column) const;
  [[nodiscard]] const std::string& command_tag() const noexcept { return command_tag_; }

 private:
  std::size_t columns_ = 0;
  std::vector<std::optional<std::string>> cells_;
  std::string command_tag_;
};

/// Move-only; used by one thread at a time. After DeadlineExceeded or Unavailable it is closed and
/// every further call fails with Unavailable.
class ControlConnection {
 public:
  /// The PG* environment, service files and ~/.pgpass are not consulted.
  /// Errc: Unavailable (not listening, starting up), Unauthenticated, PermissionDenied (TLS
  /// verification), DeadlineExceeded. Looking up a host name may block beyond the deadline.
  static Result<ControlConnection> connect(const Endpoint& endpoint, const SecretBytes& password, SteadyTime deadline);
  /// A libpq connection string as a user gives it: here libpq's environment and files do count.
  static Result<ControlConnection> connect(std::string_view conninfo, SteadyTime deadline);

  ControlConnection(ControlConnection&&) noexcept;
  ControlConnection& operator=(ControlConnection&&) noexcept;
  ~ControlConnection();

  /// Simple protocol: one or more statements, the last one's rows.
  Result<Rows> exec(std::string_view sql, SteadyTime deadline);
  /// Extended protocol: one statement with text parameters $1...
  Result<Rows> exec(std::string_view sql, std::span<const std::optional<std::string>> parameters, SteadyTime deadline);
  /// The one value of a one-row result; NotFound if there is no row or it is NULL.
  Result<std::string> scalar(std::string_view sql, SteadyTime deadline);

  /// Whether a notification has come since the last call, without waiting; they are told apart by nothing.
  /// REQUIRES: LISTEN was executed.
  Result<bool> notified();

  /// Sets a role's password as a SCRAM-SHA-256 verifier computed here: the password itself never
  /// travels and stands in no log of the server.
  Result<void> set_role_password(std::string_view role, const SecretBytes& password, SteadyTime deadline);

  /// For example 150020.
  [[nodiscard]] int server_version() const;
  [[nodiscard]] bool tls_in_use() const;
  [[nodiscard]] bool open() const noexcept;
  /// SQLSTATE of the last failed call, or empty.
  [[nodiscard]] const std::string& last_sqlstate() const noexcept;

 private:
  struct State;
  explicit ControlConnection(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

/// "name" with quotes doubled; 'text' likewise, backslash-safe.
[[nodiscard]] std::string quote_identifier(std::string_view name);
[[nodiscard]] std::string quote_literal(std::string_view text);

}  // namespace bartizan::postgres
