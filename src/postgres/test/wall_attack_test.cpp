// As the class's role straight at PostgreSQL, past every gateway: layer 2 alone.

#include <doctest/doctest.h>

#include <algorithm>
#include <fstream>
#include <set>
#include <sstream>

#include "test/wall_attack_statements.hpp"
#include "test/wall_fixture.hpp"

namespace bartizan::postgres::test {
namespace {

using policy::Verb;

// Tenant b's every value begins with LEAK, and so does what tenant a has in columns it may not read.
constexpr const char* kSchema = R"sql(
CREATE SCHEMA shop;
CREATE TABLE shop.customers (
  id serial PRIMARY KEY, tenant text NOT NULL, clear text NOT NULL DEFAULT '7', email text, ssn text, secret text,
  code text UNIQUE
);
INSERT INTO shop.customers (tenant, clear, email, ssn, secret, code)
SELECT 'a', (i % 7)::text, 'LEAKMAIL' || i || '@x.org', 'LEAKSSN' || i, 'LEAKSECRET' || i, 'own' || i
  FROM generate_series(1, 50) AS i;
INSERT INTO shop.customers (tenant, clear, email, ssn, secret, code)
SELECT 'b', 'LEAKCLEAR' || i, 'LEAKMAIL' || i || '@x.org', 'LEAKSSN' || i, 'LEAKSECRET' || i, 'LEAKCODE' || i
  FROM generate_series(1, 200) AS i;
INSERT INTO shop.customers (tenant, code) VALUES ('b', 'KEYEXISTS');
CREATE TABLE shop.orders (tenant text, customer int REFERENCES shop.customers);
CREATE TABLE shop.visits (tenant text, note text) PARTITION BY LIST (tenant);
CREATE TABLE shop.visits_a PARTITION OF shop.visits FOR VALUES IN ('a');
CREATE TABLE shop.visits_b PARTITION OF shop.visits FOR VALUES IN ('b');
INSERT INTO shop.visits VALUES ('a', '1'), ('b', 'LEAKVISIT');
CREATE MATERIALIZED VIEW shop.copy_of_customers AS SELECT * FROM shop.customers;
CREATE VIEW shop.open_view AS SELECT * FROM shop.customers;
CREATE TABLE shop.hidden_from_all (id int);
COMMENT ON TABLE shop.customers IS 'a word about it';
CREATE FUNCTION shop.peek() RETURNS text LANGUAGE sql SECURITY DEFINER AS 'SELECT max(email) FROM shop.customers';
CREATE STATISTICS shop.together (mcv) ON tenant, clear FROM shop.customers;
ANALYZE;
)sql";

struct Siege {
  Depot depot{kSchema};
  policy::ClassOutcome outcome;
  std::unique_ptr<Depot::Session> own;
  std::unique_ptr<Depot::Session> neighbour;  ///< tenant b, on another connection of the same class
  std::string view, write_view, visits, orders_view;

  explicit Siege(bool hardened = true) {
    depot.sql(
        "CREATE FUNCTION public.peek() RETURNS text LANGUAGE sql SECURITY DEFINER AS "
        "'SELECT max(email) FROM shop.customers'");
    depot.sql(
        "SELECT lo_from_bytea(4242, 'LEAKOBJECT') WHERE NOT EXISTS "
        "(SELECT FROM pg_largeobject_metadata WHERE oid = 4242)");
    const auto catalog = depot.catalog();
    auto customers = readable(*catalog, "shop", "customers");
    customers.verbs = {Verb::Read, Verb::Insert, Verb::Update, Verb::Delete};
    customers.filters.push_back(tenant_filter());
    for (const char* name : {"tenant", "clear", "code"}) column(customers, name).writes = {Verb::Insert, Verb::Update};
    column(customers, "email").visibility = policy::Masked{policy::HashMask{}};
    column(customers, "ssn").visibility = policy::WriteOnly{};
    column(customers, "ssn").writes = {Verb::Insert, Verb::Update};
    column(customers, "secret").visibility = policy::Hidden{};
    auto partitioned = readable(*catalog, "shop", "visits");
    partitioned.filters.push_back(tenant_filter());
    auto orders = readable(*catalog, "shop", "orders");
    orders.verbs = {Verb::Read, Verb::Insert};
    orders.filters.push_back(tenant_filter());
    for (auto& one : orders.columns) one.writes = {Verb::Insert};
    outcome = class_of({customers, orders, partitioned});
    if (hardened) REQUIRE(harden(depot.admin(), depot.names, in(std::chrono::seconds(60))));
    const auto report = depot.reconcile({outcome});
    REQUIRE_MESSAGE(!report.classes[0].error, (report.classes[0].error ? report.classes[0].error->detail : ""));
    CHECK(report.classes[0].ready == hardened);
    view = depot.view(outcome, "shop", "customers");
    write_view = depot.view(outcome, "shop", "customers", true);
    visits = depot.view(outcome, "shop", "visits");
    orders_view = depot.view(outcome, "shop", "orders");
    own = depot.session(outcome);
    neighbour = depot.session(outcome);
    REQUIRE(Depot::as_tenant(*neighbour, "b", "SELECT max(clear) FROM " + view).rows == 1);
    neighbour->client.run("SELECT 1 /* LEAKACTIVITY */");  // stays to be read in pg_stat_activity
  }

