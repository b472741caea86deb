#include "present.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <optional>

#include "render.hpp"
#include "terminal_text.hpp"

namespace bartizan::cli {
namespace {

namespace json = boost::json;

std::string_view view(const json::string& text) { return {text.data(), text.size()}; }

std::string json_line(const json::value& value) { return visible_json(json::serialize(value)) + "\n"; }

std::string_view text_member(const json::object& object, std::string_view name) {
  const json::value* member = object.if_contains(name);
  const json::string* text = member == nullptr ? nullptr : member->if_string();
  return text == nullptr ? std::string_view() : view(*text);
}

Presented error_of(std::string_view code, ExitCode exit, std::string_view message, std::string_view hint,
                   bool json_wanted) {
  if (json_wanted) {
    json::object error{{"code", code}, {"message", message}};
    if (!hint.empty()) error["hint"] = hint;
    return {exit, {}, json_line(json::object{{"ok", false}, {"error", std::move(error)}})};
  }
  std::string err = fmt::format("bartizan: {}\n", visible(message.empty() ? code : message));
  if (!hint.empty()) err += fmt::format("hint: {}\n", visible(hint));
  return {exit, {}, std::move(err)};
}

Presented not_understood(bool json_wanted) {
  return present_error({Errc::Malformed, "the answer of the admin socket is not understood"},
                       "is it Bartizan, of this version, that listens there?", json_wanted);
}

/// Checks that ran, and found something, are an answer for people, but not success for scripts.
bool found_wanting(const Command& command, const json::value& result) {
  const json::object* object = result.if_object();
  const json::value* ok = object == nullptr ? nullptr : object->if_contains("ok");
  constexpr std::array kChecks = {"doctor",      "policy.publish", "policy.rollback", "policy.test",
                                  "wall.status", "wall.reconcile", "depot.pause",     "depot.drain"};
  const bool checks = std::ranges::find(kChecks, command.admin_verb) != kChecks.end();
  return checks && ok != nullptr && ok->is_bool() && !ok->as_bool();
}

}  // namespace

Errc code_named(std::string_view name) {
  for (auto i = static_cast<int>(Errc::InvalidArgument); i <= static_cast<int>(Errc::Internal); ++i) {
    if (to_string(static_cast<Errc>(i)) == name) return static_cast<Errc>(i);
  }
  return Errc::Internal;
}

Presented present(const Command& command, std::string_view answer, bool json_wanted) {
  json::error_code error;
  const json::value value = json::parse(json::string_view(answer.data(), answer.size()), error);
  const json::object* object = error ? nullptr : value.if_object();
  const json::value* ok = object == nullptr ? nullptr : object->if_contains("ok");
  if (ok == nullptr || !ok->is_bool()) return not_understood(json_wanted);
  if (!ok->as_bool()) {
    const json::value* member = object->if_contains("error");
    const json::object* fault = member == nullptr ? nullptr : member->if_object();
    const std::string_view code = fault == nullptr ? std::string_view() : text_member(*fault, "code");
    if (code.empty()) return not_understood(json_wanted);
    return error_of(code, exit_code_of(code_named(code)), text_member(*fault, "message"), text_member(*fault, "hint"),
                    json_wanted);
  }
  const json::value* result = object->if_contains("result");
  const json::value nothing;
  if (result == nullptr) result = &nothing;
  const ExitCode code = found_wanting(command, *result) ? ExitCode::Fault : ExitCode::Ok;
  return {code, json_wanted ? json_line(*result) : render(*result, command.columns), {}};
}

Presented present_error(const Error& error, std::string_view hint, bool json_wanted) {
  return error_of(to_string(error.code), exit_code_of(error.code), error.detail, hint, json_wanted);
}

Presented present_issues(const std::string& file, const config::Issues& issues, bool json_wanted) {
  const ExitCode code = issues.empty() ? ExitCode::Ok : ExitCode::Configuration;
  if (json_wanted) {
    json::array list;
    for (const config::Issue& issue : issues) {
      list.push_back(json::object{
          {"source", issue.source}, {"line", issue.line}, {"column", issue.column}, {"message", issue.message}});
    }
    return {code, json_line(json::object{{"ok", issues.empty()}, {"issues", std::move(list)}}), {}};
  }
  if (issues.empty()) return {code, visible(file) + ": no faults\n", {}};
  std::string err;
  for (const config::Issue& issue : issues) err.append(visible(issue.to_string())).append(1, '\n');
  return {code, {}, std::move(err)};
}

}  // namespace bartizan::cli
