#include "manual.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "help.hpp"
#include "manual_markdown.hpp"

namespace bartizan::cli {
namespace {

constexpr std::string_view kConfigurationPage = "bartizan.toml.5";

std::string page_of(std::string_view noun) { return fmt::format("bartizan-{}.1", noun); }

std::vector<std::string_view> nouns() {
  std::vector<std::string_view> out;
  for (const Command& command : commands()) {
    if (std::ranges::find(out, command.noun) == out.end()) out.push_back(command.noun);
  }
  return out;
}

std::string_view summary_of(std::string_view noun) {
  const auto text = describe_noun(noun);
  return text.empty() ? std::ranges::find(commands(), noun, &Command::noun)->summary : text;
}

std::string head(std::string_view name, int section, std::string_view version, std::string_view summary) {
  std::string title(name);
  std::ranges::transform(title, title.begin(), [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return fmt::format(".TH \"{}\" \"{}\" \"\" \"bartizan {}\" \"Bartizan\"\n.SH NAME\n{} \\- {}\n", roff(title), section,
                     roff(version), roff(name), roff(summary));
}

void append_rows(std::string& out, const std::vector<Parameter>& parameters, bool positional) {
  for (const Parameter& parameter : parameters) {
    if (parameter.positional != positional) continue;
    const std::string label =
        positional ? fmt::format("\\fI{}\\fR", roff(parameter.placeholder))
        : parameter.kind == ParameterKind::Flag
            ? fmt::format("\\fB\\-\\-{}\\fR", roff(parameter.name))
            : fmt::format("\\fB\\-\\-{}\\fR \\fI{}\\fR", roff(parameter.name), roff(parameter.placeholder));
    out += fmt::format(".TP\n{}\n{}\n", label, roff_line(text_of(parameter)));
  }
}

void append_examples(std::string& out, const Command& command) {
  if (command.examples.empty()) return;
  out += ".PP\n.nf\n";
  for (const Example& example : command.examples) {
    if (!example.comment.empty()) out += fmt::format("# {}\n", roff(example.comment));
    out += fmt::format("\\fB{}\\fR\n", roff(example.line));
  }
  out += ".fi\n";
}

/// What the options of every command of its kind are is told once, at the page's end.
std::vector<Parameter> own_parameters(const Command& command) {
  std::vector<Parameter> own = all_parameters(command);
  if (!command.admin_verb.empty())
    own.erase(own.end() - static_cast<std::ptrdiff_t>(connection_parameters().size()), own.end());
  return own;
}

void append_command(std::string& out, const Command& command) {
  const std::string summary =
      fmt::format("{}{}.", static_cast<char>(std::toupper(static_cast<unsigned char>(command.summary.front()))),
                  command.summary.substr(1));
  out += roff_line(command.description.empty() ? summary : fmt::format("{} {}", summary, command.description)) + "\n";
  const auto own = own_parameters(command);
  append_rows(out, own, true);
  append_rows(out, own, false);
  append_examples(out, command);
}

void append_foot(std::string& out, std::string_view noun) {
  const bool speaks = std::ranges::any_of(
      commands(), [noun](const Command& c) { return (noun.empty() || c.noun == noun) && !c.admin_verb.empty(); });
  if (speaks) {
    out += ".SH COMMON OPTIONS\n";
    out += noun.empty() ? "Of the commands that speak to a running Bartizan:\n"
                        : "They say which running Bartizan is spoken to, and how its answer is shown:\n";
    append_rows(out, {connection_parameters().begin(), connection_parameters().end()}, false);
  }
  out += ".SH EXIT STATUS\n";
  for (const ExitCodeRow& row : exit_code_rows()) out += fmt::format(".TP\n.B {}\n{}\n", row.code, roff_line(row.text));
}

std::string main_page(std::string_view version) {
  std::string out = head("bartizan", 1, version, "a gateway that protects PostgreSQL databases");
  out +=
      ".SH SYNOPSIS\n.B bartizan\n.I NOUN\n.RI [ VERB ]\n.RI [ arguments ]\n.SH DESCRIPTION\n"
      "Bartizan stands between clients and PostgreSQL: clients connect to it as if it were PostgreSQL, over TLS, "
      "and sign in by SCRAM.\n.PP\n"
      "\\fB\\-\\-help\\fR after any command tells more, and so does the manual page of its noun, such as "
      "\\fBbartizan\\-depot\\fR(1).\n.SH COMMANDS\n";
  for (const Command& command : commands())
    out += fmt::format(".TP\n\\fB{}\\fR\n{}\n", roff(command.name()), roff_line(command.summary));
  append_foot(out, {});
  out += ".SH SEE ALSO\n\\fBbartizan.toml\\fR(5)";
  for (const std::string_view noun : nouns()) out += fmt::format(",\n\\fBbartizan\\-{}\\fR(1)", roff(noun));
  return out + "\n";
}

std::string noun_page(std::string_view noun, std::string_view version) {
  std::string out = head(fmt::format("bartizan-{}", noun), 1, version, summary_of(noun));
  out += ".SH SYNOPSIS\n.nf\n";
  for (const Command& command : commands()) {
    if (command.noun == noun) out += fmt::format("\\fB{}\\fR\n", roff(synopsis_of(command)));
  }
  out += ".fi\n.SH DESCRIPTION\n";
  for (const Command& command : commands()) {
    if (command.noun != noun) continue;
    if (!command.verb.empty()) out += fmt::format(".SS {}\n", roff(command.name()));
    append_command(out, command);
  }
  append_foot(out, noun);
  return out + ".SH SEE ALSO\n\\fBbartizan\\fR(1),\n\\fBbartizan.toml\\fR(5)\n";
}

std::string configuration_page(std::string_view version) {
  return head("bartizan.toml", 5, version, "configuration of the Bartizan gateway") + configuration_body() +
         ".SH SEE ALSO\n\\fBbartizan\\fR(1),\n\\fBbartizan\\-config\\fR(1),\n\\fBbartizan\\-serve\\fR(1)\n";
}

}  // namespace

Command manual_command() {
  return {
      .noun = "manual",
      .summary = "print a manual page, or which there are",
      .description = "In man(7). The Debian package installs them.",
      .parameters = {{.name = "page", .placeholder = "PAGE", .help = "such as bartizan-depot.1", .positional = true}},
      .examples = {{"bartizan manual bartizan-depot.1 > bartizan-depot.1", ""}}};
}

std::vector<std::string> manual_pages() {
  std::vector<std::string> out = {"bartizan.1"};
  for (const std::string_view noun : nouns()) out.push_back(page_of(noun));
  out.emplace_back(kConfigurationPage);
  return out;
}

std::optional<std::string> render_manual(std::string_view page, std::string_view version) {
  if (page == "bartizan.1") return main_page(version);
  if (page == kConfigurationPage) return configuration_page(version);
  for (const std::string_view noun : nouns()) {
    if (page == page_of(noun)) return noun_page(noun, version);
  }
  return std::nullopt;
}

Presented present_manual(std::string_view page, std::string_view version) {
  if (page.empty()) return {ExitCode::Ok, fmt::format("{}\n", fmt::join(manual_pages(), "\n")), {}};
  if (auto text = render_manual(page, version)) return {ExitCode::Ok, std::move(*text), {}};
  return present_error({Errc::NotFound, "manual: there is no such page"}, "bartizan manual lists them", false);
}

}  // namespace bartizan::cli
