#include "sqlstate_errors.hpp"

#include <doctest/doctest.h>

using namespace bartizan;
using namespace bartizan::postgres;

TEST_CASE("SQLSTATEs become conditions") {
  struct Row {
    const char* sqlstate;
    Errc code;
  };
  const Row rows[] = {{"28P01", Errc::Unauthenticated},
                      {"57P03", Errc::Unavailable},
                      {"57014", Errc::Cancelled},
                      {"53300", Errc::Unavailable},
                      {"53100", Errc::ResourceExhausted},
                      {"42501", Errc::PermissionDenied},
                      {"3D000", Errc::NotFound},
                      {"23505", Errc::AlreadyExists},
                      {"40001", Errc::Conflict},
                      {"55P03", Errc::FailedPrecondition},
                      {"22P02", Errc::InvalidArgument},
                      {"XX000", Errc::Internal},
                      {"", Errc::Internal}};
  for (const auto& row : rows) {
    CAPTURE(row.sqlstate);
    CHECK(errc_of_sqlstate(row.sqlstate) == row.code);
  }
}

TEST_CASE("messages that quote values or statement text are left out") {
  const auto cast =
      statement_error({"22P02", "invalid input syntax for type integer: \"4111-secret\"", "", "", "", ""});
  CHECK(cast.detail == "PostgreSQL 22P02");
  const auto unique = statement_error({"23505", "duplicate key (secret)", "clinic", "customers", "", "customers_pkey"});
  CHECK(unique.detail == "PostgreSQL 23505 schema clinic table customers constraint customers_pkey");
  const auto syntax = statement_error({"42601", "syntax error at or near \"secret\"", "", "", "", ""});
  CHECK(syntax.detail == "PostgreSQL 42601");
  const auto plain = statement_error({"42P01", "relation \"x\" does not exist", "", "", "", ""});
  CHECK(plain.detail == "PostgreSQL 42P01: relation \"x\" does not exist");
}

TEST_CASE("a failed connection is told by its SQLSTATE, whatever the server's language") {
  struct Row {
    const char* text;
    Errc code;
  };
  const Row rows[] = {
      {"connection to server on socket \"/x\" failed: FATAL:  28P01: password authentication failed for user \"u\"\nLOCATION:  a",
       Errc::Unauthenticated},
      {"connection to server on socket \"/x\" failed: FATALE:  57P03: il sistema si avvia\n", Errc::Unavailable},
      {"connection to server on socket \"/x\" failed: No such file or directory\n\tIs the server running",
       Errc::Unavailable},
      {"connection to server at \"h\" failed: SSL error: certificate verify failed\n", Errc::PermissionDenied},
      {"", Errc::Unavailable}};
  for (const auto& row : rows) {
    CAPTURE(row.text);
    const auto error = connection_error(row.text);
    CHECK(error.code == row.code);
    CHECK(error.detail.find('\n') == std::string::npos);
  }
}
