// Hostile bytes. Each row must be refused with its status, whatever the cuts.
#include <doctest/doctest.h>

#include "byte_script.hpp"

using namespace bartizan;
using namespace bartizan::http;
using test::play_any_cut;

namespace {

/// The status of the only event; 0 when it is not a refusal.
int refused_with(std::string_view bytes, const Limits& limits = {}) {
  const auto events = play_any_cut(bytes, limits);
  if (events.size() != 1 || events[0].size() < 5 || events[0][3] != ' ') return 0;
  return (events[0][0] - '0') * 100 + (events[0][1] - '0') * 10 + (events[0][2] - '0');
}

const std::string kHead = "POST / HTTP/1.1\r\nHost: h\r\n";
const std::string kChunked = kHead + "Transfer-Encoding: chunked\r\n\r\n";

}  // namespace

TEST_CASE("two readings of a message's length are refused") {
  struct Row {
    const char* what;
    std::string fields;
    int status;
  };
  const Row rows[] = {
      {"CL.TE", "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n", 400},
      {"TE.CL", "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n", 400},
      {"two lengths", "Content-Length: 4\r\nContent-Length: 5\r\n", 400},
      {"the same length twice", "Content-Length: 4\r\nContent-Length: 4\r\n", 400},
      {"zero length and another", "Content-Length: 0\r\nContent-Length: 4\r\n", 400},
      {"zero length and coding", "Content-Length: 0\r\nTransfer-Encoding: chunked\r\n", 400},
      {"list of lengths", "Content-Length: 4, 4\r\n", 400},
      {"signed length", "Content-Length: +4\r\n", 400},
      {"negative length", "Content-Length: -1\r\n", 400},
      {"hexadecimal length", "Content-Length: 0x4\r\n", 400},
      {"empty length", "Content-Length:\r\n", 400},
      {"length beyond 64 bits", "Content-Length: 18446744073709551616\r\n", 400},
      {"other coding", "Transfer-Encoding: gzip\r\n", 501},
      {"chunked not alone", "Transfer-Encoding: gzip, chunked\r\n", 501},
      {"chunked not last", "Transfer-Encoding: chunked, identity\r\n", 501},
      {"hidden coding", "Transfer-Encoding: xchunked\r\n", 501},
      {"quoted coding", "Transfer-Encoding: \"chunked\"\r\n", 501},
      {"coding twice", "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", 400},
      {"coding twice, one other", "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n", 400},
      {"vertical tab",
       "Transfer-Encoding:\x0b"
       "chunked\r\n",
       400},
      {"space before the colon", "Transfer-Encoding : chunked\r\n", 400},
      {"space before the name", " Transfer-Encoding: chunked\r\n", 400},
      {"folded", "Transfer-Encoding:\r\n chunked\r\n", 400},
      {"folded by a tab", "X: y\r\n\tContent-Length: 4\r\n", 400},
      {"bare LF", "X: y\nContent-Length: 4\r\n", 400},
      {"bare CR", "X: y\rContent-Length: 4\r\n", 400},
      {"no name", ": x\r\n", 400},
      {"no colon", "Content-Length\r\n", 400},
      {"name not a token", "Content(Length: 4\r\n", 400},
  };
  for (const auto& row : rows) {
    CAPTURE(row.what);
    CHECK(refused_with(kHead + row.fields + "\r\n0\r\n\r\n") == row.status);
  }
  CHECK(refused_with("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n") == 400);
}

TEST_CASE("bytes behind a refusal are never a request") {
  RequestReader reader{Limits{}};
  reader.feed(as_bytes(kHead + "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"));
  CHECK(std::holds_alternative<Refusal>(reader.next()));
  reader.feed(as_bytes("GET / HTTP/1.1\r\nHost: h\r\n\r\n"));
  CHECK(std::holds_alternative<Refusal>(reader.next()));
}

