// What the observability endpoint answers to a request; no socket in it.
#pragma once

#include "bartizan/api/observability.hpp"
#include "bartizan/http/request.hpp"
#include "bartizan/http/response.hpp"

namespace bartizan::api {

/// A source that throws gives a 500.
[[nodiscard]] http::Response observe(const Sources& sources, const http::Request& request);

}  // namespace bartizan::api
