#include "present.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>

namespace bartizan::cli {
namespace {

const Command& command_named(std::string_view name) {
  return *std::ranges::find_if(commands(), [&](const Command& command) { return command.name() == name; });
}

TEST_CASE("every error code has its exit code") {
  struct Row {
    const char* code;
    ExitCode exit;
  };
  for (const Row& row :
       {Row{"invalid_argument", ExitCode::Usage}, Row{"not_found", ExitCode::Refused},
        Row{"already_exists", ExitCode::Refused}, Row{"conflict", ExitCode::Refused},
        Row{"failed_precondition", ExitCode::Refused}, Row{"permission_denied", ExitCode::Refused},
        Row{"unauthenticated", ExitCode::Refused}, Row{"resource_exhausted", ExitCode::Refused},
        Row{"too_large", ExitCode::Refused}, Row{"cancelled", ExitCode::Refused}, Row{"unsupported", ExitCode::Refused},
        Row{"unavailable", ExitCode::Unreachable}, Row{"deadline_exceeded", ExitCode::Unreachable},
        Row{"malformed", ExitCode::Fault}, Row{"io", ExitCode::Fault}, Row{"crypto", ExitCode::Fault},
        Row{"internal", ExitCode::Fault}, Row{"of_the_future", ExitCode::Fault}}) {
    CAPTURE(row.code);
    const auto presented =
        present(command_named("tenant list"),
                std::string(R"({"ok":false,"error":{"code":")") + row.code + R"(","message":"m"}})", false);
    CHECK(presented.code == row.exit);
    CHECK(presented.out.empty());
    CHECK(presented.err == "bartizan: m\n");
  }
}

TEST_CASE("an error's words are escaped, its hint follows") {
  const std::string answer =
      R"({"ok":false,"error":{"code":"not_found","message":"no \u001b[2Jsuch","hint":"look\nthere"}})";
  const auto text = present(command_named("tenant list"), answer, false);
  CHECK(text.err == "bartizan: no \\x1b[2Jsuch\nhint: look\\nthere\n");
  const auto json = present(command_named("tenant list"), answer, true);
  CHECK(
      json.err ==
      "{\"ok\":false,\"error\":{\"code\":\"not_found\",\"message\":\"no \\u001b[2Jsuch\",\"hint\":\"look\\nthere\"}}\n");
  CHECK(json.code == ExitCode::Refused);
}

TEST_CASE("results, as text and as JSON") {
  const std::string answer = R"({"ok":true,"result":[{"name":"t","region":"eu","created_at":"2030","id":"1"}]})";
  CHECK(present(command_named("tenant list"), answer, false).out == "TENANT  REGION  CREATED\nt       eu      2030\n");
  CHECK(present(command_named("tenant list"), answer, true).out ==
        "[{\"name\":\"t\",\"region\":\"eu\",\"created_at\":\"2030\",\"id\":\"1\"}]\n");
  CHECK(present(command_named("reload"), R"({"ok":true,"result":null})", false).out == "done\n");
  CHECK(present(command_named("reload"), R"({"ok":true})", false).out == "done\n");
}

TEST_CASE("a doctor who found something is no success") {
  CHECK(present(command_named("doctor"), R"({"ok":true,"result":{"ok":true,"checks":[]}})", false).code ==
        ExitCode::Ok);
  CHECK(present(command_named("doctor"), R"({"ok":true,"result":{"ok":false,"checks":[]}})", false).code ==
        ExitCode::Fault);
}

TEST_CASE("what is no answer is a fault") {
  const std::string deep(100, '[');
  for (const std::string& answer :
       {std::string(), std::string("ok"), std::string("[]"), std::string("{}"), std::string(R"({"ok":1})"),
        std::string(R"({"ok":false})"), std::string(R"({"ok":false,"error":"x"})"),
        std::string(R"({"ok":false,"error":{}})"), std::string(R"({"ok":true)"), R"({"ok":true,"result":)" + deep}) {
    CAPTURE(answer);
    const auto presented = present(command_named("status"), answer, false);
    CHECK(presented.code == ExitCode::Fault);
    CHECK(presented.out.empty());
    CHECK(presented.err.starts_with("bartizan: the answer of the admin socket is not understood\n"));
  }
}

TEST_CASE("config check's outcome") {
  const config::Issues issues = {{"b.toml", 2, 3, "a \x1b"}, {"BARTIZAN_X", 0, 0, "b"}};
  const auto text = present_issues("b.toml", issues, false);
  CHECK(text.code == ExitCode::Configuration);
  CHECK(text.err == "b.toml:2:3: a \\x1b\nBARTIZAN_X: b\n");
  CHECK(present_issues("b.toml", {}, false).out == "b.toml: no faults\n");
  CHECK(present_issues("b.toml", {}, true).out == "{\"ok\":true,\"issues\":[]}\n");
  CHECK(present_issues("b.toml", issues, true).out ==
        "{\"ok\":false,\"issues\":[{\"source\":\"b.toml\",\"line\":2,\"column\":3,\"message\":\"a \\u001b\"},"
        "{\"source\":\"BARTIZAN_X\",\"line\":0,\"column\":0,\"message\":\"b\"}]}\n");
}

}  // namespace
}  // namespace bartizan::cli
