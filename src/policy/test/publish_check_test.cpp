#include "bartizan/policy/publish_check.hpp"

#include <algorithm>

#include "shop_catalog.hpp"

namespace bartizan::policy {
namespace {

using namespace shop;

std::vector<Finding> check(const std::string& yaml, sql::CatalogContents from = contents()) {
  return publish_check(policies(yaml), kDepot, *catalog(std::move(from)));
}

const Finding* find(const std::vector<Finding>& findings, std::string_view code) {
  const auto found = std::ranges::find(findings, code, &Finding::code);
  return found == findings.end() ? nullptr : &*found;
}

std::string data(std::string_view name, std::string_view body, std::string_view columns = "names: [email]",
                 int priority = 50, std::string_view users = "'**'", std::string_view head = "") {
  return "name: " + std::string(name) + "\nversion: v1\ntype: policy\n" + std::string(head) +
         "policy: {data: {priority: " + std::to_string(priority) +
         ", depot: demo, collection: public, dataset: customers, selector: {user: {tags: [" + std::string(users) +
         "]}" + (columns.empty() ? "" : ", column: {" + std::string(columns) + "}") + "}, " + std::string(body) +
         "}}\n---\n";
}

std::string writers(std::string_view table) {
  return "name: w\nversion: v1\ntype: policy\npolicy: {access: {subjects: {tags: ['**']}, predicates: [read, insert, update], objects: {paths: "
         "['demo:public." +
         std::string(table) + "']}, allow: true}}\n---\n";
}

const std::string kTenancy =
    "name: t\nversion: v1\ntype: tenancy\ntenancy: {tables: ['demo:public.{customers,orders}']}\n---\n";

struct LintCase {
  const char* code;
  const char* table;
  const char* column;
  std::string yaml;
  std::string without;  // the same with the fault mended: no such finding
};

TEST_CASE("every finding is found, and gone once mended") {
  const std::string hash = "type: mask, mask: {operator: hash}";
  const std::string clear = "type: mask, mask: {operator: pass_through}";
  const std::string regex = "type: mask, mask: {operator: regex_replace, regex_replace: {pattern: a, replacement: b}}";
  const std::string pattern = "type: mask, mask: {operator: rand_pattern, rand_pattern: {pattern: '##'}}";
  const std::string classified =
      "{name: c, version: v1, type: classification, classification: {depot: demo, table: customers, columns: {name: [PII.Name]}}}\n---\n";
  const auto filter = [](const char* text) {
    return std::string("type: filter, filters: [{expression: \"") + text + "\"}]";
  };
  const std::vector<LintCase> cases = {
      {"mask_type", "customers", "email",
       data("a", "type: mask, mask: {operator: bucket_date, bucket_date: {precision: year}}"), data("a", hash)},
      {"mask_type", "customers", "ssn", data("a", hash, "names: [ssn]"), data("a", hash, "names: [name]")},
      {"masks_tie", "customers", "email", data("a", hash) + data("b", pattern),
       data("a", hash) + data("b", pattern, "names: [email]", 51)},
      {"masks_tie", "customers", "email",
       data("a", hash, "names: [email]", 50, "users:id:ana") + data("b", pattern, "names: [email]", 50, "roles:id:x"),
       data("a", hash, "names: [email]", 50, "users:id:ana") +
           data("b", pattern, "names: [email]", 50, "users:id:bob")},
      {"masks_tie", "customers", "email",
       data("a", hash + ", condition: {purposes: [x]}") + data("b", pattern + ", condition: {purposes: [x, y]}"),
       data("a", hash + ", condition: {purposes: [x]}") + data("b", pattern + ", condition: {purposes: [y]}")},
      {"masks_tie", "customers", "email",
       data("a", hash + ", condition: {attributes: {r: [x]}}") +
           data("b", pattern + ", condition: {attributes: {s: [y]}}"),
       data("a", hash + ", condition: {attributes: {r: [x]}}") +
           data("b", pattern + ", condition: {attributes: {r: [y]}}")},
      {"masks_tie", "customers", "email",
       data("a", hash + ", condition: {until: 2027-01-02}") + data("b", pattern + ", condition: {from: 2027-01-01}"),
       data("a", hash + ", condition: {until: 2027-01-01}") + data("b", pattern + ", condition: {from: 2027-01-01}")},
      {"mask_on_key", "customers", "email", data("a", hash), data("a", hash, "names: [name]")},
      {"token_writable", "customers", "email", data("a", "type: mask, mask: {operator: hash, writable: true}"),
       data("a", "type: mask, mask: {operator: redact, writable: true}")},
      {"clear_exception", "customers", "email", data("a", clear), data("a", clear, "names: [email]", 99)},
      {"clear_exception", "customers", "email", data("a", clear),
       data("a", clear + ", condition: {purposes: [fraud]}")},
      {"regex_may_not_match", "customers", "email", data("a", regex), data("a", hash)},
      {"unique_reveals", "customers", "", kTenancy + writers("customers"), kTenancy + writers("orders")},
      {"unique_reveals", "customers", "", data("f", filter("region = 'x'"), "") + writers("customers"),
       data("f", filter("region = 'x'"), "")},
      {"foreign_key_reveals", "orders", "", kTenancy + writers("orders"), kTenancy + writers("customers")},
      {"tenant_column_missing", "countries", "",
       "name: t\nversion: v1\ntype: tenancy\ntenancy: {tables: ['demo:public']}\n", kTenancy},
      {"tenant_type", "customers", "tenant_id",
       "name: t\nversion: v1\ntype: tenancy\ntenancy: {tables: ['demo:public.customers'], type: uuid}\n", kTenancy},
      {"tenancies_contradict", "", "",
       kTenancy + "name: u\nversion: v1\ntype: tenancy\ntenancy: {tables: ['demo:public.orders'], type: bigint}\n",
       kTenancy},
      {"filter_invalid", "customers", "", data("f", filter("regoin = 'x'"), ""), data("f", filter("region = 'x'"), "")},
      {"filter_invalid", "customers", "", data("f", filter("region = subject.region"), ""),
       data("f", filter("region = subject.region"), "") +
           "{name: a, version: v1, type: attributes, attributes: {region: text}}"},
      {"filter_invalid", "customers", "",
       data("f", filter("region IN (SELECT m.region FROM maps.region_access m)"), ""),
       data("f", filter("region IN (SELECT m.region FROM maps.region_access m)"), "") +
           "{name: m, version: v1, type: mapping, mapping: {tables: ['demo:maps.region_access']}}"},
      {"aggregate_entity", "customers", "", data("a", "type: aggregate, aggregate: {k: 5, entity: idd}", ""),
       data("a", "type: aggregate, aggregate: {k: 5, entity: id}", "")},
      {"aggregate_entity", "customers", "",
       data("a", "type: aggregate, aggregate: {k: 5, entity: id}", "") +
           data("b", "type: aggregate, aggregate: {k: 5, entity: email}", ""),
       data("a", "type: aggregate, aggregate: {k: 5, entity: id}", "") +
           data("b", "type: aggregate, aggregate: {k: 6, entity: id}", "")},
      {"aggregate_reads_alone", "customers", "",
       writers("customers") + data("a", "type: aggregate, aggregate: {k: 5, entity: id}", ""),
       data("a", "type: aggregate, aggregate: {k: 5, entity: id}", "")},
      {"grant_without_end", "", "", "name: g\nversion: v1\ntype: grant\ngrant: {subjects: {tags: [a]}, purpose: p}\n",
       "name: g\nversion: v1\ntype: grant\ngrant: {subjects: {tags: [a]}, purpose: p, until: 2027-01-01}\n"},
      {"matches_nothing", "", "", data("a", hash, "names: [emial]"), data("a", hash)},
      {"matches_nothing", "", "", writers("order"), writers("orders")},
      {"tag_unmasked", "customers", "name", classified, classified + data("a", hash, "tags: [PII.Name]")},
      {"unclassified", "customers", "born", classified, data("a", hash, "names: ['*']")},
      {"stale_classification", "", "",
       "{name: c, version: v1, type: classification, classification: {depot: demo, table: customers, columns: {nmae:}}}",
       "{name: c, version: v1, type: classification, classification: {depot: demo, table: customers, columns: {name:}}}"},
      {"stale_classification", "", "",
       "{name: c, version: v1, type: classification, classification: {depot: demo, table: customer, columns: {name:}}}",
       "{name: c, version: v1, type: classification, classification: {depot: other, table: customer, columns: {name:}}}"},
  };
  for (const LintCase& c : cases) {
    CAPTURE(c.code);
    CAPTURE(c.yaml);
    const auto findings = check(c.yaml);
    const auto found = std::ranges::find_if(
        findings, [&](const Finding& f) { return f.code == c.code && f.table == c.table && f.column == c.column; });
    CHECK(found != findings.end());
    const auto mended = check(c.without);
    CHECK(std::ranges::none_of(
        mended, [&](const Finding& f) { return f.code == c.code && f.table == c.table && f.column == c.column; }));
  }
}

TEST_CASE("findings that hang on the table") {
  sql::CatalogContents from = contents();
  from.relations[0].has_user_triggers = true;
  from.relations[0].has_rules = true;
  from.relations[0].columns[2].not_null = true;
  from.relations[0].columns[3].type = kEmailDomain;
  const auto findings =
      check(writers("customers") + data("a", "type: mask, mask: {operator: redact}", "names: [name, email]"), from);
  for (const char* code : {"trigger_as_class", "rules_as_class", "insert_needs_value", "domain_check"})
    CHECK_MESSAGE(find(findings, code) != nullptr, code);
  const auto reading = check(data("a", "type: mask, mask: {operator: redact}", "names: [name]"), from);
  for (const char* code : {"trigger_as_class", "rules_as_class", "insert_needs_value"})
    CHECK_MESSAGE(find(reading, code) == nullptr, code);
}

TEST_CASE("warnings are acknowledged by their policy's author alone, errors never") {
  const std::string hash = "type: mask, mask: {operator: hash}";
  CHECK_FALSE(publishable(check(data("a", hash))));
  const auto good = check(data("a", hash, "names: [email]", 50, "'**'", "acknowledge: [mask_on_key]\n"));
  CHECK(publishable(good));
  CHECK(find(good, "mask_on_key")->acknowledged);
  CHECK_FALSE(publishable(
      check(data("a", hash) + data("b", hash, "names: [email]", 50, "'**'", "acknowledge: [mask_on_key]\n"))));
  const auto bad = check(data("a", hash, "names: [ssn]", 50, "'**'", "acknowledge: [mask_type]\n"));
  CHECK_FALSE(publishable(bad));
  CHECK_FALSE(find(bad, "mask_type")->acknowledged);
  CHECK(publishable(check(std::string(kReaders))));
}

TEST_CASE("codes are sorted and each once") {
  const auto& codes = finding_codes();
  CHECK(std::ranges::adjacent_find(
            codes, [](const FindingCode& a, const FindingCode& b) { return !(a.code < b.code); }) == codes.end());
}

}  // namespace
}  // namespace bartizan::policy
