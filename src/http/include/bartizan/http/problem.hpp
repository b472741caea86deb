// Problem documents, application/problem+json (RFC 9457): the body of every answer that is an
// error. All text in them is made valid UTF-8 and escaped, whatever it was.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "bartizan/base/result.hpp"
#include "bartizan/http/request_reader.hpp"
#include "bartizan/http/response.hpp"

namespace bartizan::http {

struct Problem {
  unsigned status = 500;
  std::string type = "about:blank";
  std::string title;     ///< empty: the status's phrase
  std::string detail;    ///< empty: absent
  std::string instance;  ///< empty: absent
  std::vector<Parameter> extensions;  ///< further members, as strings; one of the five names above is left out
};

[[nodiscard]] std::string to_json(const Problem& problem);
[[nodiscard]] Response to_response(const Problem& problem);
[[nodiscard]] Response to_response(const Refusal& refusal);

/// Our own faults (Io, Crypto, Internal) keep their detail to the log.
[[nodiscard]] Problem problem_of(const Error& error);

/// 405; allow lists what is permitted, as in "GET, HEAD".
[[nodiscard]] Response method_not_allowed(std::string_view allow);

}  // namespace bartizan::http
