#include "bartizan/pgwire/options.hpp"

#include <doctest/doctest.h>

#include "bartizan/pgwire/startup.hpp"

namespace bartizan::pgwire {
namespace {

using Settings = std::vector<OptionSetting>;

TEST_CASE("options are split at white space, and a backslash takes the next character") {
  struct Case {
    const char* options;
    std::vector<std::string> words;
  };
  for (const auto& [options, words] : {
           Case{"", {}},
           Case{" \t\n\v\f\r", {}},
           Case{"-c a=b", {"-c", "a=b"}},
           Case{"  -c\ta=b  ", {"-c", "a=b"}},
           Case{R"(-c a=x\ y)", {"-c", "a=x y"}},
           Case{R"(a\\b \\)", {R"(a\b)", R"(\)"}},
           Case{R"(a\)", {"a"}},
           Case{R"(\)", {""}},
           Case{R"(a\'b "c d")", {"a'b", "\"c", "d\""}},
       }) {
    CAPTURE(options);
    CHECK(split_options(options) == words);
  }
}

TEST_CASE("every spelling of a setting comes out as name and value") {
  struct Case {
    const char* options;
    Settings settings;
  };
  for (const auto& [options, settings] : {
           Case{"", {}},
           Case{"-c work_mem=1MB", {{"work_mem", "1MB"}}},
           Case{"-cwork_mem=1MB", {{"work_mem", "1MB"}}},
           Case{"--work-mem=1MB", {{"work_mem", "1MB"}}},
           Case{"-c work-mem=1-MB", {{"work_mem", "1-MB"}}},
           Case{"-S 1MB", {{"work_mem", "1MB"}}},
           Case{"-S1MB", {{"work_mem", "1MB"}}},
           Case{"-c a=b=c --d=", {{"a", "b=c"}, {"d", ""}}},
           Case{R"(-c search_path=a,\ b)", {{"search_path", "a, b"}}},
           Case{"-c a=1 -c a=2", {{"a", "1"}, {"a", "2"}}},
           Case{"-e -s", {{"datestyle", "euro"}, {"log_statement_stats", "true"}}},
           Case{"-es", {{"datestyle", "euro"}, {"log_statement_stats", "true"}}},
           Case{"-eca=b", {{"datestyle", "euro"}, {"a", "b"}}},
           Case{"-F -O -P -i -l",
                {{"fsync", "false"},
                 {"allow_system_table_mods", "true"},
                 {"ignore_system_indexes", "true"},
                 {"listen_addresses", "*"},
                 {"ssl", "true"}}},
           Case{"-B 1 -N 2 -W 3 -h x -k y -p 4",
                {{"shared_buffers", "1"},
                 {"max_connections", "2"},
                 {"post_auth_delay", "3"},
                 {"listen_addresses", "x"},
                 {"unix_socket_directories", "y"},
                 {"port", "4"}}},
           Case{"-fs -f i -fo -fb -ft -fn -fm -fh",
                {{"enable_seqscan", "false"},
                 {"enable_indexscan", "false"},
                 {"enable_indexonlyscan", "false"},
                 {"enable_bitmapscan", "false"},
                 {"enable_tidscan", "false"},
                 {"enable_nestloop", "false"},
                 {"enable_mergejoin", "false"},
                 {"enable_hashjoin", "false"}}},
           Case{"-tpa -t planner -t e",
                {{"log_parser_stats", "true"}, {"log_planner_stats", "true"}, {"log_executor_stats", "true"}}},
           Case{"-d 0", {{"log_min_messages", "notice"}}},
           Case{"-d5",
                {{"log_min_messages", "debug5"},
                 {"log_statement", "all"},
                 {"debug_print_parse", "true"},
                 {"debug_print_plan", "true"},
                 {"debug_print_rewritten", "true"}}},
           Case{"-b -j -n -T -E -C x -D /x -r /y -v 2", {}},  // PostgreSQL ignores them from a client
           Case{"-c a=b --", {{"a", "b"}}},
       }) {
    CAPTURE(options);
    const auto result = parse_options(options);
    REQUIRE(result.has_value());
    CHECK(*result == settings);
  }
}

TEST_CASE("what is not understood is refused, and an empty name ends in an error, not in a loop") {
  for (const auto* bad : {"-c=",         "-c =",      "-c =x",      "--=",  "--=x", "-c",       "--work_mem",
                          "-c work_mem", "-c -- a=b", "-",          "x",    "a=b",  "-c a=b x", "-- x",
                          "-- -c a=b",   "-z",        "-Q 1",       "-:",   "-ez",  "-S",       "-B",
                          "-f x",        "-f",        "-t x",       "-t p", "-d x", "-d 1x",    "-d 99999999999",
                          R"(\)",        R"(-c \)",   R"(-c a=b \)"}) {
    CAPTURE(bad);
    const auto result = parse_options(bad);
    REQUIRE_FALSE(result.has_value());
    CHECK(result.error().code == Errc::InvalidArgument);
  }
}

TEST_CASE("an error names the argument by number and does not repeat it") {
  const auto result = parse_options("-c a=b --hunter2");
  REQUIRE_FALSE(result.has_value());
  CHECK(result.error().detail == "invalid argument 3 in options: the setting requires a value");
}

TEST_CASE("the number of settings is bounded") {
  std::string options;
  for (std::size_t i = 0; i < kMaxStartupParameters; ++i) options += "-e ";
  CHECK(parse_options(options).has_value());
  CHECK(parse_options(options + "-e").error().code == Errc::TooLarge);
}

}  // namespace
}  // namespace bartizan::pgwire
