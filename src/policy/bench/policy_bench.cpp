// What a sign-in costs: resolve over a depot of 300 tables of 20 columns under 100 policies, and
// the hash that names its class.
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include "bartizan/policy/manifest.hpp"
#include "bartizan/policy/resolve.hpp"
#include "bartizan/sql/catalog.hpp"

namespace bartizan::policy {
namespace {

std::shared_ptr<const sql::Catalog> depot() {
  sql::CatalogContents out;
  sql::CatalogType text;
  text.oid = 25;
  text.schema = "pg_catalog";
  text.name = "text";
  out.types = {text};
  for (std::uint32_t t = 0; t < 300; ++t) {
    sql::CatalogRelation relation;
    relation.oid = 1000 + t;
    relation.schema = "public";
    relation.name = fmt::format("table_{}", t);
    for (int c = 0; c < 20; ++c) {
      sql::CatalogColumn column;
      column.name = c == 0 ? "tenant_id" : fmt::format("column_{}", c);
      column.attnum = static_cast<sql::AttrNumber>(c + 1);
      column.type = 25;
      relation.columns.push_back(column);
    }
    out.relations.push_back(relation);
  }
  return *sql::Catalog::make(out);
}

PolicySet hundred() {
  std::string yaml =
      "{name: t, version: v1, type: tenancy, tenancy: {tables: [demo]}}\n---\n{name: a, version: v1, type: attributes, attributes: "
      "{region: text}}\n";
  for (int i = 0; i < 50; ++i) {
    yaml += fmt::format(
        "---\n{{name: a{0}, version: v1, type: policy, policy: {{access: {{subjects: {{tags: ['roles:id:r{1}']}}, predicates: [read], "
        "objects: {{paths: ['demo:public.table_{0}*']}}, allow: true}}}}}}\n",
        i, i % 5);
    yaml += fmt::format(
        "---\n{{name: d{0}, version: v1, type: policy, policy: {{data: {{type: {2}, dataset: 'table_{0}*', selector: {{user: {{tags: "
        "['roles:id:**']}}{3}}}, {1}}}}}}}\n",
        i, i % 2 == 0 ? "mask: {operator: hash}" : "filters: [{expression: 'column_1 = subject.region'}]",
        i % 2 == 0 ? "mask" : "filter", i % 2 == 0 ? ", column: {names: ['column_1?']}" : "");
  }
  return read_manifest(yaml, "bench").policies;
}

SubjectFacts somebody() {
  SubjectFacts out;
  out.identity = "ana";
  out.roles = {"r0", "r1", "r2", "r3", "r4"};
  out.attributes["region"] = "eu";
  out.tenant = "northside";
  return out;
}

void resolve_depot(benchmark::State& state) {
  const auto catalog = depot();
  const PolicySet policies = hundred();
  const SubjectFacts subject = somebody();
  std::size_t tables = 0;
  for (auto _ : state) {
    const Resolution r = resolve(policies, subject, "demo", *catalog, Explain::No);
    tables = r.outcome.tables.size();
    benchmark::DoNotOptimize(tables);
  }
  state.counters["tables"] = static_cast<double>(tables);
  state.counters["policies"] = static_cast<double>(policies.access.size() + policies.data.size());
}
BENCHMARK(resolve_depot)->Unit(benchmark::kMillisecond);

void hash_class(benchmark::State& state) {
  const auto catalog = depot();
  const Resolution r = resolve(hundred(), somebody(), "demo", *catalog, Explain::No);
  for (auto _ : state) benchmark::DoNotOptimize(class_id(r.outcome));
}
BENCHMARK(hash_class)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace bartizan::policy
