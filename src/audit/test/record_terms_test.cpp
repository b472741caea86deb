#include "bartizan/audit/record_terms.hpp"

#include <doctest/doctest.h>

#include <algorithm>

#include "bartizan/audit/record.hpp"

namespace bartizan::audit {
namespace {

std::string record(std::string_view who, std::string_view what, Event event = Event::Statement) {
  std::string out;
  append_record(out, Ticket(1), {event, WallTime(std::chrono::microseconds(1'700'000'000'123'456)), who, what},
                {Status::Failed, {'4', '2', 'P', '0', '1'}, 3, 99, std::chrono::microseconds(7)});
  return out;
}

RecordTerms terms_of(std::string_view entry) {
  RecordTerms out;
  REQUIRE(read_terms(entry, out));
  return out;
}

bool has(const RecordTerms& terms, SearchField field, std::string_view text) {
  return std::binary_search(terms.terms.begin(), terms.terms.end(), term_of(field, text));
}

constexpr std::string_view kWho =
    R"("session":17,"identity":"mia","tenant":"acme","depot":"demo","address":"192.0.2.1:4711")";

TEST_CASE("a statement's terms are what one searches by, and no more") {
  const auto terms = terms_of(record(
      kWho, R"("tag":"SELECT","effect":"read","digest":"00ff",)"
            R"("relations":[{"schema":"shop","name":"orders","access":"read"},{"name":"lines","access":"read"}])"));
  CHECK(terms.time_ms == 1'700'000'000'123);
  CHECK(has(terms, SearchField::Identity, "mia"));
  CHECK(has(terms, SearchField::Action, "SELECT"));
  CHECK(has(terms, SearchField::Action, "statement"));
  CHECK(has(terms, SearchField::Action, "read"));
  CHECK(has(terms, SearchField::Outcome, "failed"));
  CHECK(has(terms, SearchField::Address, "192.0.2.1"));
  CHECK(has(terms, SearchField::Depot, "demo"));
  CHECK(has(terms, SearchField::Fingerprint, "00ff"));
  CHECK(has(terms, SearchField::Table, "shop.orders"));
  CHECK(has(terms, SearchField::Table, "orders"));
  CHECK(has(terms, SearchField::Table, "lines"));
  CHECK(has(terms, SearchField::ColumnsUnknown, "shop.orders"));
  CHECK(has(terms, SearchField::ColumnsUnknown, "lines"));
  CHECK_FALSE(has(terms, SearchField::ColumnsUnknown, ""));
  CHECK_FALSE(has(terms, SearchField::Table, "shop.lines"));
  CHECK_FALSE(has(terms, SearchField::Depot, "mia"));
  CHECK(terms.terms.size() == 14);
}

TEST_CASE("an identity under a policy: every column it read, and no table of unknown ones") {
  const auto terms = terms_of(record(
      std::string(kWho) + R"(,"class":"00000000000000aa")",
      R"("tag":"SELECT","digest":"1","relations":[{"schema":"c","name":"t","access":"read","read":["a","ssn"],)"
      R"("masked":["ssn"]},{"schema":"c","name":"u","access":"write","written":["b"]},{"schema":"c","name":"v"}])"));
  CHECK(has(terms, SearchField::Column, "c.t.ssn"));
  CHECK(has(terms, SearchField::Column, "t.a"));
  CHECK(has(terms, SearchField::Column, "c.u.b"));
  CHECK_FALSE(has(terms, SearchField::Column, "c.t.b"));
  CHECK(has(terms, SearchField::Table, "c.v"));
  CHECK_FALSE(has(terms, SearchField::ColumnsUnknown, "c.v"));
}

TEST_CASE("members that were left out may have named any table") {
  CHECK(has(terms_of(record(kWho, R"("tag":"SELECT","omitted_bytes":9)")), SearchField::ColumnsUnknown, ""));
  CHECK(has(terms_of(record(kWho, "no members")), SearchField::ColumnsUnknown, ""));
}

TEST_CASE("texts are looked for as they stand in the record") {
  std::string who;
  append_member(who, "identity", "a\"b\\c\x01\xc3\xa4");
  const auto terms = terms_of(record(who, R"("tag":"SELECT","digest":"1")"));
  CHECK(has(terms, SearchField::Identity, json_text("a\"b\\c\x01\xc3\xa4")));
  CHECK(json_text("") == "");
}

TEST_CASE("sign-ins and readings of the log") {
  const auto sign_in = terms_of(record(kWho, "", Event::SignIn));
  CHECK(has(sign_in, SearchField::Identity, "mia"));
  CHECK(has(sign_in, SearchField::Action, "sign_in"));
  CHECK(has(sign_in, SearchField::Depot, "demo"));
  const auto reading = terms_of(record(R"("identity":"os:root","address":"admin socket")",
                                       R"("operation":"audit.search","about":"x")", Event::LogRead));
  CHECK(has(reading, SearchField::Address, "admin socket"));
  CHECK(has(reading, SearchField::Action, "log_read"));
}

TEST_CASE("what is no record has no terms") {
  RecordTerms out;
  const std::string whole = record(kWho, R"("tag":"SELECT","digest":"1","relations":[{"name":"t"}])");
  CHECK_FALSE(read_terms("log.example/t-acme\n1\nAAAA\n", out));
  for (std::size_t length = 0; length < whole.size(); ++length) {
    CHECK_FALSE(read_terms(std::string_view(whole).substr(0, length), out));
    CHECK(out.terms.empty());
  }
  CHECK(read_terms(whole, out));
}

}  // namespace
}  // namespace bartizan::audit
