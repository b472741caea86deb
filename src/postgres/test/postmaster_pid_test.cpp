#include "postmaster_pid.hpp"

#include <doctest/doctest.h>

using bartizan::postgres::parse_postmaster_pid;

TEST_CASE("postmaster.pid: pid and folder") {
  const auto file = parse_postmaster_pid("4711\n/data/pgdata\n1700000000\n5432\n/data/run\n\n  1234  5\nready   \n");
  REQUIRE(file);
  CHECK(file->pid == 4711);
  CHECK(file->data_directory == "/data/pgdata");
  CHECK(parse_postmaster_pid("1\n")->data_directory.empty());
}

TEST_CASE("postmaster.pid: what is not one") {
  for (const char* text :
       {"", "4711", "\n", "x\n", "-4711\n/data\n", "0\n/data\n", "4711 \n", "99999999999999999999\n"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_postmaster_pid(text));
  }
}
