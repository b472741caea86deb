#include "bartizan/pgwire/parameters.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <string>

namespace bartizan::pgwire {
namespace {

TEST_CASE("names of settings are compared without regard to ASCII case only") {
  CHECK(same_parameter_name("DateStyle", "datestyle"));
  CHECK_FALSE(same_parameter_name("DateStyle", "datestyles"));
  CHECK_FALSE(same_parameter_name("a_b", "a-b"));
  CHECK_FALSE(same_parameter_name("\xc4", "\xe4"));  // another letter in Latin-1, none in PostgreSQL
  std::map<std::string, int, ParameterNameLess> values{{"TimeZone", 1}};
  CHECK(values.contains(std::string_view("TIMEZONE")));
  CHECK_FALSE(values.contains(std::string_view("TIMEZON")));
}

TEST_CASE("what a server reports depends on its version") {
  CHECK(is_reported_parameter("timezone", 14));
  CHECK_FALSE(is_reported_parameter("scram_iterations", 15));
  CHECK(is_reported_parameter("scram_iterations", 16));
  CHECK_FALSE(is_reported_parameter("search_path", 17));
  CHECK(is_reported_parameter("search_path", 18));
  CHECK_FALSE(is_reported_parameter("work_mem", 18));
  CHECK(reported_parameters().size() == 15);
  CHECK(std::ranges::is_sorted(reported_parameters(), ParameterNameLess{}, &ReportedParameter::name));
}

}  // namespace
}  // namespace bartizan::pgwire