TEST_CASE("heads that are not HTTP/1") {
  struct Row {
    std::string bytes;
    int status;
  };
  const Row rows[] = {
      {"\x16\x03\x01", 400},  // TLS on the plain port, known by its first byte
      {"GET / HTTP/1.1\n", 400},
      {"\r\n\r\n", 400},
      {"GET  / HTTP/1.1\r\nHost: h\r\n\r\n", 400},
      {"GET / HTTP/1.1 \r\nHost: h\r\n\r\n", 400},
      {" GET / HTTP/1.1\r\nHost: h\r\n\r\n", 400},
      {"GET /\r\n\r\n", 400},
      {"GET / HTTP/1\r\nHost: h\r\n\r\n", 400},
      {"GET / http/1.1\r\nHost: h\r\n\r\n", 400},
      {"GET / HTTP/2.0\r\nHost: h\r\n\r\n", 505},
      {"PRI * HTTP/2.0\r\n\r\n", 505},
      {"GET / HTTP/0.9\r\n\r\n", 505},
      {"GET / HTTP/1.1\r\n\r\n", 400},  // no Host
      {"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost: user@a\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost: h\r\nAuthorization: a\r\nauthorization: b\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost: h\r\nExpect: a-miracle\r\n\r\n", 417},
      {"GET /../etc HTTP/1.1\r\nHost: h\r\n\r\n", 400},
      {"CONNECT h:443 HTTP/1.1\r\nHost: h:443\r\n\r\n", 400},
      {std::string("GET / HTTP/1.1\r\nHost: h\r\nX: a") + char{} + "b\r\n\r\n", 400},
  };
  for (const auto& row : rows) {
    CAPTURE(row.bytes);
    CHECK(refused_with(row.bytes) == row.status);
  }
}

TEST_CASE("bad chunks") {
  for (const std::string_view chunks :
       {"\r\n", "g\r\n", "-1\r\n", " 1\r\na\r\n", "1 \r\na\r\n", "0x1\r\na\r\n0\r\n\r\n", "1\r\nab\r\n",
        "1\r\naXX0\r\n\r\n", "1\r\na\n", "1\na", "1;x\ry", "0\r\n x: y\r\n\r\n", "0\r\n: y\r\n\r\n",
        "00000000000000001\r\n", "10000000000000000\r\n", "0\r\nbad\r\n\r\n"}) {
    CAPTURE(chunks);
    const int status = refused_with(kChunked + std::string(chunks));
    CHECK((status == 400 || status == 413));
  }
}

TEST_CASE("limits are exact") {
  const std::string head = "GET /0123456789 HTTP/1.1\r\nHost: h\r\nA: b\r\n\r\n";
  CHECK(play_any_cut(head, Limits{.head_bytes = head.size()}) == test::Events{"GET /0123456789 host=h keep"});
  CHECK(refused_with(head, Limits{.head_bytes = head.size() - 1}) == 431);
  CHECK(refused_with(std::string(100, 'A'), Limits{.head_bytes = 99}) == 431);  // does not wait for the end
  CHECK(play_any_cut(head, Limits{.target_bytes = 11}).front().starts_with("GET"));
  CHECK(refused_with(head, Limits{.target_bytes = 10}) == 414);
  CHECK(play_any_cut(head, Limits{.fields = 2}).front().starts_with("GET"));
  CHECK(refused_with(head, Limits{.fields = 1}) == 431);
  CHECK(refused_with("GET /?a&b HTTP/1.1\r\nHost: h\r\n\r\n", Limits{.parameters = 1}) == 400);

  const Limits five{.body_bytes = 5};
  CHECK(play_any_cut(kHead + "Content-Length: 5\r\n\r\n12345", five).front() == "POST / host=h keep body=12345");
  CHECK(refused_with(kHead + "Content-Length: 6\r\n\r\n", five) == 413);  // before any of it is there
  CHECK(refused_with(kHead + "Expect: 100-continue\r\nContent-Length: 6\r\n\r\n", five) == 413);
  CHECK(play_any_cut(kChunked + "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n", five).front() == "POST / host=h keep body=abcde");
  CHECK(refused_with(kChunked + "3\r\nabc\r\n3\r\n", five) == 413);
}

TEST_CASE("chunk headers, extensions and trailers are bounded") {
  const Limits limits{.head_bytes = 120};
  const std::string long_name(150, 'x');
  CHECK(refused_with(kChunked + "1;" + long_name + "\r\na\r\n0\r\n\r\n", limits) == 431);
  CHECK(refused_with(kChunked + std::string(200, '0'), limits) == 400);  // a size that never ends
  CHECK(refused_with(kChunked + "0\r\nX: " + long_name + "\r\n\r\n", limits) == 431);
  std::string many;
  for (int i = 0; i < 10; ++i) many += "1;0123456789abcdef\r\na\r\n";
  CHECK(refused_with(kChunked + many + "0\r\n\r\n", limits) == 431);
  // A body longer than the window passes through it.
  CHECK(play_any_cut(kChunked + "c8\r\n" + std::string(200, 'b') + "\r\n0\r\n\r\n", limits)
            .front()
            .ends_with(std::string(200, 'b')));
}
