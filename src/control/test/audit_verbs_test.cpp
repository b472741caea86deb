#include <doctest/doctest.h>

#include "audit_filter.hpp"

namespace bartizan::control {
namespace {

constexpr std::string_view kStatement =
    R"({"class_uid":6005,"status_code":"00000","metadata":{"uid":"42","tenant_uid":"acme"},)"
    R"("actor":{"user":{"name":"mia"}},"src_endpoint":{"ip":"192.0.2.1","port":4711},"database":{"name":"demo"},)"
    R"("unmapped":{"bartizan":{"event":"statement","time_us":1700000000123456,"tag":"SELECT",)"
    R"("relations":[{"schema":"shop","name":"orders","access":"read"},{"name":"lines","access":"read"}],)"
    R"("outcome":{"status":"ok","rows":3,"bytes":99,"duration_us":7}}}})";

AuditFilter of(void (*set)(AuditFilter&)) {
  AuditFilter filter;
  set(filter);
  return filter;
}

TEST_CASE("a filter finds the records that it names, and no others") {
  struct Case {
    AuditFilter filter;
    bool found;
  };
  const WallTime begun{std::chrono::microseconds(1700000000123456)};
  AuditFilter from;
  from.from = begun;
  AuditFilter later;
  later.from = begun + std::chrono::microseconds(1);
  AuditFilter to;
  to.to = begun;
  const auto record = Document::parse(kStatement);
  REQUIRE(record.has_value());
  for (const Case& each : {
           Case{AuditFilter{}, true},
           Case{of([](AuditFilter& f) { f.identity = "mia"; }), true},
           Case{of([](AuditFilter& f) { f.identity = "mi"; }), false},
           Case{of([](AuditFilter& f) { f.identity = "demo"; }), false},
           Case{of([](AuditFilter& f) { f.table = "shop.orders"; }), true},
           Case{of([](AuditFilter& f) { f.table = "orders"; }), true},
           Case{of([](AuditFilter& f) { f.table = "lines"; }), true},
           Case{of([](AuditFilter& f) { f.table = "other.orders"; }), false},
           Case{of([](AuditFilter& f) { f.table = "shop.lines"; }), false},
           Case{of([](AuditFilter& f) { f.action = "SELECT"; }), true},
           Case{of([](AuditFilter& f) { f.action = "statement"; }), true},
           Case{of([](AuditFilter& f) { f.action = "ok"; }), false},
           Case{of([](AuditFilter& f) { f.outcome = "ok"; }), true},
           Case{of([](AuditFilter& f) { f.outcome = "refused"; }), false},
           Case{from, true},
           Case{later, false},
           Case{to, false},
       }) {
    CAPTURE(each.filter.identity + each.filter.table + each.filter.action + each.filter.outcome);
    CHECK(each.filter.matches(*record) == each.found);
    // The cheap look never hides what matches.
    if (each.found) CHECK(each.filter.may_match(kStatement));
  }
}

TEST_CASE("the cheap look passes over checkpoints and what can't match") {
  CHECK_FALSE(AuditFilter{}.may_match("log.example/t-acme\n1\n"));
  AuditFilter filter;
  filter.identity = "nobody";
  CHECK_FALSE(filter.may_match(kStatement));
  filter.identity = "a\"b";  // stands there escaped
  CHECK(filter.may_match(kStatement));
}

TEST_CASE("a row says what a person looks for first") {
  const auto record = Document::parse(kStatement);
  const Document row(audit_row("t-acme", 41, *record));
  CHECK(row.to_json() ==
        R"({"record":"t-acme:41","time":"2023-11-14T22:13:20.123456Z","identity":"mia","tenant":"acme","depot":"demo",)"
        R"("address":"192.0.2.1","event":"statement","action":"SELECT","tables":"shop.orders, lines","outcome":"ok",)"
        R"("sqlstate":"00000","rows":3})");
}

}  // namespace
}  // namespace bartizan::control
