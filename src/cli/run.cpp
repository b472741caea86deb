#include "bartizan/cli/run.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <exception>
#include <iostream>

#include "admin_call.hpp"
#include "bartizan/config/load_file.hpp"
#include "bartizan/config/reference.hpp"
#include "completion.hpp"
#include "help.hpp"
#include "import_pgbouncer.hpp"
#include "manual.hpp"
#include "parse.hpp"
#include "password.hpp"
#include "present.hpp"
#include "terminal_text.hpp"

namespace bartizan::cli {
namespace {

constexpr std::string_view kDefaultConfigFile = "/etc/bartizan/bartizan.toml";

int print(const Presented& presented, const Surroundings& surroundings) {
  surroundings.out << presented.out << std::flush;
  surroundings.err << presented.err << std::flush;
  // Output that nobody got (a full disk) is not success.
  const bool lost = !surroundings.out.good() && presented.code == ExitCode::Ok;
  return static_cast<int>(lost ? ExitCode::Fault : presented.code);
}

int print_usage_error(const UsageError& error, const Surroundings& surroundings) {
  std::string err = fmt::format("bartizan: {}\n", error.message);
  if (!error.hint.empty()) err += fmt::format("hint: {}\n", error.hint);
  return print({ExitCode::Usage, {}, std::move(err)}, surroundings);
}

int print_help(const HelpWanted& wanted, const Surroundings& surroundings) {
  const auto found = std::ranges::find_if(
      commands(), [&](const Command& c) { return c.noun == wanted.noun && c.verb == wanted.verb; });
  if (found != commands().end()) return print({ExitCode::Ok, help_on(*found), {}}, surroundings);
  return print({ExitCode::Ok, wanted.noun.empty() ? help() : help_on_noun(wanted.noun), {}}, surroundings);
}

int not_built(const Command& command, const Surroundings& surroundings) {
  return print(
      present_error({Errc::Unsupported, fmt::format("{} is not part of this build", command.name())}, {}, false),
      surroundings);
}

/// A password in a DSN would stand in the process list.
bool holds_password(std::string_view dsn) {
  for (std::size_t at = dsn.find("password"); at != std::string_view::npos; at = dsn.find("password", at + 1)) {
    const auto next = dsn.find_first_not_of(' ', at + 8);
    if (next != std::string_view::npos && dsn[next] == '=') return true;
  }
  const auto scheme = dsn.find("://");
  if (scheme == std::string_view::npos) return false;
  const std::string_view authority = dsn.substr(scheme + 3, dsn.find_first_of("/?", scheme + 3) - scheme - 3);
  const auto at = authority.rfind('@');
  return at != std::string_view::npos && authority.substr(0, at).find(':') != std::string_view::npos;
}

int run_config(const Invocation& invocation, const Surroundings& surroundings) {
  if (invocation.command->verb == "reference")
    return print({ExitCode::Ok, config::render_reference(), {}}, surroundings);
  const std::string file = invocation.arguments.text("file");
  const auto loaded = config::load_file(file, surroundings.environment);
  const config::Issues issues = loaded ? config::Issues() : loaded.error();
  return print(present_issues(file, issues, invocation.arguments.has("json")), surroundings);
}

int run_up(const Invocation& invocation, const LocalCommands& local, const Surroundings& surroundings) {
  const Arguments& arguments = invocation.arguments;
  UpOptions options{.data_directory = data_directory(arguments, surroundings.environment),
                    .port = std::nullopt,
                    .demo = !arguments.has("no-demo"),
                    .detach = arguments.has("detach")};
  if (arguments.has("port")) {
    const std::string text = arguments.text("port");
    std::uint16_t port = 0;
    std::from_chars(text.data(), text.data() + text.size(), port);
    options.port = port;
  }
  return local.up(options);
}

int run_preflight(const Invocation& invocation, const LocalCommands& local, const Surroundings& surroundings) {
  const std::string dsn = invocation.arguments.text("dsn");
  if (holds_password(dsn)) {
    return print_usage_error({"preflight: DSN holds a password, which every user of this machine could read",
                              "leave it out, and set PGPASSFILE or PGPASSWORD"},
                             surroundings);
  }
  return local.preflight({dsn, invocation.arguments.has("json")});
}

int run_command(const Invocation& invocation, const LocalCommands& local, const Surroundings& surroundings) {
  const Command& command = *invocation.command;
  const Arguments& arguments = invocation.arguments;
  const config::Environment& environment = surroundings.environment;
  if (command.noun == "version")
    return print({ExitCode::Ok, fmt::format("bartizan {}\n", surroundings.version), {}}, surroundings);
  if (command.noun == "config") return run_config(invocation, surroundings);
  if (command.noun == "completion") return print(present_completion(arguments.text("shell")), surroundings);
  if (command.noun == "manual")
    return print(present_manual(arguments.text("page"), surroundings.version), surroundings);
  if (command.noun == "import" && command.verb == "pgbouncer")
    return print(import_pgbouncer(arguments, surroundings), surroundings);
  if (command.noun == "serve") {
    if (!local.serve) return not_built(command, surroundings);
    return local.serve({arguments.has("config") ? arguments.text("config") : std::string(kDefaultConfigFile)});
  }
  if (command.noun == "up")
    return local.up ? run_up(invocation, local, surroundings) : not_built(command, surroundings);
  if (command.noun == "preflight")
    return local.preflight ? run_preflight(invocation, local, surroundings) : not_built(command, surroundings);
  if (command.noun == "rest") {
    if (!local.rest_encrypt) return not_built(command, surroundings);
    return local.rest_encrypt({arguments.text("config"), data_directory(arguments, environment)});
  }
  if (command.noun == "audit" && command.verb == "verify") {
    if (!local.audit_verify) return not_built(command, surroundings);
    return local.audit_verify({admin_socket(arguments, environment), arguments.text("tenant"), arguments.text("record"),
                               arguments.text("against"), arguments.text("from"), arguments.text("to"),
                               arguments.has("hours")});
  }
  if (command.noun == "audit" && command.verb == "export" && arguments.has("all"))
    return export_all(command, arguments, surroundings);
  if (command.noun == "audit" && command.verb == "tail") return follow_admin(command, arguments, surroundings);
  if (command.noun == "down" && local.down) {
    return local.down({data_directory(arguments, environment), admin_socket(arguments, environment)});
  }
  if (command.noun == "doctor" && local.doctor) {
    return local.doctor({arguments.text("depot"), admin_socket(arguments, environment), arguments.has("json")});
  }
  return print(call_admin(command, arguments, surroundings), surroundings);
}

}  // namespace

Surroundings process_surroundings(std::string version) {
  return {std::cin, std::cout, std::cerr, config::process_environment(), std::move(version), ask_on_terminal};
}

int run(int argc, const char* const* argv, const LocalCommands& local, const Surroundings& surroundings) {
  try {
    const std::span<const char* const> all(argv, static_cast<std::size_t>(std::max(argc, 0)));
    const Parsed parsed = parse(all.subspan(std::min<std::size_t>(1, all.size())));
    if (const auto* wanted = std::get_if<HelpWanted>(&parsed)) return print_help(*wanted, surroundings);
    if (const auto* error = std::get_if<UsageError>(&parsed)) return print_usage_error(*error, surroundings);
    return run_command(std::get<Invocation>(parsed), local, surroundings);
  } catch (const std::exception& error) {
    surroundings.err << "bartizan: " << visible(error.what()) << '\n';
  }
  return static_cast<int>(ExitCode::Fault);
}

}  // namespace bartizan::cli
