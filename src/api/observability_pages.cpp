#include "observability_pages.hpp"

#include <exception>

#include "bartizan/base/log.hpp"
#include "bartizan/http/problem.hpp"

namespace bartizan::api {
namespace {

http::Response page(const Sources& sources, std::string_view path) {
  if (path == "/metrics")
    return {200, {{"Content-Type", "text/plain; version=0.0.4; charset=utf-8"}}, sources.metrics()};
  if (path == "/livez") return http::text_response(200, "ok");
  const auto reason = sources.not_ready();
  if (!reason) return http::text_response(200, "ok");
  http::Problem problem;
  problem.status = 503;
  problem.title = "not ready";
  problem.detail = *reason;
  return http::to_response(problem);
}

http::Response problem(unsigned status, std::string detail) {
  http::Problem document;
  document.status = status;
  document.detail = std::move(detail);
  return http::to_response(document);
}

http::Response answer(const Sources& sources, const http::Request& request) {
  const bool known = request.path == "/metrics" || request.path == "/livez" || request.path == "/readyz";
  if (!known) return problem(404, "this endpoint has /metrics, /livez and /readyz");
  if (request.method != http::Method::Get && request.method != http::Method::Head)
    return http::method_not_allowed("GET, HEAD");
  try {
    return page(sources, request.path);
  } catch (const std::exception& e) {  // one of the four roots: the dispatch of HTTP
    BZ_LOG(Error, "observability.source_failed", {"path", request.path}, {"reason", e.what()});
    return problem(500, {});
  } catch (...) {
    BZ_LOG(Error, "observability.source_failed", {"path", request.path});
    return problem(500, {});
  }
}

}  // namespace

http::Response observe(const Sources& sources, const http::Request& request) {
  auto response = answer(sources, request);
  response.fields.push_back({"Cache-Control", "no-store"});
  response.fields.push_back({"X-Content-Type-Options", "nosniff"});
  return response;
}

}  // namespace bartizan::api
