#include "bartizan/postgres/control_connection.hpp"

#include <libpq-fe.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>

#include "libpq_wait.hpp"
#include "sqlstate_errors.hpp"

namespace bartizan::postgres {
namespace {

struct FinishConnection {
  void operator()(PGconn* connection) const noexcept { PQfinish(connection); }
};
struct ClearResult {
  void operator()(PGresult* result) const noexcept { PQclear(result); }
};
using ConnectionPtr = std::unique_ptr<PGconn, FinishConnection>;
using ResultPtr = std::unique_ptr<PGresult, ClearResult>;

void drop_notice(void*, const PGresult*) {}

std::string field(const PGresult* result, int code) {
  const char* text = PQresultErrorField(result, code);
  return text ? text : "";
}

SqlError sql_error(const PGresult* result) {
  return {field(result, PG_DIAG_SQLSTATE),    field(result, PG_DIAG_MESSAGE_PRIMARY),
          field(result, PG_DIAG_SCHEMA_NAME), field(result, PG_DIAG_TABLE_NAME),
          field(result, PG_DIAG_COLUMN_NAME), field(result, PG_DIAG_CONSTRAINT_NAME)};
}

Rows to_rows(const PGresult* result) {
  const int columns = PQnfields(result);
  const int rows = PQntuples(result);
  std::vector<std::optional<std::string>> cells;
  cells.reserve(static_cast<std::size_t>(rows) * static_cast<std::size_t>(columns));
  for (int row = 0; row < rows; ++row)
    for (int column = 0; column < columns; ++column) {
      if (PQgetisnull(result, row, column) != 0)
        cells.emplace_back(std::nullopt);
      else
        cells.emplace_back(
            std::string(PQgetvalue(result, row, column), static_cast<std::size_t>(PQgetlength(result, row, column))));
    }
  // PQcmdStatus predates const; it only reads.
  return {static_cast<std::size_t>(columns), std::move(cells), PQcmdStatus(const_cast<PGresult*>(result))};
}

/// Drives a started connection to its end.
Result<void> complete(PGconn* connection, SteadyTime deadline) {
  auto state = PGRES_POLLING_WRITING;
  while (state != PGRES_POLLING_OK) {
    if (state == PGRES_POLLING_FAILED) return tl::unexpected(connection_error(PQerrorMessage(connection)));
    const auto direction = state == PGRES_POLLING_WRITING ? Direction::Write : Direction::Read;
    BZ_CHECK(wait_for_socket(PQsocket(connection), direction, deadline));
    state = PQconnectPoll(connection);
  }
  return {};
}

Result<ConnectionPtr> finish_connecting(PGconn* started, SteadyTime deadline) {
  ConnectionPtr connection(started);
  if (!connection) return fail(Errc::ResourceExhausted, "no memory for a PostgreSQL connection");
  // So that the server's SQLSTATE stands in the text of a failed sign-in.
  PQsetErrorVerbosity(connection.get(), PQERRORS_VERBOSE);
  if (PQstatus(connection.get()) == CONNECTION_BAD)
    return tl::unexpected(connection_error(PQerrorMessage(connection.get())));
  BZ_CHECK(complete(connection.get(), deadline));
  PQsetNoticeReceiver(connection.get(), drop_notice, nullptr);
  if (PQsetnonblocking(connection.get(), 1) != 0) return fail(Errc::Io, "the connection can't be made non-blocking");
  return connection;
}

}  // namespace

struct ControlConnection::State {
  ConnectionPtr connection;
  std::string sqlstate;

  Result<void> flush(SteadyTime deadline) {
    for (;;) {
      const int rest = PQflush(connection.get());
      if (rest == 0) return {};
      if (rest < 0) return lost();
      BZ_CHECK(wait_for_socket(PQsocket(connection.get()), Direction::Either, deadline));
      if (PQconsumeInput(connection.get()) == 0) return lost();
    }
  }

  Result<ResultPtr> next_result(SteadyTime deadline) {
    while (PQisBusy(connection.get()) != 0) {
      BZ_CHECK(wait_for_socket(PQsocket(connection.get()), Direction::Read, deadline));
      if (PQconsumeInput(connection.get()) == 0) return lost();
    }
    return ResultPtr(PQgetResult(connection.get()));
  }

