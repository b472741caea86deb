#include "bartizan/api/exposition.hpp"

#include <doctest/doctest.h>

#include <limits>

using namespace bartizan::api;

TEST_CASE("families, in their order, with their samples in the order of labels") {
  Exposition out;
  out.counter("bartizan_sessions_total", "Sessions since the start.", 3u);
  out.gauge("bartizan_pool_connections", "Server connections.", {{"state", "idle"}, {"depot", "b"}}, 2);
  out.counter("bartizan_rows_total", "Rows.", std::numeric_limits<std::uint64_t>::max());
  out.gauge("bartizan_pool_connections", "Another help text.", {{"depot", "a"}, {"state", "idle"}}, 1.5);
  CHECK(out.text() ==
        "# HELP bartizan_sessions_total Sessions since the start.\n"
        "# TYPE bartizan_sessions_total counter\n"
        "bartizan_sessions_total 3\n"
        "# HELP bartizan_pool_connections Server connections.\n"
        "# TYPE bartizan_pool_connections gauge\n"
        "bartizan_pool_connections{depot=\"a\",state=\"idle\"} 1.5\n"
        "bartizan_pool_connections{depot=\"b\",state=\"idle\"} 2\n"
        "# HELP bartizan_rows_total Rows.\n"
        "# TYPE bartizan_rows_total counter\n"
        "bartizan_rows_total 18446744073709551615\n");
  CHECK(Exposition().text().empty());
}

TEST_CASE("a sample given twice is there once") {
  Exposition out;
  out.gauge("g", "h", {{"a", "1"}, {"b", "2"}}, 1);
  out.gauge("g", "h", {{"b", "2"}, {"a", "1"}}, 2);
  CHECK(out.text() == "# HELP g h\n# TYPE g gauge\ng{a=\"1\",b=\"2\"} 2\n");
}

TEST_CASE("no value from outside can make a line") {
  Exposition out;
  out.gauge("g", "back\\slash, \"quotes\"\nand a line", {{"l", "a\\b\"c\nd\xff\xc3\xa9} 1"}}, 0);
  CHECK(out.text() ==
        "# HELP g back\\\\slash, \"quotes\"\\nand a line\n"
        "# TYPE g gauge\n"
        "g{l=\"a\\\\b\\\"c\\nd\xef\xbf\xbd\xc3\xa9} 1\"} 0\n");
}

TEST_CASE("values read back as the same number") {
  struct Row {
    SampleValue value;
    std::string_view text;
  };
  const Row rows[] = {
      {0, "0"},
      {-7, "-7"},
      {true, "1"},
      {std::numeric_limits<std::int64_t>::min(), "-9223372036854775808"},
      {0.1, "0.1"},
      {-0.5, "-0.5"},
      {1e300, "1e+300"},
      {2.0, "2"},
      {std::numeric_limits<double>::infinity(), "+Inf"},
      {-std::numeric_limits<double>::infinity(), "-Inf"},
      {std::numeric_limits<double>::quiet_NaN(), "NaN"},
  };
  for (const auto& row : rows) CHECK(row.value.text() == row.text);
}

TEST_CASE("names") {
  for (const std::string_view name : {"a", "_", ":a", "bartizan_x_total", "A9"}) CHECK(is_metric_name(name));
  for (const std::string_view name : {"", "9a", "a-b", "a b", "a.b", "a\n", "\xc3\xa9"}) CHECK(!is_metric_name(name));
  for (const std::string_view name : {"a", "_a", "le"}) CHECK(is_label_name(name));
  for (const std::string_view name : {"", "__name__", "a:b", "9", "a\""}) CHECK(!is_label_name(name));
}
