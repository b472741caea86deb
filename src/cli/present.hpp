// An answer's line to what is printed and the exit code. Pure; the answer is not trusted.
#pragma once

#include <string>
#include <string_view>

#include "bartizan/base/result.hpp"
#include "bartizan/cli/exit_code.hpp"
#include "bartizan/config/issue.hpp"
#include "command.hpp"

namespace bartizan::cli {

struct Presented {
  ExitCode code = ExitCode::Ok;
  std::string out;
  std::string err;
};

[[nodiscard]] Presented present(const Command& command, std::string_view answer, bool json);
/// The code of that name on the admin socket; Internal: none.
[[nodiscard]] Errc code_named(std::string_view name);
/// `bartizan: message` and `hint: …`, or one JSON object like an answer's.
[[nodiscard]] Presented present_error(const Error& error, std::string_view hint, bool json);
/// The outcome of config check.
[[nodiscard]] Presented present_issues(const std::string& file, const config::Issues& issues, bool json);

}  // namespace bartizan::cli
