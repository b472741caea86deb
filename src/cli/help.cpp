#include "help.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>

#include "bartizan/cli/reference.hpp"
#include "terminal_text.hpp"

namespace bartizan::cli {
namespace {

constexpr std::size_t kColumns = 80;

constexpr std::array kExitCodeRows = {
    ExitCodeRow{0, "done"},
    ExitCodeRow{1, "fault: something broke, in Bartizan or the system"},
    ExitCodeRow{2, "usage: the command line, or a value on it, is wrong"},
    ExitCodeRow{3, "configuration: the configuration file is wrong"},
    ExitCodeRow{4, "refused: understood and not done (not found, not allowed, in conflict)"},
    ExitCodeRow{5, "unreachable: nobody answers, or not in time"},
};

std::string exit_codes() {
  std::string out = "EXIT CODES\n";
  for (const ExitCodeRow& row : kExitCodeRows) out += fmt::format("  {}  {}\n", row.code, row.text);
  return out;
}

}  // namespace

std::string label_of(const Parameter& parameter) {
  if (parameter.positional) return std::string(parameter.placeholder);
  if (parameter.kind == ParameterKind::Flag) return fmt::format("--{}", parameter.name);
  return fmt::format("--{} {}", parameter.name, parameter.placeholder);
}

std::string synopsis_of(const Command& command) {
  std::string out = fmt::format("bartizan {}", command.name());
  const auto parameters = all_parameters(command);
  bool optional = false;
  for (const Parameter& parameter : parameters) {
    if (parameter.positional || parameter.required) {
      out += parameter.required ? fmt::format(" {}", label_of(parameter)) : fmt::format(" [{}]", label_of(parameter));
    } else {
      optional = true;
    }
  }
  if (optional) out += " [options]";
  return out;
}

std::string text_of(const Parameter& parameter) {
  std::string text(parameter.help);
  if (!parameter.default_text.empty()) text += fmt::format(" (default: {})", parameter.default_text);
  if (parameter.required && !parameter.positional) text += " (required)";
  return text;
}

std::span<const ExitCodeRow> exit_code_rows() { return kExitCodeRows; }

namespace {

/// Two columns: labels, and text wrapped beside them.
void append_rows(std::string& out, const std::vector<std::pair<std::string, std::string>>& rows) {
  std::size_t longest = 0;
  for (const auto& [label, text] : rows) longest = std::max(longest, width(label));
  for (const auto& [label, text] : rows) {
    out.append(2, ' ').append(label).append(longest - width(label) + 2, ' ');
    out.append(wrapped(text, kColumns, longest + 4)).append(1, '\n');
  }
}

std::pair<std::string, std::string> row_of(const Parameter& parameter) {
  return {label_of(parameter), text_of(parameter)};
}

void append_parameters(std::string& out, std::string_view title, const std::vector<Parameter>& parameters,
                       bool positional) {
  std::vector<std::pair<std::string, std::string>> rows;
  for (const Parameter& parameter : parameters) {
    if (parameter.positional == positional) rows.push_back(row_of(parameter));
  }
  if (rows.empty()) return;
  out.append(1, '\n').append(title).append(1, '\n');
  append_rows(out, rows);
}

void append_examples(std::string& out, const Command& command) {
  if (command.examples.empty()) return;
  out += "\nEXAMPLES\n";
  for (const Example& example : command.examples) {
    if (!example.comment.empty()) out += fmt::format("  # {}\n", example.comment);
    out += fmt::format("  {}\n", example.line);
  }
}

std::vector<std::pair<std::string, std::string>> summaries(std::string_view noun) {
  std::vector<std::pair<std::string, std::string>> rows;
  for (const Command& command : commands()) {
    if (noun.empty() || command.noun == noun) rows.emplace_back(command.name(), command.summary);
  }
  return rows;
}

void append_head(std::string& out, const Command& command) {
  out += fmt::format("bartizan {} - {}\n\nUSAGE\n  {}\n", command.name(), command.summary, synopsis_of(command));
  if (!command.description.empty())
    out += fmt::format("\nDESCRIPTION\n  {}\n", wrapped(command.description, kColumns, 2));
}

/// A command on the reference page: what --help says, without what all commands share.
void append_reference(std::string& out, const Command& command) {
  out += fmt::format("\n### {}\n\n{}{}\n\n```text\n{}\n", command.name(),
                     static_cast<char>(std::toupper(command.summary.front())),
                     std::string(command.summary.substr(1)) +
                         (command.description.empty() ? "." : ". " + std::string(command.description)),
                     synopsis_of(command));
  std::vector<Parameter> own = all_parameters(command);
  if (!command.admin_verb.empty())
    own.erase(own.end() - static_cast<std::ptrdiff_t>(connection_parameters().size()), own.end());
  append_parameters(out, "ARGUMENTS", own, true);
  append_parameters(out, "OPTIONS", own, false);
  append_examples(out, command);
  out += "```\n";
}

constexpr std::string_view kPreface = R"(# The command line

<!-- Made from the table in src/cli/commands_*.cpp. Change that, not this page. -->

`bartizan <noun> <verb>`; `--help` after any of them tells more. Commands marked * speak to a running
Bartizan through its admin socket and take these options too:

```text
)";

}  // namespace

std::string help_on(const Command& command) {
  std::string out;
  append_head(out, command);
  const auto parameters = all_parameters(command);
  append_parameters(out, "ARGUMENTS", parameters, true);
  append_parameters(out, "OPTIONS", parameters, false);
  out.append(1, '\n').append(exit_codes());
  append_examples(out, command);
  return out;
}

std::string help_on_noun(std::string_view noun) {
  std::string out = fmt::format("bartizan {} - {}\n\nUSAGE\n  bartizan {} VERB [arguments]\n\nVERBS\n", noun,
                                describe_noun(noun), noun);
  append_rows(out, summaries(noun));
  out += fmt::format("\nbartizan {} VERB --help tells more.\n", noun);
  return out;
}

std::string help() {
  std::string out =
      "bartizan - a gateway that protects PostgreSQL databases\n\nUSAGE\n  bartizan NOUN VERB [arguments]\n\nCOMMANDS\n";
  append_rows(out, summaries({}));
  out.append(1, '\n').append(exit_codes());
  out += "\nbartizan NOUN VERB --help tells more.\n";
  return out;
}

std::string render_reference() {
  std::string page(kPreface);
  std::vector<std::pair<std::string, std::string>> rows;
  for (const Parameter& parameter : connection_parameters()) rows.push_back(row_of(parameter));
  append_rows(page, rows);
  page.append("\n").append(exit_codes()).append("```\n\n## Commands\n\n| command | |\n| --- | --- |\n");
  for (const Command& command : commands()) {
    page += fmt::format("| `{}`{} | {} |\n", command.name(), command.admin_verb.empty() ? "" : " *", command.summary);
  }
  for (const Command& command : commands()) append_reference(page, command);
  return page;
}

}  // namespace bartizan::cli
