#include "bartizan/http/response.hpp"

#include <doctest/doctest.h>

#include "bartizan/http/status.hpp"

using namespace bartizan;
using namespace bartizan::http;

namespace {
constexpr std::string_view kFailed =
    "HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
}

TEST_CASE("responses as bytes") {
  const Response ok{200, {{"Content-Type", "text/plain"}}, "hello"};
  CHECK(serialize(ok, {.keep_alive = true}) ==
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello");
  CHECK(serialize(ok, {}) ==
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello");
  CHECK(serialize(ok, {.method = Method::Head, .keep_alive = true}) ==
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\n");
  CHECK(serialize({204, {}, "dropped"}, {.keep_alive = true}) == "HTTP/1.1 204 No Content\r\n\r\n");
  CHECK(serialize({304, {{"ETag", "\"1\""}}, "dropped"}, {.keep_alive = true}) ==
        "HTTP/1.1 304 Not Modified\r\nETag: \"1\"\r\n\r\n");
  CHECK(serialize({299, {}, ""}, {.keep_alive = true}) == "HTTP/1.1 299 \r\nContent-Length: 0\r\n\r\n");
  CHECK(serialize({200, {}, ""}, {.keep_alive = true, .date = WallTime(std::chrono::seconds(784111777))}) ==
        "HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nContent-Length: 0\r\n\r\n");
}

TEST_CASE("what can't be written safely becomes a 500") {
  for (const Field& field : std::initializer_list<Field>{{"Location", "/a\r\nSet-Cookie: x"},
                                                         {"Location", "/a\nb"},
                                                         {"X", std::string("a\0b", 3)},
                                                         {"X: y", "z"},
                                                         {"", "z"},
                                                         {"X\r\nY", "z"},
                                                         {"content-LENGTH", "1"},
                                                         {"Transfer-Encoding", "chunked"},
                                                         {"Connection", "keep-alive"},
                                                         {"Date", "today"}}) {
    CAPTURE(field.name);
    CHECK(serialize({200, {field}, "body"}, {}) == kFailed);
  }
  for (const unsigned status : {0u, 100u, 199u, 600u, 1200u}) CHECK(serialize({status, {}, "body"}, {}) == kFailed);
  CHECK(serialize({200, {{"X", "a\tb \xc3\xa9"}}, ""}, {.keep_alive = true}) ==
        "HTTP/1.1 200 OK\r\nX: a\tb \xc3\xa9\r\nContent-Length: 0\r\n\r\n");
}

TEST_CASE("dates") {
  CHECK(http_date(WallTime()) == "Thu, 01 Jan 1970 00:00:00 GMT");
  CHECK(http_date(WallTime(std::chrono::seconds(1709164799) + std::chrono::microseconds(999999))) ==
        "Wed, 28 Feb 2024 23:59:59 GMT");
  CHECK(http_date(WallTime(std::chrono::seconds(1709164800))) == "Thu, 29 Feb 2024 00:00:00 GMT");
  CHECK(http_date(WallTime(std::chrono::microseconds(-1))) == "Wed, 31 Dec 1969 23:59:59 GMT");
}

TEST_CASE("every error has a status with a phrase") {
  for (unsigned code = 0; code <= static_cast<unsigned>(Errc::Internal); ++code) {
    const auto status = status_of(static_cast<Errc>(code));
    CHECK(status >= 400);
    CHECK(!reason_phrase(status).empty());
  }
  CHECK(status_of(Errc::Unauthenticated) == 401);
  CHECK(status_of(Errc::PermissionDenied) == 403);
  CHECK(status_of(Errc::Internal) == 500);
}
