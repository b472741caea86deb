#include "bartizan/policy/manifest.hpp"

#include <fmt/format.h>

#include "shop_catalog.hpp"

namespace bartizan::policy {
namespace {

using namespace shop;

std::string mask_manifest(std::string_view mask) {
  return fmt::format(R"(name: m
version: v1
type: policy
policy:
  data:
    type: mask
    depot: demo
    selector: {{user: {{match: any, tags: ["roles:id:x"]}}, column: {{names: [a]}}}}
    mask: {}
)",
                     mask);
}

struct MaskCase {
  const char* yaml;
  Mask mask;
};

TEST_CASE("every mask is read with its arguments") {
  const std::vector<MaskCase> cases = {
      {"{operator: hash, hash: {algo: sha256}}", HashMask{}},
      {"{operator: hash}", HashMask{}},
      {"{operator: bucket_number, bucket_number: {buckets: [5, 10, 15.50]}}", BucketNumberMask{{"5", "10", "15.5"}}},
      {"{operator: bucket_date, bucket_date: {precision: month}}", BucketDateMask{DateUnit::Month}},
      {"{operator: date_precision, date_precision: {precision: year}}", BucketDateMask{DateUnit::Year}},
      {"{operator: redact, redact: {replacement: gone}}", RedactMask{"gone"}},
      {"{operator: redact}", RedactMask{"REDACTED"}},
      {"{operator: rand_pattern, rand_pattern: {pattern: '####-####'}}", RandPatternMask{"####-####"}},
      {"{operator: regex_replace, regex_replace: {pattern: '.{5}$', replacement: xxxxx}}",
       RegexReplaceMask{".{5}$", "xxxxx"}},
      {"{operator: regex_replace, regex_replace: {pattern: '(.)@', replacement: '$1***'}}",
       RegexReplaceMask{"(.)@", "\\1***"}},
      {"{operator: pass_through}", PassThroughMask{}},
      {"{operator: pass_through, pass_through: {}}", PassThroughMask{}},
      {"{operator: partial, partial: {last: 4}}", PartialMask{0, 4, "***"}},
      {"{operator: partial, partial: {first: 1, last: 2, fill: '#'}}", PartialMask{1, 2, "#"}},
      {"{operator: email}", EmailMask{0, true}},
      {"{operator: email, email: {first: 2, keep_domain: false}}", EmailMask{2, false}},
      {"{operator: null}", NullMask{}},
      {"{operator: 'null'}", NullMask{}},
      {"{operator: null, null: }", NullMask{}},
      {"{writable: true, operator:   null} # Ä", NullMask{}},
      {"{operator: constant, constant: {value: '0'}}", ConstantMask{"0"}},
      {"{operator: json_path, json_path: {edits: [{path: [a, '*', b], action: redact, replacement: x}, {path: [c], action: null}]}}",
       JsonPathMask{{{{"a", "*", "b"}, JsonAction::Redact, "x"}, {{"c"}, JsonAction::Null, ""}}}},
  };
  for (const MaskCase& c : cases) {
    CAPTURE(c.yaml);
    const PolicySet set = policies(mask_manifest(c.yaml));
    REQUIRE(set.data.size() == 1);
    CHECK(std::get<MaskRule>(set.data[0].rule).mask == c.mask);
  }
  CHECK(std::get<MaskRule>(policies(mask_manifest("{operator: hash, writable: true}")).data[0].rule).writable);
}

TEST_CASE("a mask that is not understood is refused") {
  for (const char* yaml : {
           "{}",
           "{operator: has}",
           "{operator: hash, hash: {algo: md5}}",
           "{operator: hash, hash: {salt: x}}",
           "{operator: hash, email: {first: 1}}",
           "{operator: bucket_number}",
           "{operator: bucket_number, bucket_number: {buckets: []}}",
           "{operator: bucket_number, bucket_number: {buckets: [2, 1]}}",
           "{operator: bucket_number, bucket_number: {buckets: [1, 1.0]}}",
           "{operator: bucket_number, bucket_number: {buckets: [1e3]}}",
           "{operator: bucket_date, bucket_date: {precision: decade}}",
           "{operator: bucket_date}",
           "{operator: rand_pattern, rand_pattern: {pattern: abc}}",
           "{operator: regex_replace, regex_replace: {pattern: a}}",
           "{operator: regex_replace, regex_replace: {pattern: '', replacement: a}}",
           "{operator: regex_replace, regex_replace: {pattern: '(?<n>a)', replacement: a}}",
           "{operator: regex_replace, regex_replace: {pattern: '\\p{L}', replacement: a}}",
           "{operator: regex_replace, regex_replace: {pattern: 'a++', replacement: a}}",
           "{operator: regex_replace, regex_replace: {pattern: '***=a', replacement: a}}",
           "{operator: partial}",
           "{operator: partial, partial: {first: -1}}",
           "{operator: partial, partial: {first: 2000}}",
           "{operator: constant}",
           "{operator: pass_through, pass_through: {x: 1}}",
           "{operator: json_path, json_path: {edits: []}}",
           "{operator: json_path, json_path: {edits: [{path: [], action: remove}]}}",
           "{operator: json_path, json_path: {edits: [{path: [a], action: drop}]}}",
           "{operator: json_path, json_path: {edits: [{path: [a], action: remove, replacement: x}]}}",
           "hash",
           "[]",
       }) {
    CAPTURE(yaml);
    CHECK_FALSE(read_manifest(mask_manifest(yaml), "x").ok());
  }
}

TEST_CASE("DataOS's access policy comes in as it is") {
  const PolicySet set = policies(R"(
name: "customer-read"
version: v1
type: policy
layer: system
tags: [dataos:type:resource]
owner: metis
description: "users with a role may read customer data"
policy:
  access:
    subjects:
      tags:
        - - "roles:id:data-dev"
        - - "roles:id:user"
          - "users:id:aayushi"
    predicates: [create, read, update, write, delete, get, put, post, options]
    objects:
      paths:
        - "dataos://demo:retail/customer*"
        - dataos://demo:public/**
    allow: true
)");
  REQUIRE(set.access.size() == 1);
  const AccessPolicy& policy = set.access[0];
  CHECK(policy.head.name == "customer-read");
  CHECK(policy.head.system_layer);
  CHECK(policy.head.owner == "metis");
  CHECK(policy.head.position.line == 2);
  CHECK(policy.allow);
  CHECK(policy.verbs == VerbSet{Verb::Read, Verb::Insert, Verb::Update, Verb::Delete});
  REQUIRE(policy.subjects.any_of.size() == 2);
  CHECK(policy.subjects.any_of[1].size() == 2);
  CHECK(policy.paths.size() == 2);

  const PolicySet tagged = policies(R"(
name: pii-denied
version: v1
type: policy
policy:
  access:
    subjects: {tags: ["roles:id:**"]}
    predicates: [read]
    objects: {tags: [[PII.Email, dataos:type:column], [PII.Name]]}
)");
  CHECK_FALSE(tagged.access[0].allow);  // DataOS's default
  CHECK(tagged.access[0].object_tags.any_of.size() == 2);
}

TEST_CASE("DataOS's data policies come in as they are") {
  const PolicySet set = policies(R"(
name: bucket-age
version: v1
type: policy
layer: user
description: "data policy to bucket ages"
policy:
  data:
    type: mask
    name: age_bucket
    priority: 42
    depot: demo
    collection: public
    dataset: "{customers,orders}"
    selector:
      user:
        match: all
        tags:
          - roles:id:user
          - "users:id:**"
      column:
        names: [age, "*_age"]
    mask:
      operator: bucket_number
      bucket_number:
        buckets:
          - 5
          - 10
---
name: phone
version: v1
type: policy
policy:
  data:
    type: mask
    priority: 99
    dataset_id: demo:public.customers
    selector: {user: {match: any, tags: ["**"]}, column: {tags: [PII.PhoneNumber]}}
    mask: {operator: regex_replace, regex_replace: {pattern: '.{5}$', replacement: xxxxx}}
---
name: city
version: v1
type: policy
policy:
  data:
    type: filter
    name: "filter icebase retail city"
    depot: demo
    collection: public
    dataset: orders
    priority: 1
    selector: {user: {match: any, tags: ["roles:id:user"]}}
    filters:
      - {column: region, operator: not_equals, value: Verbena}
      - column: region
        operator: equals
        value: "O'Fallon"
)");
  REQUIRE(set.data.size() == 3);
  CHECK(set.data[0].priority == 42);
  CHECK(set.data[0].users.match == Match::All);
  CHECK(set.data[0].dataset.matches_table({"demo", "public", "orders", ""}));
  CHECK(std::get<MaskRule>(set.data[0].rule).columns.names.size() == 2);
  CHECK(set.data[1].dataset.text() == "demo:public.customers");
  CHECK(std::get<MaskRule>(set.data[1].rule).columns.tags.size() == 1);
  CHECK(std::get<FilterRule>(set.data[2].rule).expressions ==
        std::vector<std::string>{"\"region\" <> 'Verbena'", "\"region\" = 'O''Fallon'"});
}

TEST_CASE("our own kinds and additions") {
  const Manifest m = manifest(R"(
name: c
version: v1
type: classification
classification:
  depot: demo
  table: customers
  tags: [gold]
  columns: {id: [], email: [PII.Email, pii.contact], note:}
---
{name: g, version: v1, type: group, group: {roles: [analyst, reader]}}
---
name: fraud
version: v1
type: grant
reason: case 17
grant: {subjects: {tags: ["users:id:ana"]}, purpose: fraud, roles: [investigator], from: 2027-01-01, until: 2027-02-01T12:00:00+01:00}
---
{name: a, version: v1, type: attributes, attributes: {region: text, cost_centre: bigint, regions: 'text[]'}}
---
{name: t, version: v1, type: tenancy, tenancy: {tables: ["demo:public"], shared: ["demo:public.countries"], column: tenant_id, type: text}}
---
{name: maps, version: v1, type: mapping, mapping: {tables: ["demo:maps.*"]}}
---
name: few
version: v1
type: policy
acknowledge: [mask_on_key]
policy:
  data:
    type: aggregate
    depot: demo
    selector: {user: {tags: ["**"]}}
    aggregate: {k: 10, entity: id}
    condition: {purposes: [research], from: 2027-01-01, attributes: {region: [eu, us]}}
---
name: secret
version: v1
type: policy
policy:
  access:
    subjects: {tags: ["roles:id:intake"]}
    predicates: [insert, update]
    objects: {paths: ["demo:public.customers.ssn"]}
    allow: true
    write_only: true
)");
  const PolicySet& set = m.policies;
  REQUIRE(set.classifications.size() == 4);
  CHECK(set.classifications[0].column.empty());
  CHECK(set.classifications[2].tags == std::vector<std::string>{"PII.Email", "pii.contact"});
  CHECK(set.classifications[3].tags.empty());
  CHECK(set.groups[0].roles.size() == 2);
  CHECK(set.grants[0].head.reason == "case 17");
  CHECK(*set.grants[0].time.until == WallTime(std::chrono::seconds(1'801'479'600)));
  CHECK(set.attributes.size() == 3);
  CHECK(set.attributes[2].type == AttributeType::TextArray);
  CHECK(set.tenancies[0].shared.size() == 1);
  CHECK(set.mapping_tables.size() == 1);
  CHECK(std::get<AggregateRule>(set.data[0].rule) == AggregateRule{10, "id"});
  CHECK(set.data[0].condition.attributes[0].values.size() == 2);
  CHECK(set.data[0].head.acknowledged == std::vector<std::string>{"mask_on_key"});
  CHECK(set.access[0].write_only);
}

struct ErrorCase {
  const char* yaml;
  std::uint32_t line;
  std::uint32_t column;
  const char* part;
};

TEST_CASE("errors say where and what was meant") {
  const std::vector<ErrorCase> cases = {
      {"name: x\nversion: v1\ntype: polcy\npolicy: {}\n", 3, 7, "did you mean policy?"},
      {"name: x\nversion: v2\ntype: group\ngroup: {}\n", 2, 10, "must be one of v1"},
      {"version: v1\ntype: group\ngroup: {}\n", 1, 1, "needs name"},
      {"name: x\nversion: v1\ntype: group\ngruop: {}\ngroup: {}\n", 4, 1, "did you mean group?"},
      {"name: x\nversion: v1\ntype: group\ngroup:\n  rolles: []\n", 5, 3, "did you mean roles?"},
      {"name: x\nversion: v1\ntype: group\n", 1, 1, "needs group"},
      {"- a\n", 1, 1, "must be a map"},
      {"name: [\n", 2, 1, "not YAML"},
      {"", 0, 0, "no manifest"},
      {"a: &x 1\n", 1, 4, "anchors"},
      {"a: *x\n", 0, 0, ""},
      {"a: !!str 1\n", 1, 4, "explicit types"},
      {"a: 1\na: 2\n", 2, 1, "stands twice"},
      {"<<: {a: 1}\n", 1, 1, "merge keys"},
      {"? [a]\n: 1\n", 1, 3, "must be a word"},
  };
  for (const ErrorCase& c : cases) {
    CAPTURE(c.yaml);
    const Manifest m = read_manifest(c.yaml, "x");
    REQUIRE_FALSE(m.ok());
    const ManifestError& e = m.errors[0];
    CAPTURE(e.message);
    if (c.line != 0) CHECK(e.line == c.line);
    if (c.line != 0) CHECK(e.column == c.column);
    CHECK(e.message.find(c.part) != std::string::npos);
    CHECK(m.policies == PolicySet{});
  }
}

TEST_CASE("what a policy may not leave open") {
  const auto access = [](const char* body) {
    return std::string("name: x\nversion: v1\ntype: policy\npolicy: {access: ") + body + "}\n";
  };
  const auto data = [](const char* body) {
    return std::string("name: x\nversion: v1\ntype: policy\npolicy: {data: ") + body + "}\n";
  };
  const char* user = "selector: {user: {tags: [a]}}";
  const std::vector<std::string> refused = {
      access("{predicates: [read], objects: {paths: [demo]}}"),
      access("{subjects: {tags: []}, predicates: [read], objects: {paths: [demo]}}"),
      access("{subjects: {tags: [[]]}, predicates: [read], objects: {paths: [demo]}}"),
      access("{subjects: {tags: [a]}, predicates: [reed], objects: {paths: [demo]}}"),
      access("{subjects: {tags: [a]}, predicates: [read], objects: {}}"),
      access("{subjects: {tags: [a]}, predicates: [read], objects: {paths: []}}"),
      access("{subjects: {tags: [a]}, predicates: [read], objects: {paths: [demo], tags: [a]}}"),
      access("{subjects: {tags: [a]}, predicates: [read], objects: {paths: ['/metis/api']}}"),
      access("{subjects: {tags: [a]}, predicates: [read], objects: {paths: [demo]}, allow: 'true'}"),
      access("{subjects: {tags: [a]}, predicates: [read], objects: {paths: [demo]}, allow: yes}"),
      access("{subjects: {tags: [a]}, predicates: [read], objects: {paths: [demo]}, allow: true, write_only: true}"),
      access("{subjects: {tags: ['[a']}, predicates: [read], objects: {paths: [demo]}}"),
      data(fmt::format("{{type: mask, {}, mask: {{operator: hash}}}}", user).c_str()),
      data("{type: mask, selector: {column: {names: [a]}}, mask: {operator: hash}}"),
      data("{type: mask, selector: {user: {tags: [a]}, column: {}}, mask: {operator: hash}}"),
      data("{type: mask, selector: {user: {tags: [a]}, column: {names: [a], tags: [b]}}, mask: {operator: hash}}"),
      data(fmt::format("{{type: filter, {}, filters: []}}", user).c_str()),
      data(fmt::format("{{type: filter, {}, filters: [{{column: a, operator: like, value: x}}]}}", user).c_str()),
      data(fmt::format("{{type: filter, {}, filters: [{{column: a, operator: equals}}]}}", user).c_str()),
      data(fmt::format("{{type: filter, {}, filters: [{{expression: 'a = random()'}}]}}", user).c_str()),
      data(fmt::format("{{type: filter, {}, priority: 0, filters: [{{expression: 'a = 1'}}]}}", user).c_str()),
      data(fmt::format("{{type: filter, {}, priority: 101, filters: [{{expression: 'a = 1'}}]}}", user).c_str()),
      data(fmt::format("{{type: filter, {}, filters: [{{expression: 'a = 1'}}], dataset_id: 'demo:a.b', depot: demo}}",
                       user)
               .c_str()),
      data(fmt::format("{{type: aggregate, {}, aggregate: {{k: 1, entity: id}}}}", user).c_str()),
      data(fmt::format("{{type: view, {}}}", user).c_str()),
      "name: x\nversion: v1\ntype: policy\npolicy: {}\n",
      "name: x\nversion: v1\ntype: grant\ngrant: {subjects: {tags: [a]}}\n",
      "name: x\nversion: v1\ntype: grant\ngrant: {subjects: {tags: [a]}, purpose: p, from: 2027-01-02, until: 2027-01-01}\n",
      "name: x\nversion: v1\ntype: grant\ngrant: {subjects: {tags: [a]}, purpose: p, until: tomorrow}\n",
      "name: x\nversion: v1\ntype: attributes\nattributes: {Region: text}\n",
      "name: x\nversion: v1\ntype: attributes\nattributes: {tenant: text}\n",
      "name: x\nversion: v1\ntype: attributes\nattributes: {region: string}\n",
      "name: x\nversion: v1\ntype: tenancy\ntenancy: {tables: ['demo:public.orders.id']}\n",
      "name: x\nversion: v1\ntype: classification\nclassification: {depot: demo, table: t, columns: [a]}\n",
      "name: x\nversion: v1\ntype: test\ntest: {depot: demo, as: {identity: a}, expect: [{table: t}]}\n",
      "name: x\nversion: v1\ntype: test\ntest: {depot: demo, as: {identity: a}, expect: []}\n",
  };
  for (const std::string& yaml : refused) {
    CAPTURE(yaml);
    CHECK_FALSE(read_manifest(yaml, "x").ok());
  }
}

TEST_CASE("bounds hold") {
  CHECK_FALSE(read_manifest(std::string((std::size_t{1} << 20) + 1, ' '), "x").ok());
  CHECK_FALSE(read_manifest(std::string_view("a: \0", 4), "x").ok());
  for (const char* bytes : {"a: \xff", "a: \xc0\x80", "a: \xed\xa0\x80", "a: \xf4\x90\x80\x80", "a: \xe2\x82",
                            "\xff\xfe"
                            "a"}) {
    CHECK(read_manifest(bytes, "x").errors[0].message.find("UTF-8") != std::string::npos);
  }
  CHECK(read_manifest("\xef\xbb\xbf{name: g, version: v1, type: group, group: {roles: [null]}}", "x").errors.size() ==
        1);
  CHECK(
      read_manifest("\xef\xbb\xbf{name: gü, version: v1, type: group, group: {roles: [\xf0\x9f\x98\x80]}}", "x").ok());
  std::string deep;
  for (int i = 0; i < 600; ++i) deep += "[";
  CHECK(read_manifest(deep, "x").errors[0].message.find("nested deeper") != std::string::npos);
  std::string wide;
  for (int i = 0; i < 2100; ++i) wide += "k" + std::to_string(i) + ": 1\n";
  CHECK(read_manifest(wide, "x").errors[0].message.find("keys") != std::string::npos);
  std::string many = "name: x\nversion: v1\ntype: group\n";
  for (int i = 0; i < 100; ++i) many += "k" + std::to_string(i) + ": 1\n";
  CHECK(read_manifest(many, "x").errors.size() == 50);
}

TEST_CASE("files are put together, and nothing stands twice") {
  const PolicySet a = policies("{name: g, version: v1, type: group, group: {roles: [a]}}");
  const PolicySet b = policies("{name: h, version: v1, type: group, group: {roles: [a]}}");
  REQUIRE(merge({a, b}).has_value());
  CHECK(merge({a, b})->groups.size() == 2);
  CHECK(merge({a, a}).error().code == Errc::AlreadyExists);
  const PolicySet c = policies(
      "{name: c, version: v1, type: classification, classification: {depot: demo, table: t, columns: {x: [a]}}}");
  CHECK(merge({c, c}).error().code == Errc::AlreadyExists);
}

}  // namespace
}  // namespace bartizan::policy