  tl::unexpected<Error> lost() {
    connection.reset();
    return fail(Errc::Unavailable, "the connection to PostgreSQL was lost");
  }

  Result<Rows> collect(SteadyTime deadline) {
    Rows rows;
    std::optional<Error> error;
    for (;;) {
      BZ_TRY(const auto result, next_result(deadline));
      if (!result) break;
      const auto status = PQresultStatus(result.get());
      if (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK || status == PGRES_EMPTY_QUERY) {
        rows = to_rows(result.get());
      } else if (status == PGRES_FATAL_ERROR || status == PGRES_NONFATAL_ERROR) {
        const auto failure = sql_error(result.get());
        sqlstate = failure.sqlstate;
        if (!error) error = statement_error(failure);
      } else {
        connection.reset();
        return fail(Errc::Unsupported, "COPY is not for control connections");
      }
    }
    if (error) {
      if (PQstatus(connection.get()) == CONNECTION_BAD) connection.reset();
      return tl::unexpected(std::move(*error));
    }
    return rows;
  }

  /// After a deadline the answer may still come: the connection can't be used again.
  template <class Send>
  Result<Rows> perform(SteadyTime deadline, Send send) {
    sqlstate.clear();
    if (!connection) return fail(Errc::Unavailable, "the connection to PostgreSQL is closed");
    if (!send(connection.get())) return lost();
    if (auto sent = flush(deadline); !sent) {
      connection.reset();
      return tl::unexpected(std::move(sent.error()));
    }
    auto rows = collect(deadline);
    if (!rows && rows.error().code == Errc::DeadlineExceeded) connection.reset();
    return rows;
  }
};

const std::optional<std::string>& Rows::at(std::size_t row, std::size_t column) const {
  BZ_ASSERT(row < size() && column < columns_);
  return cells_[row * columns_ + column];
}

ControlConnection::ControlConnection(std::unique_ptr<State> state) : state_(std::move(state)) {}
ControlConnection::ControlConnection(ControlConnection&&) noexcept = default;
ControlConnection& ControlConnection::operator=(ControlConnection&&) noexcept = default;
ControlConnection::~ControlConnection() = default;

Result<ControlConnection> ControlConnection::connect(const Endpoint& endpoint, const SecretBytes& password,
                                                     SteadyTime deadline) {
  // These two redirect a connection whatever is passed to libpq.
  for (const char* name : {"PGHOSTADDR", "PGSERVICE"})
    if (std::getenv(name) != nullptr)  // NOLINT(concurrency-mt-unsafe)
      return fail(Errc::FailedPrecondition, std::string("unset the environment variable ") + name);
  const bool local = endpoint.host.starts_with('/');
  std::string secret(password.reveal_chars());
  const auto port = std::to_string(endpoint.port);
  const char* mode = local ? "disable" : endpoint.ssl_mode.empty() ? "verify-full" : endpoint.ssl_mode.c_str();
  // Named although it does not exist: else libpq would look into the home folder.
  const bool certified = !local && !endpoint.ssl_cert.empty();
  constexpr const char* kNowhere = "/nonexistent";
  // libpq before 16 knows no word for the system's authorities; this is Debian's bundle of them.
  const char* root =
      endpoint.ssl_root_cert.empty() ? "/etc/ssl/certs/ca-certificates.crt" : endpoint.ssl_root_cert.c_str();
  const std::array<const char*, 15> names = {
      "host",        "port",       "dbname",   "user",    "password",        "sslmode",
      "sslrootcert", "gssencmode", "passfile", "options", "client_encoding", "target_session_attrs",
      "sslcert",     "sslkey",     nullptr};
  const std::array<const char*, 15> values = {endpoint.host.c_str(),
                                              port.c_str(),
                                              endpoint.database.c_str(),
                                              endpoint.user.c_str(),
                                              secret.c_str(),
                                              mode,
                                              local ? "" : root,
                                              "disable",
                                              kNowhere,
                                              "-c client_min_messages=warning",
                                              "UTF8",
                                              "any",
                                              certified ? endpoint.ssl_cert.c_str() : kNowhere,
                                              certified ? endpoint.ssl_key.c_str() : kNowhere,
                                              nullptr};
  auto connection = finish_connecting(PQconnectStartParams(names.data(), values.data(), 0), deadline);
  secure_wipe(secret.data(), secret.size());
  if (!connection) return tl::unexpected(std::move(connection.error()));
  auto state = std::make_unique<State>();
  state->connection = std::move(*connection);
  return ControlConnection(std::move(state));
}

Result<ControlConnection> ControlConnection::connect(std::string_view conninfo, SteadyTime deadline) {
  const std::string text(conninfo);
  char* complaint = nullptr;
  PQconninfoOption* options = PQconninfoParse(text.c_str(), &complaint);
  // libpq's complaint repeats parts of the string, a password perhaps.
  PQfreemem(complaint);
  if (options == nullptr) return fail(Errc::InvalidArgument, "the connection string is not one that libpq understands");
  PQconninfoFree(options);
  BZ_TRY(auto connection, finish_connecting(PQconnectStart(text.c_str()), deadline));
  auto state = std::make_unique<State>();
  state->connection = std::move(connection);
  return ControlConnection(std::move(state));
}

Result<Rows> ControlConnection::exec(std::string_view sql, SteadyTime deadline) {
  const std::string text(sql);
  return state_->perform(deadline, [&](PGconn* connection) { return PQsendQuery(connection, text.c_str()) == 1; });
}

Result<Rows> ControlConnection::exec(std::string_view sql, std::span<const std::optional<std::string>> parameters,
                                     SteadyTime deadline) {
  const std::string text(sql);
  std::vector<const char*> values;
  for (const auto& parameter : parameters) values.push_back(parameter ? parameter->c_str() : nullptr);
  return state_->perform(deadline, [&](PGconn* connection) {
    return PQsendQueryParams(connection, text.c_str(), static_cast<int>(values.size()), nullptr, values.data(), nullptr,
                             nullptr, 0) == 1;
  });
}

Result<std::string> ControlConnection::scalar(std::string_view sql, SteadyTime deadline) {
  BZ_TRY(const auto rows, exec(sql, deadline));
  if (rows.empty() || !rows.at(0, 0)) return fail(Errc::NotFound, "the query gave no value");
  return *rows.at(0, 0);
}

Result<bool> ControlConnection::notified() {
  if (!state_->connection) return fail(Errc::Unavailable, "the connection to PostgreSQL is closed");
  if (PQconsumeInput(state_->connection.get()) == 0) return state_->lost();
  bool any = false;
  while (PGnotify* one = PQnotifies(state_->connection.get())) {
    any = true;
    PQfreemem(one);
  }
  return any;
}

Result<void> ControlConnection::set_role_password(std::string_view role, const SecretBytes& password,
                                                  SteadyTime deadline) {
  if (!state_->connection) return fail(Errc::Unavailable, "the connection to PostgreSQL is closed");
  if (password.empty()) return fail(Errc::InvalidArgument, "a role's password must not be empty");
  std::string secret(password.reveal_chars());
  const std::string name(role);
  char* verifier = PQencryptPasswordConn(state_->connection.get(), secret.c_str(), name.c_str(), "scram-sha-256");
  secure_wipe(secret.data(), secret.size());
  if (verifier == nullptr) return fail(Errc::Internal, "libpq could not make a SCRAM verifier");
  std::string sql = "ALTER ROLE " + quote_identifier(role) + " PASSWORD " + quote_literal(verifier);
  PQfreemem(verifier);
  const auto altered = exec(sql, deadline);
  secure_wipe(sql.data(), sql.size());
  BZ_CHECK(altered);
  return {};
}

int ControlConnection::server_version() const {
  return state_->connection ? PQserverVersion(state_->connection.get()) : 0;
}
bool ControlConnection::tls_in_use() const { return state_->connection && PQsslInUse(state_->connection.get()) == 1; }
bool ControlConnection::open() const noexcept { return state_->connection != nullptr; }
const std::string& ControlConnection::last_sqlstate() const noexcept { return state_->sqlstate; }

}  // namespace bartizan::postgres
