#include "recorded_statements.hpp"

#include <doctest/doctest.h>

namespace bartizan::control {
namespace {

policy::ClassOutcome outcome() {
  policy::TableOutcome customers;
  customers.schema = "clinic";
  customers.name = "customers";
  customers.verbs = {policy::Verb::Read, policy::Verb::Update};
  customers.columns = {{"id", policy::Clear{}, {}},
                       {"email", policy::Masked{policy::EmailMask{}}, {}},
                       {"ssn", policy::Hidden{}, {}},
                       {"pin", policy::WriteOnly{}, {policy::Verb::Update}}};
  policy::TableOutcome pay = customers;
  pay.name = "pay";
  pay.verbs = {policy::Verb::Read};
  pay.aggregate_only = policy::AggregateOnly{5, "id"};
  policy::ClassOutcome out;
  out.depot = "demo";
  out.tables = {customers, pay};
  return out;
}

Document record(const std::string& tag, const std::string& relations) {
  auto made = Document::parse(R"({"query_info":{"query_string":")" + tag +
                              R"("},"unmapped":{"bartizan":{"relations":[)" + relations + "]}}}");
  REQUIRE(made);
  return *made;
}

TEST_CASE("what a recorded statement would be refused for, as far as its record says") {
  struct Case {
    const char* tag;
    const char* relations;
    const char* sqlstate;  ///< empty: for nothing
    bool certain;
  };
  const Case cases[] = {
      {"SELECT", R"({"schema":"clinic","name":"customers","access":"read","read":["id","email"]})", "", true},
      {"SELECT", R"({"schema":"clinic","name":"customers","access":"read","read":["id","ssn"]})", "42703", true},
      {"SELECT", R"({"schema":"clinic","name":"customers","access":"read","read":["gone"]})", "42703", true},
      {"SELECT", R"({"schema":"clinic","name":"customers","access":"read","read":["pin"]})", "42501", true},
      {"SELECT", R"({"schema":"clinic","name":"customers","access":"read"})", "", true},
      {"SELECT", R"({"schema":"back","name":"vault","access":"read"})", "42P01", true},
      {"SELECT", R"({"schema":"","name":"vault","access":"read"})", "42P01", false},
      {"SELECT", R"({"schema":"pg_catalog","name":"pg_class","access":"read"})", "", true},
      {"SELECT", R"({"schema":"clinic","name":"pay","access":"read","read":["id"]})", "42501", false},
      {"UPDATE", R"({"schema":"clinic","name":"customers","access":"write","written":["pin"]})", "", true},
      {"UPDATE", R"({"schema":"clinic","name":"customers","access":"write","written":["email"]})", "42501", true},
      {"DELETE", R"({"schema":"clinic","name":"customers","access":"write"})", "42501", true},
      {"CREATE TABLE", "", "42501", true},
      {"BEGIN", "", "", true},
  };
  for (const auto& one : cases) {
    CAPTURE(one.tag);
    CAPTURE(one.relations);
    const auto foreseen = foresee(record(one.tag, one.relations), outcome());
    CHECK(foreseen.has_value() == (*one.sqlstate != '\0'));
    if (!foreseen) continue;
    CHECK(foreseen->sqlstate == one.sqlstate);
    CHECK(foreseen->certain == one.certain);
  }
}

}  // namespace
}  // namespace bartizan::control
