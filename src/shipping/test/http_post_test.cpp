#include "bartizan/shipping/http_post.hpp"

#include <doctest/doctest.h>

namespace bartizan::shipping {
namespace {

TEST_CASE("answers of receivers") {
  const auto plain = parse_answer("HTTP/1.1 202 Accepted\r\nContent-Length: 2\r\n\r\nok");
  REQUIRE(plain);
  CHECK(plain->status == 202);
  CHECK(plain->body == "ok");
  const auto chunked =
      parse_answer("HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n");
  REQUIRE(chunked);
  CHECK(chunked->body == "abcde");
  for (const char* text : {"", "HTTP/1.1 200 OK\r\n", "SSH-2.0\r\n\r\n", "HTTP/1.1 2x0 OK\r\n\r\n", "HTTP/1.1\r\n\r\n"})
    CHECK_MESSAGE(!parse_answer(text), text);
  for (const char* text : {"zz\r\nabc", "ffffffffffffffffff\r\nabc", "5\r\nab", "", "5"})
    CHECK(parse_answer(std::string("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n") + text));
}

TEST_CASE("headers from a file: lines, none of ours, nothing hidden in them") {
  CHECK(header_lines("Authorization: Bearer x\r\n\nX-Tenant: a\n").value() ==
        "Authorization: Bearer x\r\nX-Tenant: a\r\n");
  CHECK(header_lines("").value().empty());
  for (const char* text : {"no colon", "Host: x", "content-length: 3", "Bad Name: x", ": x", "A: b\x01"})
    CHECK_MESSAGE(!header_lines(text), text);
}

}  // namespace
}  // namespace bartizan::shipping
