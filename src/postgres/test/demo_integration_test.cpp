// The demo data on a real PostgreSQL.
#include <doctest/doctest.h>

#include "bartizan/postgres/demo.hpp"
#include "embedded_fixture.hpp"

using namespace bartizan;
using namespace bartizan::postgres;
using namespace bartizan::postgres::test;
using namespace std::chrono_literals;

namespace {

std::string scalar(ControlConnection& connection, std::string_view sql) {
  auto value = connection.scalar(sql, in(60s));
  REQUIRE_MESSAGE(value, (value ? "" : value.error().detail));
  return *value;
}

ControlConnection sign_in(RunningServer& server, std::string user, const SecretBytes& password) {
  auto endpoint = server->endpoint("demo");
  endpoint.user = std::move(user);
  auto connection = ControlConnection::connect(endpoint, password, in(20s));
  REQUIRE_MESSAGE(connection, (connection ? "" : connection.error().detail));
  return std::move(*connection);
}

}  // namespace

TEST_SUITE_BEGIN("demo");

TEST_CASE("the demo loads once, whole, believable, with roles that hold what they should") {
  const DataFolder folder;
  RunningServer server(folder.path());
  std::vector<std::string> steps;
  const auto first = load_demo(
      server->endpoint(), server->superuser_password(),
      [&](const DemoProgress& progress) {
        CHECK(progress.done == steps.size());
        CHECK(progress.done < progress.steps);
        steps.emplace_back(progress.step);
      },
      in(120s));
  REQUIRE_MESSAGE(first, (first ? "" : first.error().detail));
  CHECK(first->loaded);
  CHECK(first->rows == 200002);
  CHECK(steps ==
        std::vector<std::string>{"roles", "schema", "customers", "orders", "invoices", "keys", "grants", "analyze"});
  MESSAGE("loaded in ", first->elapsed.count(), " ms");

  auto connection = server.connect("demo");
  const std::pair<const char*, const char*> facts[] = {
      {"SELECT count(*) FROM clinic.tenants", "2"},
      {"SELECT count(*) FROM clinic.customers", "20000"},
      {"SELECT count(*) FROM clinic.customers WHERE tenant = 'northside'", "12000"},
      {"SELECT count(*) FROM clinic.orders", "60000"},
      {"SELECT count(*) FROM clinic.invoices", "120000"},
      {"SELECT count(*) > 100 FROM clinic.orders WHERE tenant = 'lakeview'", "t"},
      {"SELECT count(DISTINCT name) > 1500 FROM clinic.customers", "t"},
      {"SELECT count(*) FROM clinic.customers WHERE email !~ '^[a-z]+[.][a-z]+[0-9]+@example[.](com|org|net)$'", "0"},
      {"SELECT count(*) FROM clinic.customers WHERE phone !~ '^[+]1-[0-9]{3}-555-01[0-9]{2}$'", "0"},
      {"SELECT count(*) FROM clinic.customers WHERE national_id !~ '^9[0-9]{2}-[0-4][0-9]-[0-9]{4}$'", "0"},
      {"SELECT count(*) FROM clinic.customers WHERE card_number !~ '^[0-9]{16}$'", "0"},
      {"SELECT count(*) = count(DISTINCT email) AND count(*) = count(DISTINCT national_id) FROM clinic.customers", "t"},
      // Luhn, written another way round than the generator: from the right, every second doubled.
      {"SELECT count(*) FROM clinic.customers WHERE (SELECT sum((d * (1 + i % 2)) / 10 + (d * (1 + i % 2)) % 10) FROM "
       "(SELECT i, substr(reverse(card_number), i + 1, 1)::int AS d FROM generate_series(0, 15) AS i) AS t) % 10 <> 0",
       "0"},
      {"SELECT bool_and(birth_date BETWEEN '1930-01-01' AND '2010-01-01' AND salary BETWEEN 20000 AND 200000) "
       "FROM clinic.customers",
       "t"},
      {"SELECT count(*) FROM clinic.orders o JOIN (SELECT order_id, tenant, sum(amount) AS total FROM clinic.invoices "
       "GROUP BY 1, 2) i ON i.order_id = o.id AND i.tenant = o.tenant WHERE i.total = o.quantity * o.unit_price",
       "60000"},
      {"SELECT string_agg(status, ',' ORDER BY status) FROM (SELECT DISTINCT status FROM clinic.invoices) s",
       "open,overdue,paid,void"},
      {"SELECT bool_and((status = 'paid') = (paid_at IS NOT NULL)) FROM clinic.invoices", "t"},
      {"SELECT bool_and(pg_get_userbyid(relowner) = 'demo_owner') FROM pg_class WHERE relnamespace = 'clinic'::regnamespace",
       "t"},
      {"SELECT has_database_privilege('public', 'demo', 'CONNECT')", "f"},
      // The same rows on every machine and version.
      {"SELECT md5(string_agg(c::text, E'\\n' ORDER BY id)) FROM (SELECT id, tenant, name, email, phone, national_id, card_number, "
       "birth_date, salary, notes, created_at AT TIME ZONE 'UTC' FROM clinic.customers) AS c",
       BZ_DEMO_CUSTOMERS_MD5},
  };
  for (const auto& [sql, expected] : facts) {
    CAPTURE(sql);
    CHECK(scalar(connection, sql) == expected);
  }

  {
    INFO("no demo role signs in before it has a password; then each has its rights and no more");
    const SecretBytes password(std::string_view("correct horse"));
    for (const auto role : kDemoRoles) {
      auto endpoint = server->endpoint("demo");
      endpoint.user = role;
      CHECK(ControlConnection::connect(endpoint, password, in(20s)).error().code == Errc::Unauthenticated);
      REQUIRE(connection.set_role_password(role, password, in(10s)));
    }
    auto owner = sign_in(server, "demo_owner", password);
    auto app = sign_in(server, "demo_app", password);
    auto reader = sign_in(server, "demo_reader", password);
    CHECK(owner.exec("CREATE TABLE clinic.extra (n int)", in(10s)));
    CHECK(app.exec("INSERT INTO clinic.extra VALUES (1)", in(10s)));
    CHECK(reader.exec("SELECT * FROM clinic.extra", in(10s)));
    CHECK(app.exec(
        "INSERT INTO clinic.customers (tenant, name, email, phone, national_id, card_number, birth_date, salary) "
        "VALUES ('northside', 'n', 'e', 'p', 'i', 'c', '2000-01-01', 1)",
        in(10s)));
    CHECK(scalar(reader, "SELECT max(id) FROM clinic.customers") == "20001");
    CHECK(reader.exec("DELETE FROM clinic.invoices", in(10s)).error().code == Errc::PermissionDenied);
    CHECK(app.exec("DROP TABLE clinic.extra", in(10s)).error().code == Errc::PermissionDenied);
    CHECK(app.exec("INSERT INTO clinic.orders (tenant, customer_id, service, quantity, unit_price, status) "
                   "VALUES ('lakeview', 20001, 's', 1, 1, 'done')",
                   in(10s))
              .error()
              .detail.find("23503") != std::string::npos);  // a customer of the other clinic
  }
  {
    INFO("again: nothing is done twice");
    REQUIRE(connection.exec("DELETE FROM clinic.invoices WHERE id = 1", in(10s)));
    const auto again = load_demo(server->endpoint(), server->superuser_password(), {}, in(120s));
    REQUIRE(again);
    CHECK_FALSE(again->loaded);
    CHECK(again->rows == 200001 + 1);  // without the deleted invoice, with the app's customer
  }
}

TEST_SUITE_END();
