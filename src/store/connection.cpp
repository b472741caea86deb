#include "connection.hpp"

#include <poll.h>
#include <sys/eventfd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <vector>

namespace bartizan::store {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

/// Grace beyond the server's own statement_timeout, which gives the better error.
constexpr milliseconds kGrace{2000};

Errc errc_of(std::string_view sqlstate) {
  if (sqlstate == "23505") return Errc::AlreadyExists;
  if (sqlstate == "23503") return Errc::FailedPrecondition;
  if (sqlstate == "23514" || sqlstate.starts_with("22")) return Errc::InvalidArgument;
  if (sqlstate == "40001" || sqlstate == "40P01") return Errc::Conflict;
  if (sqlstate == "57014") return Errc::DeadlineExceeded;
  if (sqlstate == "42501") return Errc::PermissionDenied;
  if (sqlstate == "25006") return Errc::Unavailable;  // a standby: its primary may come back
  if (sqlstate == "3D000" || sqlstate.starts_with("28")) return Errc::Unauthenticated;
  for (const auto* transient : {"08", "53", "57"}) {
    if (sqlstate.starts_with(transient)) return Errc::Unavailable;
  }
  return Errc::Internal;
}

/// Without the server's message where it could quote a value.
Error error_of(const PGresult* result) {
  const auto field = [&](int code) {
    const char* text = PQresultErrorField(result, code);
    return std::string_view(text == nullptr ? "" : text);
  };
  const auto sqlstate = field(PG_DIAG_SQLSTATE);
  std::string detail = "control database: SQLSTATE " + std::string(sqlstate.empty() ? "unknown" : sqlstate);
  if (const auto name = field(PG_DIAG_CONSTRAINT_NAME); !name.empty()) detail.append(" (").append(name).append(")");
  const bool quotes_values = sqlstate.starts_with("22") || sqlstate.starts_with("23") || sqlstate == "42601";
  if (!quotes_values) detail.append(": ").append(field(PG_DIAG_MESSAGE_PRIMARY));
  return {sqlstate.empty() ? Errc::Unavailable : errc_of(sqlstate), std::move(detail)};
}

std::string connect_message(const PGconn* connection) {
  std::string text = PQerrorMessage(connection);
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
  for (char& c : text) {
    if (c == '\n') c = ' ';
  }
  return text;
}

Errc connect_errc(std::string_view message) {
  for (const auto* hint : {"password", "authentication", "pg_hba.conf", "does not exist", "certificate"}) {
    const bool socket_missing = message.find("No such file") != std::string_view::npos;
    if (!socket_missing && message.find(hint) != std::string_view::npos) return Errc::Unauthenticated;
  }
  return Errc::Unavailable;
}

}  // namespace

std::optional<std::string_view> Rows::at(int row, int column) const noexcept {
  if (PQgetisnull(result_.get(), row, column) != 0) return std::nullopt;
  return std::string_view(PQgetvalue(result_.get(), row, column),
                          static_cast<std::size_t>(PQgetlength(result_.get(), row, column)));
}

long Rows::affected() const noexcept {
  const std::string_view text = PQcmdTuples(result_.get());
  long count = 0;
  std::from_chars(text.data(), text.data() + text.size(), count);
  return count;
}

Connection::Connection(PGconn* connection, const DatabaseOptions& options, int interrupt)
    : connection_(connection), statement_timeout_(options.statement_timeout), interrupt_(interrupt) {}

Result<std::unique_ptr<Connection>> Connection::connect(const DatabaseOptions& options, int interrupt) {
  const std::string password(options.password.reveal_chars());
  const std::array<const char*, 6> keys = {"dbname",           "password",         "client_encoding",
                                           "application_name", "tcp_user_timeout", nullptr};
  const std::array<const char*, 6> values = {
      options.conninfo.c_str(), password.empty() ? nullptr : password.c_str(), "UTF8", "bartizan", "15000", nullptr};
  PGconn* raw = PQconnectStartParams(keys.data(), values.data(), /*expand_dbname=*/1);
  secure_wipe(const_cast<char*>(password.data()), password.size());  // NOLINT: ours, about to end
  if (raw == nullptr) return fail(Errc::Internal, "out of memory for a connection");
  std::unique_ptr<Connection> connection(new Connection(raw, options, interrupt));
  BZ_CHECK(connection->establish(options.connect_timeout));
  const auto timeout = std::to_string(options.statement_timeout.count());
  BZ_CHECK(connection->run("SET search_path = pg_catalog, pg_temp; SET statement_timeout = " + timeout +
                           "; SET idle_in_transaction_session_timeout = 60000; SET timezone = 'UTC';"
                           " SET standard_conforming_strings = on; SET bytea_output = 'hex'"));
  return connection;
}

Result<void> Connection::establish(milliseconds timeout) {
  const auto deadline = steady_clock::now() + timeout;
  auto state = PQstatus(connection_.get()) == CONNECTION_BAD ? PGRES_POLLING_FAILED : PGRES_POLLING_WRITING;
  while (state != PGRES_POLLING_OK) {
    if (state == PGRES_POLLING_FAILED) {
      const auto message = connect_message(connection_.get());
      return lost({connect_errc(message), "control database: " + message});
    }
    BZ_CHECK(wait(state == PGRES_POLLING_READING ? POLLIN : POLLOUT, deadline));
    state = PQconnectPoll(connection_.get());
  }
  PQsetNoticeReceiver(connection_.get(), [](void*, const PGresult*) {}, nullptr);
  if (PQsetnonblocking(connection_.get(), 1) != 0) return lost({Errc::Internal, "control database: not non-blocking"});
  return {};
}

