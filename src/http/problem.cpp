#include "bartizan/http/problem.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>

#include "bartizan/http/status.hpp"
#include "bartizan/http/utf8.hpp"

namespace bartizan::http {
namespace {

void append_string(std::string& out, std::string_view text) {
  out.push_back('"');
  for (const char c : to_valid_utf8(text)) {
    if (c == '"' || c == '\\') {
      out.push_back('\\');
      out.push_back(c);
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      fmt::format_to(std::back_inserter(out), "\\u{:04x}", static_cast<unsigned>(c));
    } else {
      out.push_back(c);
    }
  }
  out.push_back('"');
}

void append_member(std::string& out, std::string_view name, std::string_view value) {
  if (out.size() > 1) out.push_back(',');
  append_string(out, name);
  out.push_back(':');
  append_string(out, value);
}

bool is_reserved(std::string_view name) {
  constexpr std::array kMembers = {"type", "title", "status", "detail", "instance"};
  return std::ranges::any_of(kMembers, [name](std::string_view member) { return member == name; });
}

}  // namespace

std::string to_json(const Problem& problem) {
  std::string out = "{";
  append_member(out, "type", problem.type);
  append_member(out, "title", problem.title.empty() ? reason_phrase(problem.status) : problem.title);
  fmt::format_to(std::back_inserter(out), ",\"status\":{}", problem.status);
  if (!problem.detail.empty()) append_member(out, "detail", problem.detail);
  if (!problem.instance.empty()) append_member(out, "instance", problem.instance);
  for (const auto& [name, value] : problem.extensions) {
    if (!is_reserved(name)) append_member(out, name, value);
  }
  out.push_back('}');
  return out;
}

Response to_response(const Problem& problem) {
  return {problem.status, {{"Content-Type", "application/problem+json"}}, to_json(problem)};
}

Response to_response(const Refusal& refusal) {
  Problem problem;
  problem.status = refusal.status;
  problem.detail = refusal.detail;
  return to_response(problem);
}

Problem problem_of(const Error& error) {
  Problem problem;
  problem.status = status_of(error.code);
  const bool ours = error.code == Errc::Io || error.code == Errc::Crypto || error.code == Errc::Internal;
  if (!ours) problem.detail = error.detail;
  return problem;
}

Response method_not_allowed(std::string_view allow) {
  Problem problem;
  problem.status = 405;
  problem.detail = fmt::format("this resource allows {}", allow);
  auto response = to_response(problem);
  response.fields.push_back({"Allow", std::string(allow)});
  return response;
}

}  // namespace bartizan::http
