// Arguments to a command and its values, to a request for help, or to what is wrong with them.
// Pure. CLI11 does the reading and is seen in the .cpp file alone.
#pragma once

#include <span>
#include <string>
#include <variant>

#include "command.hpp"

namespace bartizan::cli {

struct Invocation {
  const Command* command;  ///< of commands(), never null
  Arguments arguments;
};

/// Help on a command, on a noun, or (both empty) on the whole.
struct HelpWanted {
  std::string noun;
  std::string verb;
};

struct UsageError {
  std::string message;
  std::string hint;
};

using Parsed = std::variant<Invocation, HelpWanted, UsageError>;

/// arguments: without the program's name.
[[nodiscard]] Parsed parse(std::span<const char* const> arguments);

}  // namespace bartizan::cli
