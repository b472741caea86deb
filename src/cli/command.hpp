// What a sub-command is, as data: one row says how it is parsed, what it asks of the admin
// socket, how its answer is shown and what --help prints.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace bartizan::cli {

enum class ParameterKind : std::uint8_t {
  Text,
  Integer,
  Flag,
  PemFile,  ///< a file here, whose content goes over the socket
  Manifests,  ///< a file or folder here, whose content goes over the socket as documents
};

struct Parameter {
  std::string_view name;  ///< "valid-until"; without dashes also for an option
  ParameterKind kind = ParameterKind::Text;
  std::string_view placeholder{};  ///< "TIME" in --valid-until TIME
  std::string_view help;
  std::string_view default_text{};  ///< for --help only: what happens without it
  bool positional = false;
  bool required = false;
  bool in_request = true;  ///< false: the command line's own
  std::int64_t min = 0;    ///< of an Integer
  std::int64_t max = 0;
};

struct Column {
  std::string_view key;  ///< of the answer's objects
  std::string_view title;
};

struct Example {
  std::string_view line;
  std::string_view comment;
};

/// The values of one command line, by parameter name; of a flag that was given, "true".
class Arguments {
 public:
  void set(std::string_view name, std::string value) { values_.insert_or_assign(std::string(name), std::move(value)); }
  [[nodiscard]] bool has(std::string_view name) const { return values_.contains(name); }
  /// Empty when it was not given.
  [[nodiscard]] std::string text(std::string_view name) const {
    const auto found = values_.find(name);
    return found == values_.end() ? std::string() : found->second;
  }

 private:
  std::map<std::string, std::string, std::less<>> values_;
};

enum class PasswordUse : std::uint8_t {
  None,
  New,       ///< asked for twice
  Existing,  ///< asked for once
};

struct Command {
  std::string_view noun;
  std::string_view verb{};        ///< empty: the noun is the whole command
  std::string_view admin_verb{};  ///< empty: only done on this machine
  std::string_view summary;
  std::string_view description{};
  std::vector<Parameter> parameters{};
  std::vector<Column> columns{};  ///< of a list or a record; empty: all, as they come
  std::vector<Example> examples{};
  PasswordUse password = PasswordUse::None;
  std::string_view password_with{};  ///< the password belongs to this option; empty: to the command
  /// What is wrong with arguments that are right one by one.
  std::optional<std::string> (*check)(const Arguments&) = nullptr;

  [[nodiscard]] std::string name() const {
    return verb.empty() ? std::string(noun) : std::string(noun).append(1, ' ').append(verb);
  }
};

/// Every sub-command, in the order of the reference. Lives as long as the program.
[[nodiscard]] const std::vector<Command>& commands();

/// One line on a noun that has verbs; empty for others.
[[nodiscard]] std::string_view describe_noun(std::string_view noun);

/// The command's own parameters, then those of its kind: --password-stdin, --json, --socket, …
[[nodiscard]] std::vector<Parameter> all_parameters(const Command& command);
/// The part of them that every command has that speaks to the admin socket.
[[nodiscard]] std::span<const Parameter> connection_parameters();

// The table's parts; commands() joins them.
[[nodiscard]] std::vector<Command> process_commands();
[[nodiscard]] std::vector<Command> depot_commands();
[[nodiscard]] std::vector<Command> identity_commands();
[[nodiscard]] std::vector<Command> policy_commands();
[[nodiscard]] std::vector<Command> function_commands();
[[nodiscard]] std::vector<Command> audit_commands();
[[nodiscard]] std::vector<Command> audit_act_commands();
[[nodiscard]] std::vector<Command> encryption_commands();
[[nodiscard]] std::vector<Command> operation_commands();

}  // namespace bartizan::cli