  std::string filled(std::string_view sql) const {
    std::string text(sql);
    const std::pair<std::string, std::string> blanks[] = {
        {"{v}", view},
        {"{w}", write_view},
        {"{p}", visits},
        {"{r}", orders_view},
        {"{me}", own->role},
        {"{wall}", depot.names.wall_owner()},
        {"{owner}", depot.owner()},
        {"{viewowner}", depot.names.view_owner(outcome.tables[0].filters, outcome.context)},
        {"{db}", depot.database()},
        {"{other}", Depot::context(*neighbour, "b")}};
    for (const auto& [blank, value] : blanks)
      for (auto at = text.find(blank); at != std::string::npos; at = text.find(blank, at + value.size()))
        text.replace(at, blank.size(), value);
    return text;
  }
};

/// The marker as it is, in hexadecimal, in base64 at each of its three places, and spelled wide.
bool leaks(const std::string& text) {
  for (const std::string_view sign : {"LEAK", "leak", "4c45414b", "4C45414B", "TEVBS", "xFQU", "MRUFL", "L E A K"})
    if (text.find(sign) != std::string::npos) return true;
  return false;
}

/// A statement's own words come back in some errors: these are not the database's. proleakproof is a column of
/// pg_proc, which the class's view of that catalog has too.
std::string without_own_words(std::string text, std::string_view sql) {
  for (const std::string_view word : {"LEAKCODE", "LEA%", "proleakproof"}) {
    if (word != "proleakproof" && sql.find(word) == std::string_view::npos) continue;
    for (auto at = text.find(word); at != std::string::npos; at = text.find(word, at)) text.erase(at, word.size());
  }
  return text;
}

TEST_SUITE("wall_attack") {
  TEST_CASE("no marker comes back from any attack, in either protocol") {
    Siege siege;
    REQUIRE(attacks().size() >= 60);
    const auto before = siege.depot.sql(
        "SELECT md5(string_agg(c::text, '' ORDER BY id)) FROM shop.customers AS c "
        "WHERE tenant = 'b'");
    std::set<std::string_view> worked;
    for (const auto& attack : attacks()) {
      const auto sql = siege.filled(attack.sql);
      CAPTURE(sql);
      for (const bool extended : {false, true}) {
        auto& client = siege.own->client;
        client.run("BEGIN");
        REQUIRE(client.run(Depot::context(*siege.own, "a")).ok);
        const auto answer = extended ? client.run_extended(sql) : client.run(sql);
        const auto after = client.run("ROLLBACK; CLOSE ALL; DEALLOCATE ALL; RESET ALL");
        if (!client.connected()) siege.own = siege.depot.session(siege.outcome);
        CHECK_FALSE_MESSAGE(leaks(without_own_words(answer.text + after.text, attack.sql)), answer.text);
        if (answer.ok) worked.insert(attack.sql);
        if (sql.find("open_connection") != std::string::npos) siege.own = siege.depot.session(siege.outcome);
      }
    }
    // It is not the empty answer that kept the markers away.
    CHECK(worked.contains("SELECT * FROM {v}"));
    CHECK(worked.contains("SELECT * FROM {v} WHERE clear::int = 1"));
    CHECK(worked.contains("DELETE FROM {v} WHERE clear::int = 1"));
    CHECK(siege.depot.sql("SELECT md5(string_agg(c::text, '' ORDER BY id)) FROM shop.customers AS c "
                          "WHERE tenant = 'b'") == before);
  }

  TEST_CASE("the suite sees a leak where a guard is missing") {
    Siege siege;
    const auto& names = siege.depot.names;
    const auto owner = names.view_owner(siege.outcome.tables[0].filters, siege.outcome.context);
    const auto ask = [&](const std::string& sql) {
      return leaks(Depot::as_tenant(*siege.own, "a", siege.filled(sql)).text);
    };
    const struct {
      std::string guard, remove, restore, sql;
    } cases[] = {
        {"row security", "ALTER TABLE shop.customers DISABLE ROW LEVEL SECURITY",
         "ALTER TABLE shop.customers ENABLE ROW LEVEL SECURITY", "SELECT clear FROM {v}"},
        {"leaky predicate", "ALTER TABLE shop.customers DISABLE ROW LEVEL SECURITY",
         "ALTER TABLE shop.customers ENABLE ROW LEVEL SECURITY", "SELECT id FROM {v} WHERE clear::int = 1"},
        {"the restrictive policy", "ALTER POLICY " + owner + " ON shop.customers USING (true)", "",
         "SELECT clear FROM {v}"},
        {"no base right",
         "GRANT USAGE ON SCHEMA shop TO " + siege.own->role + "; GRANT SELECT ON shop.customers TO " + siege.own->role,
         "REVOKE ALL ON shop.customers FROM " + siege.own->role + "; REVOKE ALL ON SCHEMA shop FROM " + siege.own->role,
         "SELECT query_to_xml('SELECT 1', true, true, ''), 1; SELECT max(email) FROM shop.customers"},
        {"activity of others",
         "GRANT SELECT ON pg_stat_activity TO PUBLIC; "
         "GRANT EXECUTE ON FUNCTION pg_stat_get_activity(int) TO PUBLIC",
         "REVOKE SELECT ON pg_stat_activity FROM PUBLIC", "SELECT query FROM pg_stat_activity"},
        {"USAGE of the owner's schema",
         "GRANT USAGE ON SCHEMA public TO PUBLIC; "
         "GRANT EXECUTE ON FUNCTION public.peek() TO PUBLIC",
         "REVOKE USAGE ON SCHEMA public FROM PUBLIC", "SELECT public.peek()"},
    };
    for (const auto& one : cases) {
      CAPTURE(one.guard);
      // As a superuser does who is past the event triggers, which would close the view.
      siege.depot.sql("SET session_replication_role = replica; " + one.remove + "; RESET session_replication_role");
      CHECK((one.guard == "no base right"
                 ? leaks(Depot::as_tenant(*siege.own, "a", "SELECT max(email) FROM shop.customers").text)
                 : ask(one.sql)));
      if (!one.restore.empty()) siege.depot.sql(one.restore);
      siege.depot.reconcile({siege.outcome});
      REQUIRE(harden(siege.depot.admin(), names, in(std::chrono::seconds(60))));
      CHECK_FALSE(ask("SELECT clear FROM {v}"));
    }
  }

  TEST_CASE("what rests on layer 1 alone is what the page lists") {
    Siege siege;
    std::ifstream file(BZ_SOURCE_ROOT "/docs/formats/wall-objects.md");
    std::stringstream page;
    page << file.rdbuf();
    for (const auto& duty : open_duties()) {
      CAPTURE(duty.name);
      CHECK(page.str().find("| `" + std::string(duty.name) + "` |") != std::string::npos);
      const auto answer = Depot::as_tenant(*siege.own, "a", siege.filled(duty.sql));
      CHECK_MESSAGE(answer.text.find(duty.shows) != std::string::npos, answer.text);
      CHECK_FALSE(leaks(answer.text));
      if (duty.name == "open-connection") siege.own = siege.depot.session(siege.outcome);
    }
    // What a role did to itself is found, and put right.
    const auto found = verify_class_role(siege.depot.admin(), siege.depot.names, policy::class_id(siege.outcome),
                                         in(std::chrono::seconds(60)));
    REQUIRE(found);
    CHECK_FALSE(found->empty());
    CHECK(siege.depot.reconcile({siege.outcome}).drift());
    CHECK(siege.depot.reconcile({siege.outcome}).classes[0].ready);
    const auto again = siege.depot.session(siege.outcome);
    CHECK(Depot::as_tenant(*again, "a", "SELECT * FROM " + siege.view).rows == 50);
  }
}

}  // namespace
}  // namespace bartizan::postgres::test
