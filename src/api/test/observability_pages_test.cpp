#include "observability_pages.hpp"

#include <doctest/doctest.h>

#include <stdexcept>

using namespace bartizan;
using namespace bartizan::api;

namespace {

std::string field(const http::Response& response, std::string_view name) {
  for (const auto& [key, value] : response.fields)
    if (key == name) return value;
  return {};
}

http::Response ask(const Sources& sources, http::Method method, std::string path) {
  http::Request request;
  request.method = method;
  request.path = std::move(path);
  return observe(sources, request);
}

const Sources kReady{[] { return std::string("m 1\n"); }, [] { return std::optional<std::string>(); }};

}  // namespace

TEST_CASE("pages") {
  using enum http::Method;
  const auto metrics = ask(kReady, Get, "/metrics");
  CHECK(metrics.status == 200);
  CHECK(metrics.body == "m 1\n");
  CHECK(field(metrics, "Content-Type") == "text/plain; version=0.0.4; charset=utf-8");
  CHECK(field(metrics, "Cache-Control") == "no-store");
  CHECK(ask(kReady, Get, "/livez").body == "ok");
  CHECK(ask(kReady, Get, "/readyz").status == 200);
  CHECK(ask(kReady, Get, "/readyz").body == "ok");
  CHECK(ask(kReady, Head, "/metrics").status == 200);

  for (const auto* path : {"/", "/metric", "/metrics/", "/Metrics", "/livez/x", "*"}) {
    const auto missing = ask(kReady, Get, path);
    CHECK(missing.status == 404);
    CHECK(field(missing, "Content-Type") == "application/problem+json");
  }
  for (const auto method : {Post, Put, Patch, Delete, Options, Other}) {
    const auto refused = ask(kReady, method, "/readyz");
    CHECK(refused.status == 405);
    CHECK(field(refused, "Allow") == "GET, HEAD");
  }
}

TEST_CASE("not ready says why; alive all the same") {
  Sources sources = kReady;
  sources.not_ready = [] { return std::optional<std::string>("the control database is away"); };
  const auto response = ask(sources, http::Method::Get, "/readyz");
  CHECK(response.status == 503);
  CHECK(response.body.find("\"detail\":\"the control database is away\"") != std::string::npos);
  CHECK(ask(sources, http::Method::Get, "/livez").status == 200);
}

TEST_CASE("a source that throws is a 500 without its words") {
  Sources sources;
  sources.metrics = []() -> std::string { throw std::runtime_error("words of the fault"); };
  sources.not_ready = []() -> std::optional<std::string> { throw 1; };
  for (const auto* path : {"/metrics", "/readyz"}) {
    const auto response = ask(sources, http::Method::Get, path);
    CHECK(response.status == 500);
    CHECK(response.body.find("words") == std::string::npos);
  }
  CHECK(ask(sources, http::Method::Get, "/livez").status == 200);
}
