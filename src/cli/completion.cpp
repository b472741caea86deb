#include "completion.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "help.hpp"

namespace bartizan::cli {
namespace {

bool takes_value(const Parameter& parameter) { return !parameter.positional && parameter.kind != ParameterKind::Flag; }

bool takes_path(const Parameter& parameter) {
  return parameter.kind == ParameterKind::PemFile || parameter.kind == ParameterKind::Manifests ||
         parameter.placeholder == "FILE" || parameter.placeholder == "DIR";
}

/// Words that a positional argument is one of.
std::string_view words_for(const Command& command) {
  return command.noun == "completion" ? std::string_view("bash zsh fish") : std::string_view();
}

std::vector<std::string_view> nouns() {
  std::vector<std::string_view> out;
  for (const Command& command : commands()) {
    if (std::ranges::find(out, command.noun) == out.end()) out.push_back(command.noun);
  }
  return out;
}

std::vector<const Command*> verbs_of(std::string_view noun) {
  std::vector<const Command*> out;
  for (const Command& command : commands()) {
    if (command.noun == noun && !command.verb.empty()) out.push_back(&command);
  }
  return out;
}

std::string_view summary_of(std::string_view noun) {
  const auto text = describe_noun(noun);
  if (!text.empty()) return text;
  const auto found = std::ranges::find(commands(), noun, &Command::noun);
  return found->summary;
}

/// The options that the predicate holds for, apart by blanks.
template <class Predicate>
std::string options_of(const Command& command, Predicate wanted) {
  std::string out;
  for (const Parameter& parameter : all_parameters(command)) {
    if (parameter.positional || !wanted(parameter)) continue;
    out += fmt::format("{}--{}", out.empty() ? "" : " ", parameter.name);
  }
  return out;
}

bool has_path_argument(const Command& command) {
  return std::ranges::any_of(command.parameters, [](const Parameter& p) { return p.positional && takes_path(p); });
}

/// In single quotes, for bash and zsh.
std::string quoted(std::string_view text) {
  std::string out = "'";
  for (const char c : text) out.append(c == '\'' ? std::string("'\\''") : std::string(1, c));
  return out + "'";
}

/// In single quotes, for fish.
std::string fish_quoted(std::string_view text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'' || c == '\\') out.push_back('\\');
    out.push_back(c);
  }
  return out + "'";
}

/// For the parts of a zsh specification, which ':' and brackets take apart.
std::string zsh_escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == ':' || c == '[' || c == ']' || c == '\\') out.push_back('\\');
    out.push_back(c);
  }
  return out;
}

std::string zsh_argument(const Command& command, const Parameter& parameter) {
  const std::string action = takes_path(parameter) ? "_files"
                             : parameter.positional && !words_for(command).empty()
                                 ? fmt::format("({})", words_for(command))
                                 : " ";
  if (parameter.positional)
    return quoted(fmt::format("{}{}:{}", parameter.required ? ":" : "::", zsh_escaped(parameter.placeholder), action));
  if (!takes_value(parameter)) return quoted(fmt::format("--{}[{}]", parameter.name, zsh_escaped(parameter.help)));
  return quoted(fmt::format("--{}=[{}]:{}:{}", parameter.name, zsh_escaped(parameter.help),
                            zsh_escaped(parameter.placeholder), action));
}

constexpr std::string_view kBashHead = R"(# bash completion of bartizan(1). Made by: bartizan completion bash

_bartizan() {
  local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
  local words= options= valued= paths= files=
  COMPREPLY=()
  if ((COMP_CWORD == 1)); then
)";

