// The wall kept by an ordinary role that makes roles and has the rights of the tables' owner (the managed grade).

#include <doctest/doctest.h>

#include <algorithm>

#include "bartizan/postgres/wall_grade.hpp"
#include "test/wall_fixture.hpp"
#include "wall_duties.hpp"

namespace bartizan::postgres::test {
namespace {

constexpr const char* kSchema = R"sql(
CREATE SCHEMA shop;
CREATE TABLE shop.customers (
  id serial PRIMARY KEY,
  tenant text NOT NULL,
  email varchar(60) NOT NULL,
  notes text,
  salary numeric(10, 2)
);
INSERT INTO shop.customers (tenant, email, notes, salary) VALUES
  ('north', 'ann@example.org', 'LEAK note', 1000), ('north', 'bob@example.org', NULL, 2000),
  ('south', 'LEAK@example.org', 'LEAK south', 3000);
CREATE TABLE shop.own (id int, tenant text); ALTER TABLE shop.own ENABLE ROW LEVEL SECURITY;
CREATE POLICY mine ON shop.own USING (id > 1);
INSERT INTO shop.own VALUES (1, 'north'), (2, 'north'), (3, 'south');
CREATE FUNCTION shop.twice(i int) RETURNS int LANGUAGE sql AS 'SELECT 2 * i';
GRANT SELECT ON shop.own TO PUBLIC;
)sql";

SteadyTime soon() { return in(std::chrono::seconds(60)); }

policy::ClassOutcome clerk(const sql::Catalog& catalog) {
  auto table = readable(catalog, "shop", "customers");
  table.verbs = {policy::Verb::Read, policy::Verb::Insert, policy::Verb::Update, policy::Verb::Delete};
  column(table, "email").visibility = policy::Masked{policy::EmailMask{1, true}};
  column(table, "email").writes = {policy::Verb::Insert};
  column(table, "tenant").writes = {policy::Verb::Insert, policy::Verb::Update};
  column(table, "salary").writes = {policy::Verb::Update};
  column(table, "notes").visibility = policy::Hidden{};
  table.filters.push_back(tenant_filter());
  auto own = readable(catalog, "shop", "own");
  own.filters.push_back(tenant_filter());
  return class_of({table, own});
}

/// Everything of one class made; the depot is ready for it.
struct Kept {
  Depot depot{kSchema};
  policy::ClassOutcome outcome = clerk(*depot.catalog());
  std::string view;

