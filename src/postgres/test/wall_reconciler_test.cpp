#include <doctest/doctest.h>

#include <algorithm>

#include "test/wall_fixture.hpp"

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
)sql";

SteadyTime soon() { return in(std::chrono::seconds(60)); }

policy::ClassOutcome analyst(const sql::Catalog& catalog) {
  auto table = readable(catalog, "shop", "customers");
  column(table, "email").visibility = policy::Masked{policy::EmailMask{1, true}};
  column(table, "notes").visibility = policy::Hidden{};
  table.filters.push_back(tenant_filter());
  return class_of({table});
}

TEST_SUITE("wall_reconciler") {
  TEST_CASE("a mask and a tenant filter hold straight at PostgreSQL") {
    Depot depot(kSchema);
    const auto outcome = analyst(*depot.catalog());
    REQUIRE(harden(depot.admin(), depot.names, soon()));
    const auto report = depot.reconcile({outcome});
    REQUIRE(report.classes.size() == 1);
    INFO((report.classes[0].error ? report.classes[0].error->detail : ""));
    for (const auto& finding : report.classes[0].findings) MESSAGE(finding);
    REQUIRE(report.classes[0].ready);
    CHECK_FALSE(report.drift());

    const auto session = depot.session(outcome);
    const auto view = depot.view(outcome, "shop", "customers");
    const auto north = Depot::as_tenant(*session, "north", "SELECT * FROM " + view + " ORDER BY id");
    INFO(north.text);
    CHECK(north.ok);
    CHECK(north.rows == 2);
    CHECK(north.text.find("a***@example.org") != std::string::npos);
    CHECK(north.text.find("ann@") == std::string::npos);
    CHECK(north.text.find("LEAK") == std::string::npos);
    CHECK(north.text.find("notes") == std::string::npos);
    const auto south = Depot::as_tenant(*session, "south", "SELECT id FROM " + view);
    CHECK(south.rows == 1);
    CHECK(south.first == "3");
    const auto none = Depot::as_tenant(*session, "", "SELECT * FROM " + view);
    CHECK(none.ok);
    CHECK(none.rows == 0);
    const auto absent = session->client.run("SELECT * FROM " + view);
    CHECK_FALSE(absent.ok);
    CHECK(absent.sqlstate == "42501");
    CHECK_FALSE(session->client.run("SELECT * FROM shop.customers").ok);
  }

  TEST_CASE("running it again changes nothing, and drift is put right") {
    Depot depot(kSchema);
    const auto outcome = analyst(*depot.catalog());
    const auto first = depot.reconcile({outcome});
    REQUIRE_FALSE(first.classes[0].error);
    CHECK(first.base_changed);
    const auto second = depot.reconcile({outcome});
    CHECK(second.changes.empty());
    CHECK_FALSE(second.base_changed);
    CHECK(second.unchanged == first.changes.size());

    const auto role = depot.names.class_role(policy::class_id(outcome));
    const auto view = depot.view(outcome, "shop", "customers");
    const auto owner = depot.names.view_owner(outcome.tables[0].filters, outcome.context);
    const struct {
      std::string what;
      std::string sql;
    } drifts[] = {
        {"view replaced",
         "CREATE OR REPLACE VIEW " + view + " AS SELECT id, tenant, email, salary FROM shop.customers"},
        {"policy altered", "ALTER POLICY " + owner + " ON shop.customers USING (true)"},
        {"policy dropped", "DROP POLICY " + owner + " ON shop.customers"},
        {"row security off", "ALTER TABLE shop.customers DISABLE ROW LEVEL SECURITY"},
        {"owner bypasses", "ALTER ROLE " + owner + " BYPASSRLS"},
        {"owner made member", "GRANT " + depot.owner() + " TO " + owner},
        {"class setting", "ALTER ROLE " + role + " SET search_path = shop"},
        {"class password", "ALTER ROLE " + role + " PASSWORD 'mine'"},
        {"class member", "GRANT " + owner + " TO " + role},
        {"class superuser", "ALTER ROLE " + role + " SUPERUSER"},
        {"view right", "GRANT DELETE ON " + view + " TO " + role},
        {"view column right", "GRANT UPDATE (tenant) ON " + view + " TO " + role},
        {"view to all", "GRANT SELECT ON " + view + " TO PUBLIC"},
        {"base right of the owner", "GRANT DELETE ON shop.customers TO " + owner},
        {"view gone", "DROP VIEW " + view},
        {"view's owner", "ALTER VIEW " + view + " OWNER TO " + depot.owner()},
    };
    for (const auto& drift : drifts) {
      CAPTURE(drift.what);
      // Past the event triggers, as only a superuser gets.
      depot.sql("SET session_replication_role = replica; " + drift.sql + "; RESET session_replication_role");
      const auto repaired = depot.reconcile({outcome});
      REQUIRE_FALSE(repaired.classes[0].error);
      CHECK_FALSE(repaired.changes.empty());
      const auto after = depot.reconcile({outcome});
      CHECK(after.changes.empty());
      const auto session = depot.session(outcome);
      const auto answer = Depot::as_tenant(*session, "north", "SELECT * FROM " + view);
      CHECK(answer.rows == 2);
      CHECK(answer.text.find("LEAK") == std::string::npos);
      CHECK(answer.text.find("ann@") == std::string::npos);
    }
  }

  TEST_CASE("a base right keeps a class from being served") {
    Depot depot(kSchema);
    const auto outcome = analyst(*depot.catalog());
    REQUIRE(harden(depot.admin(), depot.names, soon()));
    REQUIRE(depot.reconcile({outcome}).classes[0].ready);
    const auto role = depot.names.class_role(policy::class_id(outcome));
    const std::pair<std::string, std::string> cases[] = {
        {"GRANT SELECT ON shop.customers TO " + role, "REVOKE SELECT ON shop.customers FROM " + role},
        {"GRANT SELECT (notes) ON shop.customers TO " + role, "REVOKE SELECT (notes) ON shop.customers FROM " + role},
        {"GRANT UPDATE ON shop.customers TO PUBLIC", "REVOKE UPDATE ON shop.customers FROM PUBLIC"},
        {"GRANT USAGE ON SEQUENCE shop.customers_id_seq TO " + role,
         "REVOKE USAGE ON SEQUENCE shop.customers_id_seq FROM " + role},
        {"GRANT USAGE ON SCHEMA shop TO " + role, "REVOKE USAGE ON SCHEMA shop FROM " + role},
        {"GRANT TEMPORARY ON DATABASE " + depot.database() + " TO PUBLIC",
         "REVOKE TEMPORARY ON DATABASE " + depot.database() + " FROM PUBLIC"},
        {"GRANT CREATE ON SCHEMA public TO PUBLIC", "REVOKE CREATE ON SCHEMA public FROM PUBLIC"},
        {"GRANT SELECT ON bartizan.secret_key TO " + role, "REVOKE SELECT ON bartizan.secret_key FROM " + role},
        {"ALTER ROLE " + role + " BYPASSRLS", "ALTER ROLE " + role + " NOBYPASSRLS"},
        {"GRANT pg_read_all_data TO " + role, "REVOKE pg_read_all_data FROM " + role},
        {"ALTER ROLE " + role + " SET work_mem = '1MB'", "ALTER ROLE " + role + " RESET ALL"},
    };
    for (const auto& [give, take] : cases) {
      CAPTURE(give);
      depot.sql(give);
      const auto found = verify_class_role(depot.admin(), depot.names, policy::class_id(outcome), soon());
      REQUIRE(found);
      CHECK_FALSE(found->empty());
      depot.sql(take);
      const auto clean = verify_class_role(depot.admin(), depot.names, policy::class_id(outcome), soon());
      REQUIRE(clean);
      CHECK(clean->empty());
    }
  }

  TEST_CASE("what no class needs is dropped, what another needs stays") {
    Depot depot(kSchema);
    const auto catalog = depot.catalog();
    const auto first = analyst(*catalog);
    auto other = first;
    column(other.tables[0], "salary").visibility = policy::Masked{policy::NullMask{}};
    REQUIRE_FALSE(depot.reconcile({first, other}).classes[1].error);
    const auto less = depot.reconcile({other});
    CHECK(std::ranges::any_of(less.changes, [](const auto& c) {
      return c.kind == ChangeKind::Dropped && c.object == wall::ObjectKind::ClassRole;
    }));
    const auto session = depot.session(other);
    CHECK(Depot::as_tenant(*session, "north", "SELECT * FROM " + depot.view(other, "shop", "customers")).rows == 2);
    CHECK(depot.sql("SELECT count(*) FROM pg_policy WHERE polrelid = 'shop.customers'::regclass") == "2");
    const auto none = depot.reconcile({});
    CHECK(depot.sql("SELECT count(*) FROM pg_policy") == "0");
    CHECK(depot.sql("SELECT relrowsecurity FROM pg_class WHERE oid = 'shop.customers'::regclass") == "f");
    CHECK(depot.sql("SELECT count(*) FROM pg_roles WHERE starts_with(rolname, '" + depot.names.prefix() +
                    "') AND rolname ~ '_[cf]_'") == "0");
  }

  TEST_CASE("detach leaves no trace") {
    Depot depot(std::string(kSchema) +
                "CREATE TABLE shop.own (id int, tenant text); ALTER TABLE shop.own ENABLE ROW LEVEL SECURITY;"
                "CREATE POLICY mine ON shop.own USING (id > 1);"
                "CREATE FUNCTION shop.twice(i int) RETURNS int LANGUAGE sql AS 'SELECT 2 * i';"
                "GRANT SELECT ON shop.own TO PUBLIC;");
    const auto dump = [&] { return dumped(depot.database()); };
    const auto before = dump();
    REQUIRE(before.size() > 1000);
    const auto catalog = depot.catalog();
    auto outcome = analyst(*catalog);
    auto own = readable(*catalog, "shop", "own");
    own.filters.push_back(tenant_filter());
    outcome.tables.push_back(own);
    REQUIRE(harden(depot.admin(), depot.names, soon()));
    const auto report = depot.reconcile({outcome});
    INFO((report.classes[0].error ? report.classes[0].error->detail : ""));
    REQUIRE_FALSE(report.classes[0].error);
    CHECK(dump() != before);
    {
      const auto session = depot.session(outcome);
      const auto refused = detach(depot.admin(), depot.names, soon());
      CHECK_FALSE(refused);
    }
    auto gone = detach(depot.admin(), depot.names, soon());
    for (int i = 0; i < 50 && !gone; ++i) gone = detach(depot.admin(), depot.names, soon());
    REQUIRE_MESSAGE(gone, (gone ? "" : gone.error().detail));
    const bool same = dump() == before;
    CHECK(same);
    CHECK(depot.sql("SELECT count(*) FROM pg_roles WHERE starts_with(rolname, '" + depot.names.prefix() + "')") == "0");
    CHECK(depot.sql("SELECT relrowsecurity FROM pg_class WHERE oid = 'shop.own'::regclass") == "t");
  }
}

}  // namespace
}  // namespace bartizan::postgres::test