constexpr std::string_view kBashTail = R"(  esac
  if [[ $previous == --* && " $paths " == *" $previous "* ]]; then
    mapfile -t COMPREPLY < <(compgen -f -- "$current")
    compopt -o filenames 2>/dev/null
  elif [[ $previous == --* && " $valued " == *" $previous "* ]]; then
    return
  elif [[ $current == -* ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$options --help" -- "$current")
  elif [[ -n $words ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
  elif [[ -n $files ]]; then
    mapfile -t COMPREPLY < <(compgen -f -- "$current")
    compopt -o filenames 2>/dev/null
  fi
}

complete -F _bartizan bartizan
)";

std::string bash_case(const Command& command) {
  const auto all = [](const Parameter&) { return true; };
  const auto path = [](const Parameter& p) { return takes_value(p) && takes_path(p); };
  std::string out = command.verb.empty() ? fmt::format("    {}\\ *)", command.noun)
                                         : fmt::format("    {}\\ {})", command.noun, command.verb);
  out += fmt::format(" options={}", quoted(options_of(command, all)));
  out += fmt::format(" valued={}", quoted(options_of(command, takes_value)));
  if (const auto paths = options_of(command, path); !paths.empty()) out += fmt::format(" paths={}", quoted(paths));
  if (has_path_argument(command)) out += " files=1";
  if (!words_for(command).empty()) out += fmt::format(" words={}", quoted(words_for(command)));
  return out + " ;;\n";
}

}  // namespace

Command completion_command() {
  return {.noun = "completion",
          .summary = "print a completion script for a shell",
          .description = "The Debian package installs these; for a program of your own build, source it.",
          .parameters = {{.name = "shell",
                          .placeholder = "SHELL",
                          .help = "bash, zsh or fish",
                          .positional = true,
                          .required = true}},
          .examples = {{"bartizan completion bash > ~/.local/share/bash-completion/completions/bartizan", ""}}};
}

std::string render_bash_completion() {
  std::string out(kBashHead);
  out += fmt::format(
      "    mapfile -t COMPREPLY < <(compgen -W \"{} --help --version\" -- \"$current\")\n    return\n  fi\n",
      fmt::join(nouns(), " "));
  out += "  local verbs=\n  case ${COMP_WORDS[1]} in\n";
  for (const std::string_view noun : nouns()) {
    std::vector<std::string_view> verbs;
    for (const Command* command : verbs_of(noun)) verbs.push_back(command->verb);
    if (!verbs.empty()) out += fmt::format("    {}) verbs='{}' ;;\n", noun, fmt::join(verbs, " "));
  }
  out +=
      "  esac\n  if ((COMP_CWORD == 2)) && [[ -n $verbs ]]; then\n"
      "    mapfile -t COMPREPLY < <(compgen -W \"$verbs --help\" -- \"$current\")\n    return\n  fi\n"
      "  case \"${COMP_WORDS[1]} ${COMP_WORDS[2]}\" in\n";
  for (const Command& command : commands()) out += bash_case(command);
  return out.append(kBashTail);
}

std::string render_zsh_completion() {
  std::string out =
      "#compdef bartizan\n# zsh completion of bartizan(1). Made by: bartizan completion zsh\n\n_bartizan() {\n"
      "  local -a words_of\n  if ((CURRENT == 2)); then\n    words_of=(\n";
  for (const std::string_view noun : nouns())
    out += fmt::format("      {}\n", quoted(fmt::format("{}:{}", noun, summary_of(noun))));
  out += "    )\n    _describe -t commands command words_of\n    return\n  fi\n  case $words[2] in\n";
  for (const std::string_view noun : nouns()) {
    const auto verbs = verbs_of(noun);
    if (verbs.empty()) continue;
    out += fmt::format("    {})\n      if ((CURRENT == 3)); then\n        words_of=(\n", noun);
    for (const Command* command : verbs)
      out += fmt::format("          {}\n", quoted(fmt::format("{}:{}", command->verb, command->summary)));
    out += "        )\n        _describe -t commands verb words_of\n        return\n      fi\n      ;;\n";
  }
  out += "  esac\n  case \"$words[2] $words[3]\" in\n";
  for (const Command& command : commands()) {
    const int own = command.verb.empty() ? 2 : 3;  // words before the arguments
    out += command.verb.empty() ? fmt::format("    {}\\ *)\n", command.noun)
                                : fmt::format("    {}\\ {})\n", command.noun, command.verb);
    out +=
        fmt::format("      shift {} words; ((CURRENT -= {}))\n      _arguments '--help[tell more]'", own - 1, own - 1);
    for (const Parameter& parameter : all_parameters(command))
      out += fmt::format(" \\\n        {}", zsh_argument(command, parameter));
    out += "\n      ;;\n";
  }
  return out +
         "  esac\n}\n\nif [[ $zsh_eval_context[-1] == loadautofunc ]]; then\n  _bartizan \"$@\"\nelse\n"
         "  compdef _bartizan bartizan\nfi\n";
}

std::string render_fish_completion() {
  std::string out =
      "# fish completion of bartizan(1). Made by: bartizan completion fish\n\n"
      "function __bartizan_at\n  set -l words (commandline -opc)\n  set -e words[1]\n"
      "  test (count $words) -ge (count $argv)\n  and test \"$words[1..(count $argv)]\" = \"$argv\"\nend\n\n"
      "function __bartizan_wants\n  set -l words (commandline -opc)\n"
      "  test (count $words) -eq (math (count $argv) + 1)\n"
      "  and test -z \"$argv\" -o \"$words[2..-1]\" = \"$argv\"\nend\n\n"
      "complete -c bartizan -f\ncomplete -c bartizan -l help -d 'tell more'\n";
  for (const std::string_view noun : nouns()) {
    out += fmt::format("complete -c bartizan -n __bartizan_wants -a {} -d {}\n", noun, fish_quoted(summary_of(noun)));
    for (const Command* command : verbs_of(noun)) {
      out += fmt::format("complete -c bartizan -n '__bartizan_wants {}' -a {} -d {}\n", noun, command->verb,
                         fish_quoted(command->summary));
    }
  }
  for (const Command& command : commands()) {
    const std::string at = fmt::format("complete -c bartizan -n '__bartizan_at {}'", command.name());
    if (has_path_argument(command)) out += at + " -F\n";
    if (!words_for(command).empty()) out += fmt::format("{} -a {}\n", at, fish_quoted(words_for(command)));
    for (const Parameter& parameter : all_parameters(command)) {
      if (parameter.positional) continue;
      const std::string_view value = !takes_value(parameter) ? "" : takes_path(parameter) ? " -r -F" : " -x";
      out += fmt::format("{} -l {}{} -d {}\n", at, parameter.name, value, fish_quoted(parameter.help));
    }
  }
  return out;
}

Presented present_completion(std::string_view shell) {
  if (shell == "bash") return {ExitCode::Ok, render_bash_completion(), {}};
  if (shell == "zsh") return {ExitCode::Ok, render_zsh_completion(), {}};
  if (shell == "fish") return {ExitCode::Ok, render_fish_completion(), {}};
  return present_error({Errc::InvalidArgument, "completion: there are scripts for bash, zsh and fish"}, {}, false);
}

}  // namespace bartizan::cli
