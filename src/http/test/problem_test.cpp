#include "bartizan/http/problem.hpp"

#include <doctest/doctest.h>

using namespace bartizan;
using namespace bartizan::http;

TEST_CASE("problem documents") {
  Problem problem;
  problem.status = 404;
  CHECK(to_json(problem) == R"({"type":"about:blank","title":"Not Found","status":404})");
  problem = {422,
             "https://example.com/p",
             "Bad \"name\"",
             "a\\b\n\x01\x7f\xff\xc3\xa9",
             "/r/1",
             {{"field", "n\"m"}, {"status", "9"}}};
  CHECK(to_json(problem) ==
        "{\"type\":\"https://example.com/p\",\"title\":\"Bad \\\"name\\\"\",\"status\":422,"
        "\"detail\":\"a\\\\b\\u000a\\u0001\\u007f\xef\xbf\xbd\xc3\xa9\",\"instance\":\"/r/1\",\"field\":\"n\\\"m\"}");
  const auto response = to_response(problem);
  CHECK(response.status == 422);
  REQUIRE(response.fields.size() == 1);
  CHECK(response.fields[0].value == "application/problem+json");
}

TEST_CASE("refusals and errors as problems") {
  const auto refused = to_response(Refusal{431, "the request head is too large"});
  CHECK(refused.status == 431);
  CHECK(refused.body.find("\"detail\":\"the request head is too large\"") != std::string::npos);
  CHECK(problem_of({Errc::NotFound, "no such tenant"}).detail == "no such tenant");
  CHECK(problem_of({Errc::NotFound, "no such tenant"}).status == 404);
  for (const auto code : {Errc::Io, Errc::Crypto, Errc::Internal})
    CHECK(problem_of({code, "/var/lib/secret: EIO"}).detail.empty());
}

TEST_CASE("405 says what is allowed") {
  const auto response = method_not_allowed("GET, HEAD");
  CHECK(response.status == 405);
  REQUIRE(response.fields.size() == 2);
  CHECK(response.fields[1].name == "Allow");
  CHECK(response.fields[1].value == "GET, HEAD");
}
