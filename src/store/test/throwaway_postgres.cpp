#include "throwaway_postgres.hpp"

#include <doctest/doctest.h>
#include <libpq-fe.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <memory>

namespace bartizan::store::test {
namespace {

constexpr const char* kUser = "nobody";

std::string server_programs() {
  for (const char* major : {"15", "16", "17", "14", "13"}) {
    const auto folder = std::string("/usr/lib/postgresql/") + major + "/bin";
    if (::access((folder + "/initdb").c_str(), X_OK) == 0) return folder;
  }
  return "";
}

[[noreturn]] void give_up(const char* why) {
  std::fprintf(stderr, "throw-away PostgreSQL: %s\n", why);
  std::abort();
}

using Result = std::unique_ptr<PGresult, decltype(&PQclear)>;

Result run(const std::string& conninfo, const std::string& text) {
  const std::unique_ptr<PGconn, decltype(&PQfinish)> connection(PQconnectdb(conninfo.c_str()), &PQfinish);
  PQsetNoticeReceiver(connection.get(), [](void*, const PGresult*) {}, nullptr);
  return {PQexec(connection.get(), text.c_str()), &PQclear};
}

bool worked(const Result& result) {
  const auto status = PQresultStatus(result.get());
  return status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK;
}

}  // namespace

ThrowawayPostgres& ThrowawayPostgres::instance() {
  static ThrowawayPostgres postgres;
  return postgres;
}

bool ThrowawayPostgres::as_server_user(const std::string& command) const {
  // Not a login shell's environment: the server must not see the caller's locale or PG* variables.
  const auto clean = "env -i PATH=/usr/bin:/bin LC_ALL=C TZ=UTC " + command + " >>" + folder_ + "/out.log 2>&1";
  const auto whole =
      ::geteuid() == 0 ? "cd / && runuser -u " + std::string(kUser) + " -- sh -c '" + clean + "'" : clean;
  return std::system(whole.c_str()) == 0;  // NOLINT: constant parts and our own folder
}

ThrowawayPostgres::ThrowawayPostgres() {
  for (const char* name :
       {"PGHOST", "PGPORT", "PGUSER", "PGDATABASE", "PGPASSWORD", "PGSERVICE", "PGOPTIONS", "PGSSLMODE"})
    ::unsetenv(name);
  std::array<char, 32> name{"/tmp/bz-test-XXXXXX"};
  if (::mkdtemp(name.data()) == nullptr) give_up("no temporary folder");
  folder_ = name.data();
  if (::geteuid() == 0 && std::system(("chown " + std::string(kUser) + " " + folder_).c_str()) != 0)
    give_up("chown failed");
  const auto programs = server_programs();
  if (programs.empty()) give_up("no server programs under /usr/lib/postgresql");
  if (!as_server_user(programs + "/initdb -D " + folder_ + "/data -U bartizan -A trust -E UTF8 --no-locale -N"))
    give_up("initdb failed");
  start();
}

void ThrowawayPostgres::start() const {
  if (!as_server_user(server_programs() + "/pg_ctl -w -t 60 -D " + folder_ + "/data -l " + folder_ +
                      "/server.log -o \"-k " + folder_ +
                      " -h \\\"\\\" -F -c max_connections=60 -c shared_buffers=16MB -c fsync=off\" start")) {
    give_up("it does not start");
  }
}

void ThrowawayPostgres::stop() const {
  if (!as_server_user(server_programs() + "/pg_ctl -w -m immediate -D " + folder_ + "/data stop"))
    give_up("it does not stop");
}

ThrowawayPostgres::~ThrowawayPostgres() {
  [[maybe_unused]] const bool stopped =
      as_server_user(server_programs() + "/pg_ctl -m immediate -D " + folder_ + "/data stop");
  [[maybe_unused]] const int removed = std::system(("rm -rf " + folder_).c_str());
}

std::string ThrowawayPostgres::conninfo(const std::string& database) const {
  return "host=" + folder_ + " user=bartizan dbname=" + database;
}

std::string ThrowawayPostgres::fresh_database() {
  const auto name = "t" + std::to_string(++databases_);
  sql("postgres", "CREATE DATABASE " + name + " TEMPLATE template0");
  return name;
}

std::string ThrowawayPostgres::sql(const std::string& database, const std::string& text) const {
  const auto result = run(conninfo(database), text);
  INFO(PQresultErrorMessage(result.get()));
  REQUIRE(worked(result));
  return PQntuples(result.get()) > 0 ? PQgetvalue(result.get(), 0, 0) : "";
}

bool ThrowawayPostgres::try_sql(const std::string& database, const std::string& text) const {
  return worked(run(conninfo(database), text));
}

}  // namespace bartizan::store::test
