#include "bartizan/config/parse.hpp"

#include <fmt/format.h>

#include <limits>
#include <tuple>

#include "bind.hpp"
#include "draft.hpp"
#include "validate.hpp"

namespace bartizan::config {
namespace {

/// Where systemd puts the control database's connection string, if it is one of its credentials.
constexpr std::string_view kDsnCredential = "control.dsn";

void take_credentials(const Input& input, Draft& draft) {
  ControlOptions& control = draft.configuration.control;
  const bool wanted = control.dsn.empty() && control.dsn_file.empty() && !draft.configuration.embedded.enabled;
  if (wanted && input.credentials.contains(kDsnCredential))
    control.dsn_file = input.credentials_directory / kDsnCredential;
}

/// The file's issues by position, those without one after them, then those of other sources.
void sort(Issues& issues, const std::string& file_name) {
  std::multimap<std::tuple<bool, std::uint32_t, std::uint32_t>, Issue> ordered;  // equal ranks keep their order
  for (Issue& issue : issues) {
    const auto line = issue.line == 0 ? std::numeric_limits<std::uint32_t>::max() : issue.line;
    ordered.emplace(std::tuple(issue.source != file_name, line, issue.column), std::move(issue));
  }
  issues.clear();
  for (auto& [rank, issue] : ordered) issues.push_back(std::move(issue));
}

}  // namespace

std::string Issue::to_string() const {
  if (line == 0) return fmt::format("{}: {}", source, message);
  return fmt::format("{}:{}:{}: {}", source, line, column, message);
}

Draft draft(const Input& input, const Environment& environment) {
  Draft draft;
  draft.file_name = input.file_name;
  if (input.text.size() > kMaxTextBytes) {
    draft.issues.push_back({input.file_name, 0, 0, fmt::format("longer than {} bytes", kMaxTextBytes)});
    return draft;
  }
  auto document = read_document(input.text, input.file_name);
  if (!document) {
    draft.issues.push_back(std::move(document).error());
    return draft;
  }
  const Places places{input.directory, input.credentials_directory, input.credentials};
  bind_document(*document, places, draft);
  bind_environment(environment, places, draft);
  bind_overrides(input.overrides, places, draft);
  take_credentials(input, draft);
  validate(draft);
  derive_paths(draft.configuration);
  sort(draft.issues, input.file_name);
  return draft;
}

tl::expected<Configuration, Issues> parse(const Input& input, const Environment& environment) {
  Draft result = draft(input, environment);
  if (!result.issues.empty()) return tl::unexpected(std::move(result.issues));
  return std::move(result.configuration);
}

}  // namespace bartizan::config
