#include "wall_hint.hpp"

#include <doctest/doctest.h>

#include <string>

#include "bartizan/base/bytes.hpp"
#include "bartizan/pgwire/backend_messages.hpp"

namespace bartizan::session {
namespace {

using namespace std::string_literals;

std::string report(const std::string& sqlstate, const std::string& detail) {
  return "SERROR\0VERROR\0C"s + sqlstate + "\0Mit can't be\0D"s + detail + "\0HUse DROP ... CASCADE.\0\0"s;
}

TEST_CASE("only what views of the wall stand in the way of gets another hint") {
  for (const char* sqlstate : {"2BP01", "0A000"}) {
    const auto payload = report(sqlstate, "view bartizan_views.v_1 depends on column visits");
    const auto told = with_wall_hint(as_bytes(payload));
    REQUIRE(told);
    const auto read = pgwire::decode_report(as_bytes(*told));
    REQUIRE(read);
    CHECK(read->sqlstate() == sqlstate);
    CHECK(read->message() == "it can't be");
    CHECK(told->find("depot suspend") != std::string::npos);
    CHECK(told->find("Use DROP") == std::string::npos);
  }
  CHECK_FALSE(with_wall_hint(as_bytes(report("2BP01", "view shop.v depends on column visits"))));
  CHECK_FALSE(with_wall_hint(as_bytes(report("42501", "bartizan_views.v_1"))));
  CHECK_FALSE(with_wall_hint(as_bytes("Mno terminator"s)));
}

}  // namespace
}  // namespace bartizan::session
