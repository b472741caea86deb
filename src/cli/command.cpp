#include "command.hpp"

#include <array>
#include <iterator>

namespace bartizan::cli {
namespace {

constexpr std::array kConnection = {
    Parameter{
        .name = "json", .kind = ParameterKind::Flag, .help = "print the answer as JSON, complete", .in_request = false},
    Parameter{.name = "socket",
              .placeholder = "FILE",
              .help = "admin socket of the running Bartizan",
              .default_text =
                  "that of --data, else $BARTIZAN_SOCKET, else that of $BARTIZAN_DATA, else /run/bartizan/admin.sock",
              .in_request = false},
    Parameter{.name = "data",
              .placeholder = "DIR",
              .help = "data folder of an instance started by up, whose socket is DIR/run/admin.sock",
              .in_request = false},
    Parameter{.name = "timeout",
              .placeholder = "TIME",
              .help = "longest wait for the answer",
              .default_text = "60s",
              .in_request = false},
};

constexpr Parameter kPasswordStdin = {.name = "password-stdin",
                                      .kind = ParameterKind::Flag,
                                      .help = "read the password from the first line of stdin, without asking",
                                      .in_request = false};
constexpr Parameter kNoPassword = {
    .name = "no-password", .kind = ParameterKind::Flag, .help = "set none", .in_request = false};

void append(std::vector<Command>& all, std::vector<Command> part) {
  all.insert(all.end(), std::make_move_iterator(part.begin()), std::make_move_iterator(part.end()));
}

}  // namespace

const std::vector<Command>& commands() {
  static const std::vector<Command> kAll = [] {
    std::vector<Command> all;
    append(all, process_commands());
    append(all, depot_commands());
    append(all, identity_commands());
    append(all, policy_commands());
    append(all, function_commands());
    append(all, audit_commands());
    append(all, audit_act_commands());
    append(all, encryption_commands());
    append(all, operation_commands());
    return all;
  }();
  return kAll;
}

std::string_view describe_noun(std::string_view noun) {
  struct Row {
    std::string_view noun;
    std::string_view text;
  };
  static constexpr std::array kNouns = {
      Row{"config", "the configuration file"},
      Row{"depot", "protected databases"},
      Row{"tenant", "the customers whose data it is"},
      Row{"import", "take over what a server has"},
      Row{"identity", "people and services that sign in"},
      Row{"role", "named sets of identities"},
      Row{"grant", "who may use which depot"},
      Row{"policy", "who sees what"},
      Row{"catalog", "what columns may hold"},
      Row{"access", "questions about who sees what"},
      Row{"wall", "the policies' classes in each depot"},
      Row{"function", "functions of depots that have been reviewed"},
      Row{"approval", "changes that a second administrator approves"},
      Row{"column", "encrypted columns"},
      Row{"key", "the keys of encrypted columns"},
      Row{"rest", "files at rest"},
      Row{"audit", "the provable audit log"},
      Row{"session", "connected clients"},
      Row{"setting", "what all gateways share"},
      Row{"changes", "the history of all of this"},
  };
  for (const Row& row : kNouns) {
    if (row.noun == noun) return row.text;
  }
  return {};
}

std::span<const Parameter> connection_parameters() { return kConnection; }

std::vector<Parameter> all_parameters(const Command& command) {
  std::vector<Parameter> all = command.parameters;
  if (command.password != PasswordUse::None) {
    all.push_back(kPasswordStdin);
    // A password that is the command's whole purpose is not left out.
    if (command.admin_verb != "identity.set-password") all.push_back(kNoPassword);
  }
  if (!command.admin_verb.empty()) all.insert(all.end(), kConnection.begin(), kConnection.end());
  return all;
}

}  // namespace bartizan::cli
