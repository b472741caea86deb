#include "parse.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>

#include "bartizan/config/suggestion.hpp"
#include "terminal_text.hpp"

namespace bartizan::cli {
namespace {

constexpr std::string_view kHelpHint = "bartizan --help lists the commands";

std::string flag_of(const Parameter& parameter) {
  return parameter.positional ? std::string(parameter.placeholder) : fmt::format("--{}", parameter.name);
}

CLI::App* add_or_get(CLI::App& parent, std::string_view name) {
  const std::string text(name);
  for (CLI::App* known : parent.get_subcommands([](CLI::App*) { return true; })) {
    if (known->get_name() == text) return known;
  }
  CLI::App* added = parent.add_subcommand(text);
  added->require_subcommand(0, 1);
  return added;
}

void add_parameter(CLI::App& app, const Parameter& parameter) {
  const std::string name = parameter.positional ? std::string(parameter.name) : fmt::format("--{}", parameter.name);
  if (parameter.kind == ParameterKind::Flag) {
    app.add_flag(name)->disable_flag_override();
  } else {
    app.add_option(name)->expected(1)->allow_extra_args(false);
  }
}

void build(CLI::App& root) {
  root.require_subcommand(0, 1);
  root.set_help_flag("-h,--help");
  for (const Command& command : commands()) {
    CLI::App* app = add_or_get(root, command.noun);
    if (!command.verb.empty()) app = add_or_get(*app, command.verb);
    for (const Parameter& parameter : all_parameters(command)) add_parameter(*app, parameter);
  }
}

/// The nouns and verbs that were recognised, outermost first.
std::vector<CLI::App*> chain_of(CLI::App& root) {
  std::vector<CLI::App*> chain;
  for (CLI::App* app = &root; !app->get_subcommands().empty();) {
    app = app->get_subcommands().front();
    chain.push_back(app);
  }
  return chain;
}

const Command* find(std::string_view noun, std::string_view verb) {
  const auto found =
      std::ranges::find_if(commands(), [&](const Command& c) { return c.noun == noun && c.verb == verb; });
  return found == commands().end() ? nullptr : &*found;
}

const Command* command_of(const std::vector<CLI::App*>& chain) {
  if (chain.empty()) return nullptr;
  return find(chain[0]->get_name(), chain.size() > 1 ? chain[1]->get_name() : std::string());
}

std::vector<std::string_view> verbs_of(std::string_view noun) {
  std::vector<std::string_view> verbs;
  for (const Command& command : commands()) {
    if (command.noun == noun && !command.verb.empty()) verbs.push_back(command.verb);
  }
  return verbs;
}

std::string did_you_mean(std::string_view word, const std::vector<std::string_view>& candidates,
                         std::string_view otherwise) {
  const auto near = config::closest(word, candidates);
  return near ? fmt::format("did you mean {}?", *near) : std::string(otherwise);
}

UsageError unknown_word(const std::vector<CLI::App*>& chain, std::string_view word) {
  const Command* command = command_of(chain);
  if (command != nullptr) {
    std::vector<std::string> flags;
    for (const Parameter& parameter : all_parameters(*command)) {
      if (!parameter.positional) flags.push_back(flag_of(parameter));
    }
    const std::string_view option = word.substr(0, word.find('='));
    const std::string help = fmt::format("bartizan {} --help", command->name());
    if (!word.starts_with('-'))
      return {fmt::format("{}: \"{}\" is one word too many", command->name(), visible(word)), help};
    return {fmt::format("{} has no option {}", command->name(), visible(option)),
            did_you_mean(option, {flags.begin(), flags.end()}, help)};
  }
  if (!chain.empty()) {
    const std::string noun = chain[0]->get_name();
    return {fmt::format("{} has no verb \"{}\"", noun, visible(word)),
            did_you_mean(word, verbs_of(noun), fmt::format("its verbs: {}", fmt::join(verbs_of(noun), ", ")))};
  }
  std::vector<std::string_view> nouns;
  for (const Command& known : commands()) nouns.push_back(known.noun);
  return {fmt::format("there is no command \"{}\"", visible(word)), did_you_mean(word, nouns, kHelpHint)};
}

std::optional<std::string> wrong_integer(const Parameter& parameter, const std::string& text) {
  std::int64_t value = 0;
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc{} && rest == text.data() + text.size() && value >= parameter.min && value <= parameter.max)
    return std::nullopt;
  if (parameter.max == INT64_MAX)
    return fmt::format("{} takes a whole number from {} on", flag_of(parameter), parameter.min);
  return fmt::format("{} takes a whole number from {} to {}", flag_of(parameter), parameter.min, parameter.max);
}

/// The values out of CLI11, or what is wrong with one.
std::optional<std::string> collect(const Command& command, CLI::App& app, Arguments& arguments) {
  for (const Parameter& parameter : all_parameters(command)) {
    const std::string name = parameter.positional ? std::string(parameter.name) : fmt::format("--{}", parameter.name);
    const CLI::Option* option = app.get_option(name);
    if (option->count() == 0) {
      if (parameter.required) return fmt::format("{} is missing", flag_of(parameter));
      continue;
    }
    const std::string value = parameter.kind == ParameterKind::Flag ? "true" : option->results().front();
    if (parameter.kind == ParameterKind::Integer) {
      if (auto wrong = wrong_integer(parameter, value)) return wrong;
    } else if (value.empty() && parameter.name != "value") {
      return fmt::format("{} is empty", flag_of(parameter));
    }
    if (!is_utf8(value)) return fmt::format("{} is not UTF-8", flag_of(parameter));
    arguments.set(parameter.name, value);
  }
  if (arguments.has("password-stdin") && arguments.has("no-password"))
    return "--password-stdin and --no-password exclude each other";
  return command.check == nullptr ? std::nullopt : command.check(arguments);
}

Parsed finish(CLI::App& root) {
  const auto chain = chain_of(root);
  if (chain.empty()) return UsageError{"no command given", std::string(kHelpHint)};
  const Command* command = command_of(chain);
  if (command == nullptr) {
    const std::string noun = chain[0]->get_name();
    return UsageError{fmt::format("{} needs a verb", noun),
                      fmt::format("its verbs: {}", fmt::join(verbs_of(noun), ", "))};
  }
  Invocation invocation{command, {}};
  if (auto wrong = collect(*command, *chain.back(), invocation.arguments)) {
    return UsageError{fmt::format("{}: {}", command->name(), *wrong),
                      fmt::format("bartizan {} --help", command->name())};
  }
  return invocation;
}

}  // namespace

Parsed parse(std::span<const char* const> arguments) {
  CLI::App root("", "bartizan");
  build(root);
  std::vector<std::string> reversed(arguments.rbegin(), arguments.rend());  // CLI11 takes them from the back
  if (!reversed.empty() && reversed.back() == "help") {
    reversed.pop_back();
    reversed.insert(reversed.begin(), "--help");
  }
  if (reversed.size() == 1 && reversed.front() == "--version") reversed.front() = "version";
  try {
    root.parse(std::move(reversed));
    return finish(root);
  } catch (const CLI::CallForHelp&) {
    const auto chain = chain_of(root);
    return HelpWanted{chain.empty() ? "" : chain[0]->get_name(), chain.size() > 1 ? chain[1]->get_name() : ""};
  } catch (const CLI::ExtrasError&) {
    const auto extras = root.remaining(true);
    return unknown_word(chain_of(root), extras.empty() ? std::string() : extras.front());
  } catch (const CLI::ParseError& error) {
    const Command* command = command_of(chain_of(root));
    return UsageError{visible(error.what()),
                      command == nullptr ? std::string(kHelpHint) : fmt::format("bartizan {} --help", command->name())};
  }
}

}  // namespace bartizan::cli