tl::unexpected<Error> Connection::lost(Error error) {
  connection_.reset();
  return tl::unexpected<Error>(std::move(error));
}

Result<void> Connection::wait(short events, steady_clock::time_point deadline) {
  std::array<pollfd, 2> set = {pollfd{PQsocket(connection_.get()), events, 0}, pollfd{interrupt_, POLLIN, 0}};
  while (true) {
    const auto left = std::chrono::ceil<milliseconds>(deadline - steady_clock::now()).count();
    const int ready = ::poll(set.data(), interrupt_ < 0 ? 1 : 2, left < 0 ? 0 : static_cast<int>(left));
    if (ready < 0 && errno == EINTR) continue;
    if (ready < 0) return lost({Errc::Io, "poll failed"});
    if (interrupt_ >= 0 && set[1].revents != 0) return lost({Errc::Cancelled, "interrupted"});
    if (ready == 0) return lost({Errc::DeadlineExceeded, "the control database does not answer"});
    return {};
  }
}

Result<Rows> Connection::query(const std::string& text, std::span<const Text> parameters) {
  if (!usable()) return lost({Errc::Unavailable, "the connection to the control database is lost"});
  std::vector<const char*> values;
  values.reserve(parameters.size());
  for (const Text& parameter : parameters) {
    if (parameter && parameter->find('\0') != std::string::npos) {
      return fail(Errc::InvalidArgument, "a NUL character where text is meant");
    }
    values.push_back(parameter ? parameter->c_str() : nullptr);
  }
  if (PQsendQueryParams(connection_.get(), text.c_str(), static_cast<int>(values.size()), nullptr, values.data(),
                        nullptr, nullptr, 0) == 0) {
    return lost({Errc::Unavailable, "the connection to the control database is lost"});
  }
  return collect();
}

Result<Rows> Connection::run(const std::string& text) {
  if (!usable() || PQsendQuery(connection_.get(), text.c_str()) == 0) {
    return lost({Errc::Unavailable, "the connection to the control database is lost"});
  }
  return collect();
}

Result<Rows> Connection::collect() {
  const auto deadline = steady_clock::now() + statement_timeout_ + kGrace;
  int unsent = PQflush(connection_.get());
  std::optional<Rows> rows;
  std::optional<Error> error;
  while (true) {
    while (unsent > 0 || PQisBusy(connection_.get()) != 0) {
      BZ_CHECK(wait(static_cast<short>(unsent > 0 ? POLLIN | POLLOUT : POLLIN), deadline));
      if (PQconsumeInput(connection_.get()) == 0)
        return lost({Errc::Unavailable, "the control database closed the connection"});
      unsent = PQflush(connection_.get());
    }
    if (unsent < 0) return lost({Errc::Unavailable, "the control database closed the connection"});
    PGresult* result = PQgetResult(connection_.get());
    if (result == nullptr) break;
    const auto status = PQresultStatus(result);
    Rows next(result);
    if (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK || status == PGRES_EMPTY_QUERY) {
      rows = std::move(next);
    } else if (!error) {
      error = error_of(result);
    }
  }
  if (error) return tl::unexpected<Error>(std::move(*error));
  if (!rows) return lost({Errc::Unavailable, "the control database gave no result"});
  return std::move(*rows);
}

bool Connection::take_notices() {
  bool any = false;
  while (PGnotify* notice = PQnotifies(connection_.get())) {
    PQfreemem(notice);
    any = true;
  }
  return any;
}

Result<void> Connection::wait_for_notice(milliseconds timeout, int wake) {
  if (!usable()) return lost({Errc::Unavailable, "the connection to the control database is lost"});
  const auto deadline = steady_clock::now() + timeout;
  while (!take_notices()) {
    std::array<pollfd, 3> set = {pollfd{PQsocket(connection_.get()), POLLIN, 0}, pollfd{wake, POLLIN, 0},
                                 pollfd{interrupt_, POLLIN, 0}};
    const auto left = std::chrono::ceil<milliseconds>(deadline - steady_clock::now()).count();
    if (left <= 0) return {};
    const int ready = ::poll(set.data(), set.size(), static_cast<int>(left));  // a negative descriptor is ignored
    if (ready < 0 && errno != EINTR) return lost({Errc::Io, "poll failed"});
    if (ready <= 0) continue;
    if (set[2].revents != 0) return fail(Errc::Cancelled, "interrupted");
    if (set[1].revents != 0) {
      eventfd_t ignored = 0;
      [[maybe_unused]] const auto done = ::eventfd_read(wake, &ignored);
      return {};
    }
    if (PQconsumeInput(connection_.get()) == 0)
      return lost({Errc::Unavailable, "the control database closed the connection"});
  }
  return {};
}

}  // namespace bartizan::store
