#include "bartizan/pgwire/sqlstate.hpp"

#include <doctest/doctest.h>

namespace bartizan::pgwire {
namespace {

TEST_CASE("only five characters of 0-9 and A-Z are a SQLSTATE") {
  CHECK(SqlState::parse("08P01") == sqlstate::kProtocolViolation);
  CHECK(sqlstate::kProtocolViolation.view() == "08P01");
  for (const auto* bad : {"", "08P0", "08P011", "08p01", "08P0 ", "08P0\n"})
    CHECK_FALSE(SqlState::parse(bad).has_value());
}

TEST_CASE("each condition has its SQLSTATE") {
  struct Case {
    Errc code;
    const char* sqlstate;
  };
  for (const auto& [code, expected] :
       {Case{Errc::InvalidArgument, "22023"}, Case{Errc::Malformed, "08P01"}, Case{Errc::TooLarge, "54000"},
        Case{Errc::Unauthenticated, "28000"}, Case{Errc::PermissionDenied, "42501"}, Case{Errc::NotFound, "42704"},
        Case{Errc::AlreadyExists, "42710"}, Case{Errc::Conflict, "40001"}, Case{Errc::FailedPrecondition, "55000"},
        Case{Errc::ResourceExhausted, "53400"}, Case{Errc::Unavailable, "57P03"}, Case{Errc::DeadlineExceeded, "57014"},
        Case{Errc::Cancelled, "57014"}, Case{Errc::Unsupported, "0A000"}, Case{Errc::Io, "58030"},
        Case{Errc::Crypto, "58000"}, Case{Errc::Internal, "XX000"}}) {
    CAPTURE(to_string(code));
    CHECK(sqlstate_of(code).view() == expected);
  }
}

}  // namespace
}  // namespace bartizan::pgwire