  Kept() {
    depot.give_to_ordinary_role();
    const auto hardened = harden(depot.keeper(), depot.names, soon());
    REQUIRE_MESSAGE(hardened, (hardened ? "" : hardened.error().detail));
    CHECK(hardened->grade == WallGrade::Managed);
    CHECK(hardened->refused.size() > 50);
    const auto report = depot.reconcile({outcome});
    REQUIRE_MESSAGE(!report.classes[0].error, (report.classes[0].error ? report.classes[0].error->detail : ""));
    for (const auto& finding : report.classes[0].findings) MESSAGE(finding);
    REQUIRE(report.classes[0].ready);
    view = depot.view(outcome, "shop", "customers");
  }
  /// Or later: memberships have options, and who makes a role is its administrator.
  bool sixteen() { return depot.admin().server_version() >= 160000; }
  /// As an application of the owner's does, past every gateway.
  void as_owner(const std::string& sql) { depot.sql("SET ROLE " + depot.owner() + "; " + sql + "; RESET ROLE"); }
};

TEST_SUITE("wall_managed") {
  TEST_CASE("a mask and a tenant filter hold straight at PostgreSQL, for reading and writing") {
    Kept kept;
    const auto session = kept.depot.session(kept.outcome);
    const auto north = Depot::as_tenant(*session, "north", "SELECT * FROM " + kept.view + " ORDER BY id");
    INFO(north.text);
    CHECK(north.ok);
    CHECK(north.rows == 2);
    CHECK(north.text.find("a***@example.org") != std::string::npos);
    CHECK(north.text.find("ann@") == std::string::npos);
    CHECK(north.text.find("LEAK") == std::string::npos);
    const auto south = Depot::as_tenant(*session, "south", "SELECT id FROM " + kept.view);
    CHECK(south.rows == 1);
    CHECK(south.first == "3");
    CHECK(Depot::as_tenant(*session, "", "SELECT * FROM " + kept.view).rows == 0);
    CHECK(session->client.run("SELECT * FROM " + kept.view).sqlstate == "42501");
    CHECK(Depot::as_tenant(*session, "north", "SELECT * FROM " + kept.depot.view(kept.outcome, "shop", "own")).rows ==
          2);

    const auto writes = kept.depot.view(kept.outcome, "shop", "customers", true);
    const auto run = [&](const std::string& sql) { return Depot::as_tenant(*session, "north", sql); };
    CHECK(run("INSERT INTO " + writes + " (tenant, email) VALUES ('north', 'new@example.org')").ok);
    CHECK(run("INSERT INTO " + writes + " (tenant, email) VALUES ('south', 'new@example.org')").sqlstate == "42501");
    CHECK(run("UPDATE " + kept.view + " SET tenant = 'south' WHERE id = 1").sqlstate == "42501");
    CHECK(run("UPDATE " + kept.view + " SET salary = 5").text.find("UPDATE 3") != std::string::npos);
    CHECK(run("DELETE FROM " + kept.view + " WHERE id > 2").text.find("DELETE 1") != std::string::npos);
    CHECK(kept.depot.sql("SELECT string_agg(id || tenant || salary, ',' ORDER BY id) FROM shop.customers") ==
          "1north5.00,2north5.00,3south3000.00");
  }

  TEST_CASE("the keys are the wall's owner's alone, and its roles nobody's but the keeper's") {
    Kept kept;
    const auto session = kept.depot.session(kept.outcome);
    for (const char* sql : {"SELECT key FROM bartizan.secret_key", "SELECT * FROM bartizan.server_connection",
                            "SELECT * FROM bartizan.filter", "SELECT bartizan.mask_key()"}) {
      CAPTURE(sql);
      CHECK(session->client.run(sql).sqlstate == "42501");
      CHECK(kept.depot.admin().exec("SET ROLE " + kept.depot.owner() + "; " + sql, soon()).has_value() == false);
      kept.depot.sql("RESET ROLE");
    }
    CHECK(kept.depot.sql("SELECT string_agg(DISTINCT c.relowner::regrole::text, ',') FROM pg_class AS c "
                         "WHERE c.relnamespace = 'bartizan'::regnamespace") == kept.depot.names.wall_owner());
    CHECK(kept.depot.sql("SELECT string_agg(DISTINCT m.member::regrole::text, ',') FROM pg_auth_members AS m "
                         "WHERE m.roleid::regrole::text ~ '^" +
                         kept.depot.names.prefix() + "([cf]_|wall)'") == kept.depot.keeper_role());
    CHECK(kept.depot.sql("SELECT count(*) FROM pg_event_trigger") == "0");
  }

  TEST_CASE("running it again changes nothing, and drift is put right") {
    Kept kept;
    const auto again = kept.depot.reconcile({kept.outcome});
    CHECK(again.changes.empty());
    CHECK(again.classes[0].ready);
    const auto role = kept.depot.names.class_role(policy::class_id(kept.outcome));
    const auto owner = kept.depot.names.view_owner(kept.outcome.tables[0].filters, kept.outcome.context);
    const std::string by_itself = kept.sixteen() ? " GRANTED BY " + kept.depot.keeper_role() : "";
    for (const auto& change : std::initializer_list<std::string>{
             "ALTER ROLE " + role + " SET work_mem = '1MB'", "ALTER ROLE " + role + " INHERIT",
             "REVOKE " + owner + " FROM " + kept.depot.keeper_role() + by_itself,
             "GRANT " + role + " TO " + kept.depot.owner() + by_itself,
             "ALTER VIEW " + kept.view + " ALTER COLUMN salary SET DEFAULT 1",
             "ALTER TABLE shop.customers DISABLE ROW LEVEL SECURITY"}) {
      CAPTURE(change);
      kept.depot.sql(change);
      const auto report = kept.depot.reconcile({kept.outcome});
      CHECK((report.drift() || change.starts_with("REVOKE")));
      INFO((report.classes[0].error ? report.classes[0].error->detail : ""));
      CHECK(report.classes[0].ready);
      CHECK(kept.depot.reconcile({kept.outcome}).changes.empty());
    }
    // What only a superuser can give, only one can take back: not served.
    kept.depot.sql("ALTER ROLE " + role + " BYPASSRLS");
    CHECK_FALSE(kept.depot.reconcile({kept.outcome}).classes[0].ready);
    kept.depot.sql("ALTER ROLE " + role + " NOBYPASSRLS");
    CHECK(kept.depot.reconcile({kept.outcome}).classes[0].ready);
  }

  TEST_CASE("a view whose filter somebody has taken away answers nothing") {
    Kept kept;
    const auto owner = kept.depot.names.view_owner(kept.outcome.tables[0].filters, kept.outcome.context);
    const auto writes = kept.depot.view(kept.outcome, "shop", "customers", true);
    for (const auto& change : std::initializer_list<std::string>{
             std::string("ALTER TABLE shop.customers DISABLE ROW LEVEL SECURITY"),
             "ALTER POLICY " + owner + " ON shop.customers USING (true)",
             "ALTER POLICY " + owner + " ON shop.customers TO PUBLIC", "DROP POLICY " + owner + " ON shop.customers",
             "ALTER POLICY " + owner + " ON shop.customers RENAME TO x",
             "DROP POLICY " + owner + " ON shop.customers; CREATE POLICY " + owner + " ON shop.customers USING (true)",
             std::string("ALTER TABLE shop.customers DROP COLUMN tenant CASCADE")}) {
      CAPTURE(change);
      const auto session = kept.depot.session(kept.outcome);
      session->client.run("BEGIN");
      CHECK(session->client.run(Depot::context(*session, "north")).ok);
      CHECK(session->client.run("SELECT id FROM " + kept.view).rows == 2);
      session->client.run("COMMIT; PREPARE p AS SELECT id FROM " + kept.view);
      kept.as_owner(change);
      for (const auto& sql : std::initializer_list<std::string>{
               "SELECT * FROM " + kept.view, std::string("EXECUTE p"), "UPDATE " + kept.view + " SET salary = 1",
               "DELETE FROM " + kept.view, "INSERT INTO " + writes + " (tenant, email) VALUES ('south', 'x')"}) {
        CAPTURE(sql);
        const auto answer = Depot::as_tenant(*session, "north", sql);
        CHECK_FALSE(answer.ok);
        // What is inserted the policy may still refuse by itself.
        CHECK((answer.sqlstate == "42P01" || (answer.sqlstate == "42501" && sql.starts_with("INSERT"))));
        CHECK(answer.text.find("LEAK") == std::string::npos);
      }
      if (change.find("DROP COLUMN") != std::string::npos) break;
      kept.depot.sql("DROP POLICY IF EXISTS x ON shop.customers");
      const auto report = kept.depot.reconcile({kept.outcome});
      CHECK(report.drift());
      REQUIRE(report.classes[0].ready);
      CHECK(Depot::as_tenant(*session, "north", "SELECT id FROM " + kept.view).rows == 2);
    }
    CHECK(kept.depot.sql("SELECT count(*) FROM shop.customers WHERE salary = 1") == "0");
  }

  TEST_CASE("an open snapshot does not keep a filter that is gone") {
    Kept kept;
    const auto session = kept.depot.session(kept.outcome);
    const auto owner = kept.depot.names.view_owner(kept.outcome.tables[0].filters, kept.outcome.context);
    for (const std::string& change : {std::string("ALTER TABLE shop.customers DISABLE ROW LEVEL SECURITY"),
                                      "DROP POLICY " + owner + " ON shop.customers"}) {
      CAPTURE(change);
      auto& client = session->client;
      REQUIRE(client.run("BEGIN ISOLATION LEVEL REPEATABLE READ").ok);
      REQUIRE(client.run(Depot::context(*session, "north")).ok);
      REQUIRE(client.run("SELECT 1").ok);
      kept.as_owner(change);
      CHECK(client.run("SELECT * FROM " + kept.view).sqlstate == "42P01");
      client.run("ROLLBACK");
      REQUIRE(kept.depot.reconcile({kept.outcome}).classes[0].ready);
    }
  }

  TEST_CASE("without its guards the same attempts do bring rows out") {
    Kept kept;
    const auto owner = kept.depot.names.view_owner(kept.outcome.tables[0].filters, kept.outcome.context);
    const auto role = kept.depot.names.class_role(policy::class_id(kept.outcome));
    const auto session = kept.depot.session(kept.outcome);
    const auto seen = [&] { return Depot::as_tenant(*session, "north", "SELECT id FROM " + kept.view).rows; };
    // The view's question always answered with yes.
    const auto asked = kept.depot.sql("SELECT pg_get_functiondef('bartizan.filter_stands'::regproc)");
    kept.depot.sql(
        "CREATE OR REPLACE FUNCTION bartizan.filter_stands(relation oid, owner name, view text) RETURNS boolean "
        "LANGUAGE plpgsql STABLE STRICT PARALLEL RESTRICTED SECURITY DEFINER SET search_path = pg_catalog, pg_temp "
        "AS 'BEGIN RETURN true; END'");
    CHECK(seen() == 2);
    kept.as_owner("DROP POLICY " + owner + " ON shop.customers");
    CHECK(seen() == 3);
    kept.depot.sql(asked);
    CHECK(seen() == 0);
    REQUIRE(kept.depot.reconcile({kept.outcome}).classes[0].ready);
    CHECK(seen() == 2);
    // The context's key in the hands of a class.
    kept.depot.sql("GRANT USAGE ON SCHEMA bartizan TO " + role + "; GRANT SELECT ON bartizan.secret_key TO " + role);
    CHECK(session->client.run("SELECT key FROM bartizan.secret_key").rows == 2);
    const auto found = verify_class_role(kept.depot.keeper(), kept.depot.names, policy::class_id(kept.outcome), soon());
    REQUIRE(found);
    CHECK(found->size() >= 2);
    CHECK_FALSE(kept.depot.reconcile({kept.outcome}).classes[0].ready);
  }

  TEST_CASE("rights that the keeper has lost keep every class from being served, and are named") {
    Kept kept;
    const std::pair<std::string, std::string> cases[] = {
        {"REVOKE " + kept.depot.owner() + " FROM " + kept.depot.keeper_role(),
         "GRANT " + kept.depot.owner() + " TO " + kept.depot.keeper_role()},
        {"ALTER ROLE " + kept.depot.keeper_role() + " NOCREATEROLE",
         "ALTER ROLE " + kept.depot.keeper_role() + " CREATEROLE"},
        {"ALTER ROLE " + kept.depot.keeper_role() + " NOINHERIT",
         "ALTER ROLE " + kept.depot.keeper_role() + " INHERIT"}};
    for (const auto& [take, give] : cases) {
      CAPTURE(take);
      if (kept.sixteen() && take.ends_with("NOINHERIT")) continue;  // each membership has its own
      kept.depot.sql(take);
      const auto refused = reconcile(kept.depot.keeper(), kept.depot.desired({kept.outcome}), soon());
      REQUIRE_FALSE(refused);
      CHECK(refused.error().code == Errc::FailedPrecondition);
      CHECK(refused.error().detail.find(kept.depot.keeper_role()) != std::string::npos);
      CHECK(refused.error().detail.find(take.starts_with("REVOKE") ? "GRANT " : "ALTER ROLE ") != std::string::npos);
      CHECK_FALSE(harden(kept.depot.keeper(), kept.depot.names, soon()));
      kept.depot.sql(give);
      CHECK(kept.depot.reconcile({kept.outcome}).classes[0].ready);
    }
  }

  TEST_CASE("a table of somebody else's fails its class alone, and PUBLIC's rights out of reach fail all") {
    Kept kept;
    kept.depot.sql("CREATE TABLE shop.foreigners (id int, tenant text)");
    auto other = kept.outcome;
    other.tables = {readable(*kept.depot.catalog(), "shop", "foreigners")};
    const auto review = review_login(kept.depot.keeper(), soon());
    REQUIRE(review);
    CHECK(review->able());
    REQUIRE(review->missing.size() == 1);
    CHECK(review->missing[0].what.find("shop.foreigners") != std::string::npos);
    const auto report = kept.depot.reconcile({kept.outcome, other});
    CHECK(report.classes[0].ready);
    CHECK(report.classes[1].error);
    REQUIRE(harden(kept.depot.keeper(), kept.depot.names, soon()));
    kept.depot.sql("GRANT SELECT ON shop.foreigners TO PUBLIC");
    const auto refused = harden(kept.depot.keeper(), kept.depot.names, soon());
    REQUIRE_FALSE(refused);
    CHECK(refused.error().detail.find("shop.foreigners") != std::string::npos);
    CHECK_FALSE(kept.depot.reconcile({kept.outcome}).classes[0].ready);
  }

  TEST_CASE("an extension's type opens its schema, and nothing there runs with others' rights") {
    Depot depot(std::string(kSchema) +
                "CREATE EXTENSION citext SCHEMA public; ALTER TABLE shop.customers ADD nick public.citext");
    const auto outcome = clerk(*depot.catalog());
    depot.give_to_ordinary_role();
    REQUIRE(harden(depot.keeper(), depot.names, soon()));
    REQUIRE(depot.reconcile({outcome}).classes[0].ready);
    const auto duties = open_duties(depot.keeper(), soon());
    REQUIRE(duties);
    CHECK(std::ranges::count(*duties, std::string_view("extensions"), &OpenDuty::name) == 1);
    // As an extension of a superuser's brings one.
    depot.sql(
        "CREATE FUNCTION public.peek() RETURNS text LANGUAGE sql SECURITY DEFINER AS 'SELECT max(email) FROM "
        "shop.customers'; ALTER EXTENSION citext ADD FUNCTION public.peek()");
    REQUIRE(harden(depot.keeper(), depot.names, soon()));
    const auto report = depot.reconcile({outcome});
    CHECK_FALSE(report.classes[0].ready);
    REQUIRE(report.classes[0].findings.size() == 1);
    CHECK(report.classes[0].findings[0].find("peek()") != std::string::npos);
  }

  TEST_CASE("what rests on layer 1 is told, each thing once") {
    Kept kept;
    const auto duties = open_duties(kept.depot.keeper(), soon());
    REQUIRE(duties);
    for (const char* name : {"owner-ddl", "server-log", "activity", "dynamic-sql", "languages", "large-objects",
                             "other-databases", "table-statistics"})
      CHECK_MESSAGE(std::ranges::count(*duties, std::string_view(name), &OpenDuty::name) == 1, name);
    CHECK(open_duties(kept.depot.admin(), soon())->empty());
  }

  TEST_CASE("each thing that hardening takes of pg_catalog is a duty where it can't be taken") {
    const auto held = [](std::string_view object_class, std::string target) {
      return HeldRight{{std::string(object_class), std::move(target), "SELECT"}, false, false, true};
    };
    for (const auto name : hardened_functions())
      CHECK_MESSAGE(duty_of(held("ROUTINE", std::string(name) + "(oid)")), name);
    for (const auto name : hardened_relations())
      CHECK_MESSAGE(duty_of(held("TABLE", "pg_catalog." + std::string(name))), name);
    auto other = held("TABLE", "pg_stats");
    other.of_catalog = false;  // somebody's own table of that name
    CHECK_FALSE(duty_of(other));
    CHECK_FALSE(duty_of(held("SCHEMA", "shop")));
  }

  TEST_CASE("a server that logs every statement has no key in its log") {
    Depot depot(kSchema);
    const auto outcome = clerk(*depot.catalog());
    for (const char* setting : {"log_statement = 'all'", "log_min_messages = 'warning'",
                                "log_error_verbosity = 'default'", "log_parameter_max_length = -1"})
      depot.sql("ALTER DATABASE " + depot.database() + " SET " + setting);
    depot.give_to_ordinary_role();
    REQUIRE(harden(depot.keeper(), depot.names, soon()));
    REQUIRE(depot.reconcile({outcome}).classes[0].ready);
    const auto session = depot.session(outcome);
    CHECK(Depot::as_tenant(*session, "north", "SELECT id FROM " + depot.view(outcome, "shop", "customers")).rows == 2);
    const std::vector<std::optional<std::string>> canary{"a parameter that is logged"};
    REQUIRE(depot.keeper().exec("SELECT $1::text", canary, soon()));
    // The collector writes by itself.
    std::string log;
    for (int i = 0; i < 100 && log.find("that is logged") == std::string::npos; ++i) {
      depot.sql("SELECT pg_sleep(0.05)");
      log = server_log(wall_server()->data_directory());
    }
    CHECK(log.find("$1 = 'a parameter that is logged'") != std::string::npos);
    CHECK(log.find("INSERT INTO bartizan.secret_key AS k (purpose, key)") != std::string::npos);
    for (const char* purpose : {"context", "mask"})
      CHECK(log.find(depot.sql("SELECT encode(key, 'hex') FROM bartizan.secret_key WHERE purpose = '" +
                               std::string(purpose) + "'")) == std::string::npos);
  }

  TEST_CASE("detach leaves no trace, and no session of a class outlives it") {
    Depot depot(kSchema);
    const auto outcome = clerk(*depot.catalog());
    depot.give_to_ordinary_role();
    const bool same_tools = depot.admin().server_version() < 160000;  // pg_dump is not newer
    const auto dump = [&] { return same_tools ? dumped(depot.database()) : std::string(); };
    const auto before = dump();
    const auto roles = depot.sql("SELECT count(*) FROM pg_roles");
    const auto members = depot.sql("SELECT count(*) FROM pg_auth_members");
    REQUIRE(harden(depot.keeper(), depot.names, soon()));
    REQUIRE(depot.reconcile({outcome}).classes[0].ready);
    CHECK((dump() != before) == same_tools);
    const auto session = depot.session(outcome);
    CHECK_FALSE(detach(depot.keeper(), depot.names, soon()));
    const auto ended = end_class_sessions(depot.keeper(), depot.names, soon());
    REQUIRE_MESSAGE(ended, (ended ? "" : ended.error().detail));
    CHECK_FALSE(session->client.run("SELECT 1").ok);
    const auto gone = detach(depot.keeper(), depot.names, soon());
    REQUIRE_MESSAGE(gone, (gone ? "" : gone.error().detail));
    const bool same = dump() == before;
    CHECK(same);
    CHECK(depot.sql("SELECT count(*) FROM pg_roles") == roles);
    CHECK(depot.sql("SELECT count(*) FROM pg_auth_members") == members);
  }

  TEST_CASE("a superuser takes over what an ordinary role made, and not the other way round") {
    Kept kept;
    REQUIRE(harden(kept.depot.admin(), kept.depot.names, soon()));
    const auto taken = reconcile(kept.depot.admin(), kept.depot.desired({kept.outcome}), soon());
    REQUIRE(taken);
    CHECK(taken->classes[0].ready);
    CHECK(kept.depot.sql("SELECT count(*) FROM pg_event_trigger") == "3");
    CHECK(kept.depot.sql("SELECT count(*) FROM pg_auth_members AS m WHERE m.roleid::regrole::text ~ '^" +
                         kept.depot.names.prefix() + "([cf]_|wall)'") == "0");
    const auto back = reconcile(kept.depot.keeper(), kept.depot.desired({kept.outcome}), soon());
    REQUIRE_FALSE(back);
    CHECK((back.error().code == Errc::Conflict || kept.sixteen()));  // there the keeper may not even join the roles
  }
}

}  // namespace
}  // namespace bartizan::postgres::test
