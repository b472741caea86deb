#include "server_settings.hpp"

#include <doctest/doctest.h>

#include <map>

using namespace bartizan;
using namespace bartizan::postgres;

TEST_CASE("isolation and a silent log are fixed on the command line") {
  std::map<std::string, std::string> fixed;
  for (const auto& [name, value] : fixed_settings({"/data"}, "/data/run")) CHECK(fixed.emplace(name, value).second);
  const std::pair<const char*, const char*> expected[] = {{"listen_addresses", ""},
                                                          {"unix_socket_directories", "/data/run"},
                                                          {"unix_socket_permissions", "0700"},
                                                          {"hba_file", "/data/conf/pg_hba.conf"},
                                                          {"ssl", "off"},
                                                          {"fsync", "on"},
                                                          {"log_statement", "none"},
                                                          {"log_min_error_statement", "panic"},
                                                          {"log_error_verbosity", "terse"},
                                                          {"log_parameter_max_length", "0"}};
  for (const auto& [name, value] : expected) {
    CAPTURE(name);
    REQUIRE(fixed.contains(name));
    CHECK(fixed[name] == value);
    // What is fixed can't be asked for.
    CHECK(render_configuration({}, {{name, "x"}}).error().code == Errc::InvalidArgument);
  }
}

TEST_CASE("further settings are checked and quoted") {
  const auto text = render_configuration({}, {{"statement_timeout", "5s"}, {"my.note", "it's a \\ test"}});
  REQUIRE(text);
  CHECK(text->find("statement_timeout = '5s'\n") != std::string::npos);
  CHECK(text->find("my.note = 'it''s a \\\\ test'\n") != std::string::npos);
  const Settings refused = {{"", "x"},
                            {"Name", "x"},
                            {"a b", "x"},
                            {"1a", "x"},
                            {"a'", "x"},
                            {"work_mem", "1\n2"},
                            {"log_connections", "on"},
                            {"ssl_ciphers", "x"},
                            {"include_dir", "/"},
                            {"listen_addresses", "*"}};
  for (const auto& setting : refused) {
    CAPTURE(setting.first);
    CHECK(render_configuration({}, {setting}).error().code == Errc::InvalidArgument);
  }
}

TEST_CASE("a socket folder must leave room for the socket's name") {
  CHECK(fits_socket("/run/bartizan"));
  CHECK(fits_socket("/" + std::string(92, 'a')));
  CHECK_FALSE(fits_socket("/" + std::string(93, 'a')));
  CHECK_FALSE(fits_socket("run/bartizan"));
  CHECK_FALSE(fits_socket("/run/a,b"));
  CHECK_FALSE(fits_socket("/run/a b"));
  CHECK_FALSE(fits_socket(""));
}

TEST_CASE("instances are told apart by their folder") {
  CHECK(cluster_name_of({"/a"}) != cluster_name_of({"/b"}));
  CHECK(cluster_name_of({"/a"}) == cluster_name_of({"/a"}));
  CHECK(cluster_name_of({"/a"}).size() < 30);
}
