#include "relp_frame.hpp"

#include <doctest/doctest.h>

namespace bartizan::shipping {
namespace {

TEST_CASE("frames as rsyslog's are") {
  std::string out;
  append_relp(out, 1, "open", "relp_version=0");
  append_relp(out, 2, "close", "");
  CHECK(out == "1 open 14 relp_version=0\n2 close 0\n");
  CHECK(next_transaction(0) == 1);
  CHECK(next_transaction(999'999'999) == 1);
}

TEST_CASE("answers, whole and in every piece") {
  const std::string whole = "7 rsp 6 200 OK\n";
  for (std::size_t cut = 0; cut < whole.size(); ++cut) {
    const auto part = parse_relp(std::string_view(whole).substr(0, cut));
    REQUIRE(part);
    CHECK_FALSE(part->has_value());
  }
  const auto frame = parse_relp(whole + "8 rsp 0\n");
  REQUIRE(frame);
  REQUIRE(frame->has_value());
  CHECK((*frame)->transaction == 7);
  CHECK((*frame)->command == "rsp");
  CHECK((*frame)->data == "200 OK");
  CHECK((*frame)->bytes == whole.size());
  CHECK(relp_status(**frame) == 200);
  CHECK((*parse_relp("0 serverclose 0\n")).value().command == "serverclose");
  CHECK((*parse_relp("0 serverclose 0 \n")).value().bytes == 17);
  CHECK(relp_status(RelpFrame{1, "rsp", "nonsense", 0}) == 0);
  CHECK(relp_status(RelpFrame{1, "rsp", "", 0}) == 0);
}

TEST_CASE("what is no frame is an error, however long") {
  for (const char* text :
       {"x", " rsp 0\n", "1rsp", "1  0\n", "1 rsp x", "1 rsp 6x200 OK\n", "1 rsp 6 200 OKx", "1234567890 rsp 0\n",
        "1 rsp 99999999 ", "1 a_command_that_is_longer_than_thirty_two_bytes 0\n"})
    CHECK_MESSAGE(!parse_relp(text), text);
}

}  // namespace
}  // namespace bartizan::shipping
