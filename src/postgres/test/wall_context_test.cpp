#include <doctest/doctest.h>

#include <chrono>

#include "test/wall_fixture.hpp"

namespace bartizan::postgres::test {
namespace {

constexpr const char* kSchema = R"sql(
CREATE SCHEMA s;
CREATE TABLE s.t (id int PRIMARY KEY, tenant text, region text);
INSERT INTO s.t VALUES (1, 'a', 'north'), (2, 'b', 'north'), (3, 'a', 'south'), (4, 'it''s', 'north');
)sql";

policy::ClassOutcome filtered(Depot& depot) {
  auto table = readable(*depot.catalog(), "s", "t");
  table.filters.push_back(tenant_filter());
  return class_of({table});
}

std::string ids(const std::string& view) {
  return "SELECT coalesce(string_agg(id::text, ',' ORDER BY id), '') FROM " + view;
}

TEST_SUITE("wall_context") {
  TEST_CASE("only a right context of this connection opens rows") {
    Depot depot(kSchema);
    const auto outcome = filtered(depot);
    auto other_class = outcome;
    other_class.tables[0].columns[2].visibility = policy::Masked{policy::NullMask{}};
    const auto report = depot.reconcile({outcome, other_class});
    for (const auto& entry : report.classes) REQUIRE_FALSE(entry.error);
    const auto session = depot.session(outcome);
    const auto second = depot.session(outcome);
    const auto of_other_class = depot.session(other_class);
    const auto view = depot.view(outcome, "s", "t");
    CHECK(Depot::as_tenant(*session, "a", ids(view)).first == "1,3");
    CHECK(Depot::as_tenant(*session, "b", ids(view)).first == "2");
    CHECK(Depot::as_tenant(*session, "it's", ids(view)).first == "4");
    CHECK(Depot::as_tenant(*session, "", ids(view)).first.empty());

    const auto good = Depot::context(*session, "a");
    REQUIRE(good.find("E'") == std::string::npos);  // nothing to escape in it
    const auto from = good.find(", '") + 3;
    const std::pair<const char*, std::string> contexts[] = {
        {"absent", "SELECT 1"},
        {"empty", "SELECT set_config('bartizan.ctx', '', true)"},
        {"another tenant's name", std::string(good).replace(good.find("\"a\""), 3, "\"b\"")},
        {"later expiry", std::string(good).replace(from + 76, 1, "9")},
        {"another version", std::string(good).replace(from + 64, 1, "2")},
        {"signature of zeros", std::string(good).replace(from, 64, std::string(64, '0'))},
        {"no signature", std::string(good).replace(from, 64, "")},
        {"not hexadecimal", std::string(good).replace(from, 64, std::string(64, 'z'))},
        {"cut", std::string(good).replace(from + 70, std::string::npos, "', true)")},
        {"a byte more", std::string(good).replace(good.find("', true"), 1, " '")},
        {"another connection of the class", Depot::context(*second, "a")},
        {"another class's connection", Depot::context(*of_other_class, "a")},
        {"expired", Depot::context(*session, "a", -1)},
        {"too long a life", Depot::context(*session, "a", 700)},
    };
    for (const auto& [what, context] : contexts) {
      CAPTURE(what);
      session->client.run("BEGIN");
      session->client.run(context);
      const auto answer = session->client.run(ids(view));
      session->client.run("ROLLBACK");
      CHECK(answer.sqlstate == "42501");
      CHECK(answer.rows == 0);
    }
    CHECK(Depot::as_tenant(*session, "a", ids(view)).first == "1,3");
  }

  TEST_CASE("the context ends with its transaction, whatever ends it") {
    Depot depot(kSchema);
    const auto outcome = filtered(depot);
    REQUIRE_FALSE(depot.reconcile({outcome}).classes[0].error);
    const auto session = depot.session(outcome);
    const auto view = depot.view(outcome, "s", "t");
    const auto set = Depot::context(*session, "a");
    for (const std::string end : {"COMMIT", "ROLLBACK", "COMMIT AND CHAIN", "ROLLBACK AND CHAIN", "RESET ALL",
                                  "RESET bartizan.ctx", "SAVEPOINT s; ROLLBACK TO s; RESET ALL"}) {
      CAPTURE(end);
      REQUIRE(session->client.run("BEGIN").ok);
      REQUIRE(session->client.run(set).ok);
      REQUIRE(session->client.run(ids(view)).first == "1,3");
      session->client.run(end);
      CHECK(session->client.run(ids(view)).sqlstate == "42501");
      session->client.run("ROLLBACK");
    }
    // One simple query is one transaction: the context does not outlive it.
    CHECK(session->client.run(set + "; " + ids(view)).first == "1,3");
    CHECK(session->client.run(ids(view)).sqlstate == "42501");
  }

  TEST_CASE("a statement that begins in time may run on, the next one not") {
    Depot depot(kSchema);
    const auto outcome = filtered(depot);
    REQUIRE_FALSE(depot.reconcile({outcome}).classes[0].error);
    const auto session = depot.session(outcome);
    const auto view = depot.view(outcome, "s", "t");
    session->client.run("BEGIN");
    session->client.run(Depot::context(*session, "a", 2));
    CHECK(session->client.run("SELECT pg_sleep(2.1), " + std::string("(") + ids(view) + ")").ok);
    CHECK(session->client.run(ids(view)).sqlstate == "42501");
    session->client.run("ROLLBACK");
  }

  TEST_CASE("opening a connection anew ends the contexts of the old one") {
    Depot depot(kSchema);
    const auto outcome = filtered(depot);
    REQUIRE_FALSE(depot.reconcile({outcome}).classes[0].error);
    const auto session = depot.session(outcome);
    const auto view = depot.view(outcome, "s", "t");
    const auto old = Depot::context(*session, "a");
    CHECK(session->client.run(old + "; " + ids(view)).first == "1,3");
    REQUIRE(session->client.run(std::string(wall::kOpenConnectionSql)).ok);
    CHECK(session->client.run(old + "; " + ids(view)).sqlstate == "42501");
  }

  TEST_CASE("a new context key ends every connection's contexts") {
    Depot depot(kSchema);
    const auto outcome = filtered(depot);
    REQUIRE_FALSE(depot.reconcile({outcome}).classes[0].error);
    const auto session = depot.session(outcome);
    const auto view = depot.view(outcome, "s", "t");
    auto wanted = depot.desired({outcome});
    wanted.context_key = SecretBytes(ByteView(Bytes(wall::kContextKeySize, std::byte{9})));
    const auto report = postgres::reconcile(depot.admin(), wanted, in(std::chrono::seconds(30)));
    REQUIRE(report);
    CHECK(report->base_changed);
    CHECK(session->client.run(Depot::context(*session, "a") + "; " + ids(view)).sqlstate == "42501");
  }

  TEST_CASE("filters with several attributes, arrays and mapping tables") {
    Depot depot(std::string(kSchema) +
                "CREATE TABLE s.mapping (region text, area text);"
                "INSERT INTO s.mapping VALUES ('north', 'cold'), ('south', 'warm');");
    auto table = readable(*depot.catalog(), "s", "t");
    policy::FilterTemplate any;
    any.text = "region = ANY (subject.regions)";
    any.slots.push_back({14, 15, "regions"});
    policy::FilterTemplate mapped;
    mapped.text = "id < subject.top -- a comment";
    mapped.slots.push_back({5, 11, "top"});
    policy::FilterTemplate looked_up;  // 'south' is warm
    looked_up.text = "region IN (SELECT m.region FROM s.mapping AS m WHERE m.area = 'cold' OR subject.top > 3)";
    looked_up.slots.push_back({looked_up.text.find("subject.top"), 11, "top"});
    table.filters = {mapped, any, looked_up};
    const auto outcome =
        class_of({table}, {{"regions", policy::AttributeType::TextArray}, {"top", policy::AttributeType::Bigint}});
    const auto report = depot.reconcile({outcome});
    REQUIRE_MESSAGE(!report.classes[0].error, (report.classes[0].error ? report.classes[0].error->detail : ""));
    const auto session = depot.session(outcome);
    const auto view = depot.view(outcome, "s", "t");
    const auto with = [&](std::vector<wall::ContextValue> values) {
      values.push_back({"tenant", std::nullopt});
      const auto text =
          wall::sign_context(session->key, {system_clock().wall() + std::chrono::seconds(60), std::move(values)});
      REQUIRE(text);
      return session->client.run(wall::set_context_sql(*text) + "; " + ids(view));
    };
    CHECK(with({{"regions", "{north}"}, {"top", "4"}}).first == "1,2");
    CHECK(with({{"regions", "{north,south}"}, {"top", "4"}}).first == "1,2,3");
    CHECK(with({{"regions", "{north,south}"}, {"top", "3"}}).first == "1,2");
    CHECK(depot.reconcile({outcome}).changes.empty());
    CHECK(with({{"regions", "{}"}, {"top", "4"}}).first.empty());
    CHECK(with({{"regions", std::nullopt}, {"top", "4"}}).first.empty());
    CHECK(with({{"regions", "{north}"}}).sqlstate == "42501");  // an attribute that is missing
    CHECK(with({{"regions", "{north}"}, {"top", "x"}}).sqlstate == "22P02");
  }
}

}  // namespace
}  // namespace bartizan::postgres::test
