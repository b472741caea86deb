#include "completion.hpp"

#include <doctest/doctest.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <string>

namespace bartizan::cli {
namespace {

std::string output_of(const std::string& command) {
  const std::unique_ptr<FILE, int (*)(FILE*)> pipe(::popen(command.c_str(), "r"), ::pclose);
  std::string out;
  std::array<char, 4096> buffer{};
  while (const auto size = std::fread(buffer.data(), 1, buffer.size(), pipe.get())) out.append(buffer.data(), size);
  return out;
}

struct Script {
  explicit Script(const std::string& text) {
    std::array<char, 32> pattern{"/tmp/bz-completion-XXXXXX"};
    const int file = ::mkstemp(pattern.data());
    REQUIRE(file >= 0);
    path = pattern.data();
    std::ofstream(path, std::ios::binary) << text;
    ::close(file);
  }
  Script(const Script&) = delete;
  Script& operator=(const Script&) = delete;
  ~Script() { std::remove(path.c_str()); }
  std::string path;
};

TEST_CASE("bash completes nouns, verbs, options and words, by bash itself") {
  const Script script(render_bash_completion());
  struct Row {
    const char* words;  ///< of COMP_WORDS, the last one is being completed
    const char* replies;
  };
  for (const Row& row : {
           Row{"bartizan de", "depot\n"},
           Row{"bartizan --v", "--version\n"},
           Row{"bartizan tenant ''", "create\nlist\ndelete\n--help\n"},
           Row{"bartizan import p", "pgbouncer\n"},
           Row{"bartizan depot create --ho", "--host\n"},
           Row{"bartizan depot create x --tena", "--tenant\n"},
           Row{"bartizan depot create --host x", ""},
           Row{"bartizan completion ''", "bash\nzsh\nfish\n"},
           Row{"bartizan serve --con", "--config\n"},
           Row{"bartizan serve --config /etc/passw", "/etc/passwd\n/etc/passwd-\n"},
           Row{"bartizan nonsense ''", ""},
           Row{"bartizan depot nonsense --", ""},
       }) {
    CAPTURE(row.words);
    const std::string command = "bash --norc -c 'source " + script.path +
                                "; eval \"COMP_WORDS=($1)\"; COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); " +
                                "_bartizan; ((${#COMPREPLY[@]})) && printf \"%s\\n\" \"${COMPREPLY[@]}\"' _ \"" +
                                row.words + "\" 2>&1";
    const std::string got = output_of(command);
    if (std::string(row.replies).starts_with("/etc/passwd")) {
      CHECK(("\n" + got).find("\n/etc/passwd\n") != std::string::npos);
    } else if (std::string(row.words).find("nonsense --") != std::string::npos) {
      CHECK(got == "--help\n");
    } else {
      CHECK(got == row.replies);
    }
  }
}

TEST_CASE("each script names every command and every option of it") {
  for (const std::string& script : {render_bash_completion(), render_zsh_completion(), render_fish_completion()}) {
    for (const Command& command : commands()) {
      CAPTURE(command.name());
      CHECK(script.find(command.noun) != std::string::npos);
      CHECK(script.find(command.verb) != std::string::npos);
      for (const Parameter& parameter : all_parameters(command)) {
        if (!parameter.positional) CHECK(script.find(parameter.name) != std::string::npos);
      }
    }
  }
}

TEST_CASE("zsh and fish read their scripts, where they are installed") {
  for (const auto& [shell, text] : {std::pair("zsh", render_zsh_completion()), {"fish", render_fish_completion()}}) {
    CAPTURE(shell);
    if (output_of(std::string("command -v ") + shell).empty()) continue;
    const Script script(text);
    CHECK(output_of(std::string(shell) + " -n " + script.path + " 2>&1; echo $?") == "0\n");
  }
}

TEST_CASE("another shell is refused") {
  CHECK(present_completion("tcsh").code == ExitCode::Usage);
  CHECK(present_completion("bash").out == render_bash_completion());
}

}  // namespace
}  // namespace bartizan::cli
