#include "parse.hpp"

#include <doctest/doctest.h>

#include <set>
#include <string>
#include <utility>
#include <vector>

namespace bartizan::cli {
namespace {

Parsed parse_words(const std::vector<const char*>& words) { return parse(words); }

TEST_CASE("a command line that is wrong says what, and what to do") {
  struct Row {
    std::vector<const char*> words;
    const char* message;
    const char* hint;
  };
  const Row rows[] = {
      {{}, "no command given", "bartizan --help lists the commands"},
      {{"identiy", "list"}, "there is no command \"identiy\"", "did you mean identity?"},
      {{"xyzzy"}, "there is no command \"xyzzy\"", "bartizan --help lists the commands"},
      {{"a\x1b[2Jb"}, "there is no command \"a\\x1b[2Jb\"", "bartizan --help lists the commands"},
      {{"tenant"}, "tenant needs a verb", "its verbs: create, list, delete"},
      {{"tenant", "creat", "x"}, "tenant has no verb \"creat\"", "did you mean create?"},
      {{"tenant", "create"}, "tenant create: NAME is missing", "bartizan tenant create --help"},
      {{"tenant", "create", ""}, "tenant create: NAME is empty", "bartizan tenant create --help"},
      {{"tenant", "create", "\xff"}, "tenant create: NAME is not UTF-8", "bartizan tenant create --help"},
      {{"tenant", "create", "a", "b"}, "tenant create: \"b\" is one word too many", "bartizan tenant create --help"},
      {{"tenant", "create", "a", "--regoin", "eu"}, "tenant create has no option --regoin", "did you mean --region?"},
      {{"tenant", "create", "a", "--regoin=eu"}, "tenant create has no option --regoin", "did you mean --region?"},
      {{"status", "--colour"}, "status has no option --colour", "bartizan status --help"},
      {{"status", "list"}, "status: \"list\" is one word too many", "bartizan status --help"},
      {{"grant", "add", "--depot", "d", "--login", "l"},
       "grant add: exactly one of --identity and --role says who",
       "bartizan grant add --help"},
      {{"grant", "add", "--depot", "d", "--login", "l", "--identity", "i", "--role", "r"},
       "grant add: exactly one of --identity and --role says who",
       "bartizan grant add --help"},
      {{"grant", "add", "--identity", "i", "--login", "l"},
       "grant add: --depot is missing",
       "bartizan grant add --help"},
      {{"setting", "set", "a"}, "setting set: give VALUE or --default", "bartizan setting set --help"},
      {{"setting", "set", "a", "b", "--default"},
       "setting set: give VALUE or --default",
       "bartizan setting set --help"},
      {{"changes", "list", "--limit", "0"},
       "changes list: --limit takes a whole number from 1 to 1000",
       "bartizan changes list --help"},
      {{"changes", "list", "--limit", "5x"},
       "changes list: --limit takes a whole number from 1 to 1000",
       "bartizan changes list --help"},
      {{"changes", "list", "--after=-1"},
       "changes list: --after takes a whole number from 0 on",
       "bartizan changes list --help"},
      {{"depot", "create", "d", "--port", "65536"},
       "depot create: --port takes a whole number from 1 to 65535",
       "bartizan depot create --help"},
      {{"up", "--demo", "--no-demo"}, "up: --demo and --no-demo exclude each other", "bartizan up --help"},
      {{"identity", "create", "a", "--password-stdin", "--no-password"},
       "identity create: --password-stdin and --no-password exclude each other",
       "bartizan identity create --help"},
      {{"identity", "set-password", "a", "--no-password"},
       "identity set-password has no option --no-password",
       "bartizan identity set-password --help"},
      {{"depot", "login", "d", "r", "--delete", "--password-stdin"},
       "depot login: --delete takes no password",
       "bartizan depot login --help"},
      {{"identity", "create", "a", "--password", "secret"}, "identity create has no option --password", nullptr},
  };
  for (const Row& row : rows) {
    CAPTURE(row.message);
    const Parsed parsed = parse_words(row.words);
    REQUIRE(std::holds_alternative<UsageError>(parsed));
    CHECK(std::get<UsageError>(parsed).message == row.message);
    if (row.hint != nullptr) CHECK(std::get<UsageError>(parsed).hint == row.hint);
  }
}

TEST_CASE("a value that CLI11 would take for something else stays what it is") {
  struct Row {
    std::vector<const char*> words;
    const char* parameter;
    const char* value;
  };
  for (const Row& row :
       {Row{{"tenant", "create", "list"}, "name", "list"}, Row{{"tenant", "create", "tenant"}, "name", "tenant"},
        Row{{"role", "delete", "delete"}, "name", "delete"}, Row{{"setting", "set", "n", "[a,b]"}, "value", "[a,b]"},
        Row{{"setting", "set", "n", "--", "-1"}, "value", "-1"}, Row{{"setting", "set", "n", ""}, "value", ""},
        Row{{"setting", "set", "n", "a=b"}, "value", "a=b"}, Row{{"setting", "set", "n", "\"q\""}, "value", "\"q\""},
        Row{{"tenant", "create", "x", "--region=eu"}, "region", "eu"},
        Row{{"tenant", "create", "--region", "eu", "x"}, "name", "x"},
        Row{{"tenant", "create", "help"}, "name", "help"}}) {
    CAPTURE(row.value);
    const Parsed parsed = parse_words(row.words);
    REQUIRE(std::holds_alternative<Invocation>(parsed));
    CHECK(std::get<Invocation>(parsed).arguments.text(row.parameter) == row.value);
  }
}

TEST_CASE("an option given twice, or a flag given a value, is an error") {
  CHECK(std::holds_alternative<UsageError>(parse_words({"tenant", "create", "x", "--region", "a", "--region", "b"})));
  CHECK(std::holds_alternative<UsageError>(parse_words({"status", "--json=false"})));
  CHECK(std::holds_alternative<UsageError>(parse_words({"tenant", "create", "x", "--region"})));
}

TEST_CASE("help is wanted of the whole, of a noun, of a verb") {
  struct Row {
    std::vector<const char*> words;
    const char* noun;
    const char* verb;
  };
  for (const Row& row : {Row{{"--help"}, "", ""}, Row{{"-h"}, "", ""}, Row{{"help"}, "", ""},
                         Row{{"grant", "--help"}, "grant", ""}, Row{{"grant", "add", "-h"}, "grant", "add"},
                         Row{{"help", "grant", "add"}, "grant", "add"}, Row{{"up", "--help"}, "up", ""}}) {
    const Parsed parsed = parse_words(row.words);
    REQUIRE(std::holds_alternative<HelpWanted>(parsed));
    CHECK(std::get<HelpWanted>(parsed).noun == row.noun);
    CHECK(std::get<HelpWanted>(parsed).verb == row.verb);
  }
}

TEST_CASE("the table is whole") {
  std::set<std::string> names;
  for (const Command& command : commands()) {
    CAPTURE(command.name());
    CHECK(names.insert(command.name()).second);
    CHECK_FALSE(command.summary.empty());
    CHECK_FALSE(command.examples.empty());
    if (!command.verb.empty()) CHECK_FALSE(describe_noun(command.noun).empty());
    std::set<std::string_view> parameters;
    for (const Parameter& parameter : all_parameters(command)) {
      CAPTURE(parameter.name);
      CHECK(parameters.insert(parameter.name).second);
      CHECK_FALSE(parameter.help.empty());
      CHECK((parameter.kind == ParameterKind::Flag) == parameter.placeholder.empty());
      if (parameter.kind == ParameterKind::Integer) CHECK(parameter.min < parameter.max);
    }
  }
}

TEST_CASE("every example parses, and is of the command that shows it") {
  for (const Command& command : commands()) {
    for (const Example& example : command.examples) {
      CAPTURE(std::string(example.line));
      std::vector<std::string> words;
      bool quoted = false;
      std::string word;
      for (const char c : std::string(example.line) + " ") {
        if (c == '\'') {
          quoted = !quoted;
        } else if (c == ' ' && !quoted) {
          words.push_back(std::exchange(word, {}));
        } else {
          word.push_back(c);
        }
      }
      std::vector<const char*> arguments;
      for (std::size_t i = 1; i < words.size() && words[i] != "<" && words[i] != ">"; ++i)
        arguments.push_back(words[i].c_str());
      const Parsed parsed = parse(arguments);
      REQUIRE(std::holds_alternative<Invocation>(parsed));
      CHECK(std::get<Invocation>(parsed).command == &command);
    }
  }
}

}  // namespace
}  // namespace bartizan::cli
