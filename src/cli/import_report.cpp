#include "import_report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <tuple>

#include "terminal_text.hpp"

namespace bartizan::cli {
namespace {

namespace json = boost::json;
using migrate::Finding;
using migrate::Plan;
using migrate::Verdict;

constexpr std::size_t kColumns = 100;

struct Chapter {
  Verdict verdict;
  std::string_view title;
};

constexpr std::array kChapters = {
    Chapter{Verdict::Refused, "REFUSED: relied on there and not offered here; decide before you switch over"},
    Chapter{Verdict::Changed, "CHANGED: has a counterpart that differs"},
    Chapter{Verdict::Mapped, "MAPPED: has the same effect here"},
    Chapter{Verdict::Unneeded, "NOT NEEDED"},
};

std::string subject_of(const Finding& finding) {
  std::string out = fmt::format("[{}]", visible(finding.section));
  if (!finding.entry.empty()) out += " " + visible(finding.entry);
  if (!finding.key.empty()) out += (finding.entry.empty() ? " " : ": ") + visible(finding.key);
  if (!finding.value.empty()) out += " = " + visible(finding.value);
  return out;
}

void append_chapter(std::string& out, const Plan& plan, const Chapter& chapter) {
  std::vector<const Finding*> findings;
  for (const Finding& finding : plan.findings) {
    if (finding.verdict == chapter.verdict) findings.push_back(&finding);
  }
  if (findings.empty()) return;
  // Findings of one line stay in their order: they lie in one vector.
  std::ranges::sort(findings, {},
                    [](const Finding* f) { return std::tuple(std::string_view(f->place.file), f->place.line, f); });
  out += fmt::format("\n{} ({})\n", chapter.title, findings.size());
  for (const Finding* finding : findings) {
    out += fmt::format("  {}:{}  {}\n      {}\n", visible(finding->place.file), finding->place.line,
                       subject_of(*finding), wrapped(visible(finding->outcome), kColumns, 6));
  }
}

void append_chores(std::string& out, const Plan& plan) {
  if (plan.chores.empty()) return;
  out += fmt::format("\nLEFT TO DO ({})\n", plan.chores.size());
  for (const migrate::Chore& chore : plan.chores) {
    out += fmt::format("  - {}\n", wrapped(visible(chore.text), kColumns, 4));
    for (const std::string& command : chore.commands) out += fmt::format("      {}\n", visible(command));
  }
}

std::string summary_of(const Plan& plan) {
  return fmt::format("{} settings, {} depots, {} identities, {} logins, {} grants", plan.settings.size(),
                     plan.count_requests("depot.create"), plan.count_requests("identity.create"),
                     plan.count_requests("depot.login"), plan.count_requests("grant.add"));
}

void append_outcome(std::string& out, const ImportOutcome& outcome) {
  if (!outcome.written.empty()) {
    out += "\nWRITTEN\n";
    for (const std::string& file : outcome.written) out += fmt::format("  {}\n", visible(file));
  }
  if (outcome.held_back) out += "\nNOTHING APPLIED: keys are refused; --skip-refused goes on without them\n";
  if (!outcome.applied) return;
  out += fmt::format("\nAPPLIED: {} done, {} were there already and are left as they were\n", outcome.applied->done,
                     outcome.applied->there_already);
  if (!outcome.applied->failed_request.empty()) {
    out += fmt::format("  failed: {}: {}\n  what came before it stands; the import can be run again\n",
                       visible(outcome.applied->failed_request), visible(outcome.applied->failure.detail));
  }
}

json::value shown(const migrate::ArgumentValue& value) {
  if (const auto* number = std::get_if<std::int64_t>(&value)) return *number;
  if (const auto* text = std::get_if<std::string>(&value)) return json::value(json::string(*text));
  return json::value(json::string("(secret)"));
}

json::array findings_of(const Plan& plan) {
  json::array out;
  for (const Finding& finding : plan.findings) {
    out.push_back(json::object{{"verdict", migrate::to_string(finding.verdict)},
                               {"section", visible(finding.section)},
                               {"entry", visible(finding.entry)},
                               {"key", visible(finding.key)},
                               {"value", visible(finding.value)},
                               {"file", visible(finding.place.file)},
                               {"line", finding.place.line},
                               {"outcome", visible(finding.outcome)}});
  }
  return out;
}

json::array requests_of(const Plan& plan) {
  json::array out;
  for (const migrate::AdminRequest& request : plan.requests) {
    json::object args;
    for (const auto& [name, value] : request.arguments) args[name] = shown(value);
    out.push_back(json::object{{"verb", request.verb}, {"args", std::move(args)}});
  }
  return out;
}

json::array texts(const std::vector<std::string>& items) {
  json::array out;
  for (const std::string& item : items) out.emplace_back(visible(item));
  return out;
}

json::value applied_of(const ImportOutcome& outcome) {
  if (!outcome.applied) return nullptr;
  json::object out{{"done", outcome.applied->done}, {"there_already", outcome.applied->there_already}};
  if (!outcome.applied->failed_request.empty()) {
    out["failed"] = json::object{{"request", visible(outcome.applied->failed_request)},
                                 {"code", to_string(outcome.applied->failure.code)},
                                 {"message", visible(outcome.applied->failure.detail)}};
  }
  return out;
}

}  // namespace

std::string describe(const migrate::AdminRequest& request) {
  constexpr std::array kNames = {"name", "depot", "identity", "login"};
  std::string out = request.verb;
  for (const auto& [name, value] : request.arguments) {
    const auto* text = std::get_if<std::string>(&value);
    if (text != nullptr && std::ranges::find(kNames, std::string_view(name)) != kNames.end()) out += " " + *text;
  }
  return out;
}

std::string render_import(const Plan& plan, const ImportOutcome& outcome) {
  std::string out = fmt::format("{}: {}\n", visible(outcome.file), summary_of(plan));
  for (const Chapter& chapter : kChapters) append_chapter(out, plan, chapter);
  append_chores(out, plan);
  append_outcome(out, outcome);
  return out;
}

std::string render_import_json(const Plan& plan, const ImportOutcome& outcome) {
  json::array chores;
  for (const migrate::Chore& chore : plan.chores)
    chores.push_back(json::object{{"text", visible(chore.text)}, {"commands", texts(chore.commands)}});
  const json::object all{{"ok", plan.count(Verdict::Refused) == 0}, {"file", visible(outcome.file)},
                         {"refused", plan.count(Verdict::Refused)}, {"changed", plan.count(Verdict::Changed)},
                         {"mapped", plan.count(Verdict::Mapped)},   {"unneeded", plan.count(Verdict::Unneeded)},
                         {"findings", findings_of(plan)},           {"todo", std::move(chores)},
                         {"toml", migrate::render_toml(plan)},      {"requests", requests_of(plan)},
                         {"written", texts(outcome.written)},       {"applied", applied_of(outcome)}};
  return visible_json(json::serialize(all)) + "\n";
}

}  // namespace bartizan::cli
