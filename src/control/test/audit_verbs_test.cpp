#include <doctest/doctest.h>

#include <algorithm>

#include "audit_filter.hpp"
#include "audit_summary.hpp"

namespace bartizan::control {
namespace {

constexpr std::string_view kStatement =
    R"({"class_uid":6005,"status_code":"00000","metadata":{"uid":"42","tenant_uid":"acme"},)"
    R"("actor":{"user":{"name":"mia"}},"src_endpoint":{"ip":"192.0.2.1","port":4711},"database":{"name":"demo"},"query_info":{"uid":"00ff"},)"
    R"("unmapped":{"bartizan":{"event":"statement","time_us":1700000000123456,"tag":"SELECT","effect":"read",)"
    R"("relations":[{"schema":"shop","name":"orders","access":"read"},{"name":"lines","access":"read"}],)"
    R"("outcome":{"status":"ok","rows":3,"bytes":99,"duration_us":7}}}})";

AuditFilter of(void (*set)(AuditFilter&)) {
  AuditFilter filter;
  set(filter);
  return filter;
}

/// What an index made of this one record alone says.
bool index_finds(const AuditFilter& filter, std::string_view entry) {
  audit::RecordTerms record;
  REQUIRE(audit::read_terms(entry, record));
  const auto query = filter.query();
  if (query.from_ms && record.time_ms < *query.from_ms) return false;
  if (query.to_ms && record.time_ms > *query.to_ms) return false;
  return std::all_of(query.groups.begin(), query.groups.end(), [&](const auto& group) {
    return std::any_of(group.begin(), group.end(), [&](audit::Term term) {
      return std::binary_search(record.terms.begin(), record.terms.end(), term);
    });
  });
}

TEST_CASE("a summary counts by what it is asked for, and by time") {
  const auto record = [](std::int64_t us, std::string_view rest) {
    return Document::
        parse(R"({"actor":{"user":{"name":"mia"}},"database":{"name":"demo"},"unmapped":{"bartizan":{"event":"statement",)"
              R"("time_us":)" +
              std::to_string(us) + R"(,"tag":"SELECT",)" + std::string(rest) +
              R"("outcome":{"status":"ok","rows":3,"bytes":1,"duration_us":1}}}})")
            .value();
  };
  constexpr std::int64_t kHourUs = 3'600'000'000;
  constexpr std::int64_t kFirst = 1'700'000'000'000'000;  // 2023-11-14T22:13:20Z
  const std::string known = R"("class":"aa","relations":[{"schema":"s","name":"t","read":["a","b"],"masked":["b"]},)"
                            R"({"schema":"s","name":"u","read":["a"]}],)";
  const std::string unknown = R"("relations":[{"schema":"s","name":"t"}],)";
  const std::vector<Document> records = {record(kFirst, known), record(kFirst + 1, known),
                                         record(kFirst + kHourUs, unknown), record(kFirst + 3 * kHourUs, ""),
                                         record(kFirst + 3 * kHourUs, R"("omitted_bytes":9,)")};
  const auto counts = [&](SummaryBy by, SummaryPer per) {
    AuditSummary summary({by, per});
    for (const auto& one : records) summary.add(one);
    std::string out;
    for (const auto& row : summary.rows()) {
      const auto* const time = row.find("time")->as<std::string>();
      out += (time == nullptr ? "" : *time + " ") + *row.find("key")->as<std::string>() + "=" +
             std::to_string(*row.find("records")->as<std::int64_t>()) + "/" +
             std::to_string(*row.find("rows")->as<std::int64_t>()) + ";";
    }
    return out;
  };
  CHECK(counts(SummaryBy::Identity, SummaryPer::All) == "mia=5/15;");
  CHECK(counts(SummaryBy::Table, SummaryPer::All) == "s.t=3/9;s.u=2/6;=1/3;?=1/3;");
  CHECK(counts(SummaryBy::Column, SummaryPer::All) == "s.t.a=2/6;s.t.b=2/6;s.u.a=2/6;=1/3;?=1/3;s.t.?=1/3;");
  CHECK(counts(SummaryBy::Action, SummaryPer::Day) == "2023-11-15 SELECT=2/6;2023-11-14 SELECT=3/9;");
  CHECK(counts(SummaryBy::Depot, SummaryPer::Month) == "2023-11 demo=5/15;");
  CHECK(counts(SummaryBy::Outcome, SummaryPer::Hour) ==
        "2023-11-15T01:00Z ok=2/6;2023-11-14T23:00Z ok=1/3;2023-11-14T22:00Z ok=2/6;");
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
           Case{of([](AuditFilter& f) { f.action = "read"; }), true},
           Case{of([](AuditFilter& f) { f.action = "write"; }), false},
           Case{of([](AuditFilter& f) { f.address = "192.0.2.1"; }), true},
           Case{of([](AuditFilter& f) { f.address = "192.0.2.1:4711"; }), false},
           Case{of([](AuditFilter& f) { f.depot = "demo"; }), true},
           Case{of([](AuditFilter& f) { f.depot = "mia"; }), false},
           Case{of([](AuditFilter& f) { f.fingerprint = "00ff"; }), true},
           Case{of([](AuditFilter& f) { f.fingerprint = "ff"; }), false},
           // Whose columns are not known may have been any.
           Case{of([](AuditFilter& f) { f.column = "shop.orders.total"; }), true},
           Case{of([](AuditFilter& f) { f.column = "lines.price"; }), true},
           Case{of([](AuditFilter& f) { f.column = "shop.lines.price"; }), false},
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
    if (each.found) CHECK(index_finds(each.filter, kStatement));
  }
}

constexpr std::string_view kUnderPolicy =
    R"({"class_uid":6005,"status_code":"00000","actor":{"user":{"name":"ana"}},"src_endpoint":{"name":"local"},)"
    R"("unmapped":{"bartizan":{"event":"execute","time_us":1,"class":"00000000000000aa","relations":[)"
    R"({"schema":"clinic","name":"customers","access":"read","read":["name","ssn"],"masked":["ssn"]},)"
    R"({"schema":"clinic","name":"visits","access":"write","written":["day"]}],"outcome":{"status":"ok"}}}})";

TEST_CASE("who saw this column: those whose records name it, of identities under a policy no others") {
  const auto record = Document::parse(kUnderPolicy);
  REQUIRE(record.has_value());
  struct Case {
    const char* column;
    bool found;
  };
  for (const Case& each :
       {Case{"clinic.customers.ssn", true}, Case{"customers.ssn", true}, Case{"clinic.customers.birthday", false},
        Case{"clinic.visits.day", true}, Case{"clinic.visits.ssn", false}, Case{"other.customers.ssn", false}}) {
    CAPTURE(each.column);
    AuditFilter filter;
    filter.column = each.column;
    CHECK(filter.matches(*record) == each.found);
    CHECK(index_finds(filter, kUnderPolicy) == each.found);
    if (each.found) CHECK(filter.may_match(kUnderPolicy));
  }
  const Document row(audit_row("t-a", 1, *record));
  CHECK(*row.find("columns")->as<std::string>() ==
        "clinic.customers.name, clinic.customers.ssn (masked), clinic.visits.day");
}

TEST_CASE("a record whose members were left out is found by any table: it may have named it") {
  const std::string entry =
      R"({"unmapped":{"bartizan":{"event":"statement","time_us":1,"omitted_bytes":99,"outcome":{"status":"ok"}}}})";
  const auto record = Document::parse(entry);
  for (const bool by_column : {false, true}) {
    AuditFilter filter;
    (by_column ? filter.column : filter.table) = "clinic.customers";
    CHECK(filter.may_match(entry));
    CHECK(filter.matches(*record));
    CHECK(index_finds(filter, entry));
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
        R"("address":"192.0.2.1","event":"statement","action":"SELECT","tables":"shop.orders, lines",)"
        R"("columns":"unknown","outcome":"ok","sqlstate":"00000","rows":3,"fingerprint":"00ff"})");
}

}  // namespace
}  // namespace bartizan::control
