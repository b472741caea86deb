#include "bartizan/postgres/pg_hba.hpp"

#include <doctest/doctest.h>

using namespace bartizan;
using namespace bartizan::postgres;

TEST_CASE("the gateway's addresses come first, the rest of the network is refused") {
  const std::vector<std::string> addresses = {"10.0.0.7", "10.1.0.0/16", "2001:db8::7"};
  const auto lines = pg_hba_lines(addresses);
  REQUIRE(lines);
  const std::vector<std::string> rules(lines->begin() + 1, lines->end());
  CHECK(rules == std::vector<std::string>{"hostssl all all 10.0.0.7/32 scram-sha-256",
                                          "hostssl all all 10.1.0.0/16 scram-sha-256",
                                          "hostssl all all 2001:db8::7/128 scram-sha-256", "host all all all reject",
                                          "host replication all all reject"});
}

TEST_CASE("a login that shows a certificate gets lines in its own name") {
  const std::vector<std::string> address = {"10.0.0.7"};
  const auto alone = pg_hba_lines(address, "clinic app", LoginProof::Certificate);
  REQUIRE(alone);
  CHECK(alone->at(1) == "hostssl all \"clinic app\" 10.0.0.7/32 cert");
  const auto both = pg_hba_lines(address, "all", LoginProof::PasswordAndCertificate);
  REQUIRE(both);
  CHECK(both->at(1) == "hostssl all \"all\" 10.0.0.7/32 scram-sha-256 clientcert=verify-full");
  CHECK(both->back() == "host replication all all reject");
  for (const char* role : {"a\"b", "a\nhost all all all trust", "a\\"})
    CHECK(pg_hba_lines(address, role, LoginProof::Certificate).error().code == Errc::InvalidArgument);
}

TEST_CASE("what is not an address makes no line") {
  for (const char* text : {"", "gateway.example.com", "10.0.0.7 trust", "10.0.0.7/33", "10.0.0.7/0", "10.0.0.7/",
                           "10.0.0.7/a", "::1/129", "10.0.0.7\nhost all all all trust", "10.0.0.7/32 #"}) {
    CAPTURE(text);
    const std::vector<std::string> addresses = {text};
    const auto lines = pg_hba_lines(addresses);
    REQUIRE_FALSE(lines);
    CHECK(lines.error().code == Errc::InvalidArgument);
  }
  CHECK_FALSE(pg_hba_lines({}));
}

TEST_CASE("the embedded server takes the local socket by SCRAM and nothing else") {
  const auto text = embedded_pg_hba();
  CHECK(text.find("local all all scram-sha-256\n") != std::string::npos);
  CHECK(text.find("local replication postgres scram-sha-256\n") != std::string::npos);
  CHECK(text.find("trust") == std::string::npos);
  CHECK(text.find("peer") == std::string::npos);
  CHECK(text.find("host all all all reject\n") != std::string::npos);
}
