#include "bartizan/http/request_reader.hpp"

#include <doctest/doctest.h>

#include "byte_script.hpp"

using namespace bartizan;
using namespace bartizan::http;
using test::Events;
using test::play_any_cut;

TEST_CASE("requests come out the same however their bytes are cut") {
  struct Row {
    const char* what;
    std::string_view bytes;
    Events events;
  };
  const Row rows[] = {
      {"get", "GET /metrics HTTP/1.1\r\nHost: a.example\r\n\r\n", {"GET /metrics host=a.example keep"}},
      {"query",
       "GET /v1/x%20y?a=1&b=c+d%26&&e HTTP/1.1\r\nHost: h\r\n\r\n",
       {"GET /v1/x y ?a=1 ?b=c d& ?e= host=h keep"}},
      {"length", "POST /p HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello", {"POST /p host=h keep body=hello"}},
      {"no length", "POST /p HTTP/1.1\r\nHost: h\r\n\r\n", {"POST /p host=h keep"}},
      {"zero length", "PUT /p HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n", {"PUT /p host=h keep"}},
      {"chunked",
       "PATCH /p HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: Chunked\r\n\r\n3;x=\"y\"\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n",
       {"PATCH /p host=h keep body=hello"}},
      {"trailer",
       "POST /p HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nX-Sum: 1\r\n\r\n",
       {"POST /p host=h keep body=a"}},
      {"empty chunked",
       "DELETE /p HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
       {"DELETE /p host=h keep"}},
      {"close", "GET / HTTP/1.1\r\nHost: h\r\nConnection: foo, Close\r\n\r\n", {"GET / host=h close"}},
      {"http 1.0", "GET / HTTP/1.0\r\n\r\n", {"GET / host= close"}},
      {"http 1.0 keep-alive", "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", {"GET / host= close"}},
      {"absolute form",
       "GET http://a.example:80/x?y HTTP/1.1\r\nHost: other\r\n\r\n",
       {"GET /x ?y= host=a.example:80 keep"}},
      {"asterisk", "OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n", {"OPTIONS * host=h keep"}},
      {"empty host", "HEAD / HTTP/1.1\r\nHost:\r\n\r\n", {"HEAD / host= keep"}},
      {"unknown method", "BREW / HTTP/1.1\r\nHost: h\r\n\r\n", {"other / host=h keep"}},
      {"methods have case", "get / HTTP/1.1\r\nHost: h\r\n\r\n", {"other / host=h keep"}},
      {"empty line in front", "\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n", {"GET / host=h keep"}},
      {"expectation",
       "POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nok",
       {"continue", "POST / host=h keep body=ok"}},
      {"expectation without a body",
       "POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\n\r\n",
       {"POST / host=h keep"}},
      {"upgrade is not taken",
       "GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n",
       {"GET / host=h keep"}},
      {"nothing yet", "GET / HTTP/1.1\r\nHost: h\r\n", {}},
      {"body not whole", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\no", {}},
  };
  for (const auto& row : rows) {
    CAPTURE(row.what);
    CHECK(play_any_cut(row.bytes) == row.events);
  }
}

TEST_CASE("pipelined requests come in order, up to the one that ends the connection") {
  CHECK(play_any_cut("GET /1 HTTP/1.1\r\nHost: h\r\n\r\n"
                     "POST /2 HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc\r\n"
                     "POST /3 HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n"
                     "GET /4 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"
                     "GET /5 HTTP/1.1\r\nHost: h\r\n\r\n") ==
        Events{"GET /1 host=h keep", "POST /2 host=h keep body=abc", "POST /3 host=h keep body=x",
               "GET /4 host=h close"});
  CHECK(
      play_any_cut("GET /1 HTTP/1.1\r\nHost: h\r\n\r\nGET /2 HTTP/1.1\r\nbad\r\n\r\nGET /3 HTTP/1.1\r\nHost: h\r\n\r\n")
          .size() == 2);
}

TEST_CASE("fields keep their order, lose their case and are found by name") {
  RequestReader reader{Limits{}};
  reader.feed(as_bytes("GET /?k=1&k=2 HTTP/1.1\r\nHOST: h\r\nX-A: \t one two \t\r\nx-a: 2\r\nEmpty:\r\n\r\n"));
  const auto event = reader.next();
  const auto* request = std::get_if<Request>(&event);
  REQUIRE(request != nullptr);
  REQUIRE(request->fields.size() == 4);
  CHECK(request->fields[0].name == "host");
  CHECK(request->field("x-a") == "one two");
  CHECK(request->fields[2].value == "2");
  CHECK(request->field("empty") == "");
  CHECK(!request->field("absent"));
  CHECK(request->parameter("k") == "1");
  CHECK(!request->parameter("K"));
}

TEST_CASE("a trailer's fields are not the request's") {
  RequestReader reader{Limits{}};
  reader.feed(as_bytes(
      "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nAuthorization: x\r\nHost: evil\r\n\r\n"));
  const auto event = reader.next();
  const auto* request = std::get_if<Request>(&event);
  REQUIRE(request != nullptr);
  CHECK(!request->field("authorization"));
  CHECK(request->host == "h");
  CHECK(request->fields.size() == 2);
}

TEST_CASE("a reader is idle between requests only") {
  RequestReader reader{Limits{}};
  CHECK(reader.idle());
  reader.feed(as_bytes("POST / HTTP/1.1\r\n"));
  CHECK(!reader.idle());
  CHECK(std::holds_alternative<NeedMore>(reader.next()));
  CHECK(!reader.idle());
  reader.feed(as_bytes("Host: h\r\nContent-Length: 1\r\n\r\n"));
  CHECK(std::holds_alternative<NeedMore>(reader.next()));
  CHECK(!reader.idle());  // the body is missing
  reader.feed(as_bytes("x"));
  CHECK(std::holds_alternative<Request>(reader.next()));
  CHECK(reader.idle());
}
