// catalog.classify: what the columns of a depot may hold, told from their names and from a sample of their values. Changes
// nothing; no value leaves this process (ADR 0203).
#include <algorithm>
#include <set>

#include "bartizan/store/depots.hpp"
#include "bartizan/store/encrypted_columns.hpp"
#include "column_classes.hpp"
#include "depot_catalog.hpp"
#include "services.hpp"

namespace bartizan::control {
namespace {

constexpr std::chrono::seconds kSampleFor{45};  ///< all tables together; the rest goes by names alone
constexpr std::int64_t kRows = 1000;
constexpr std::int64_t kMostRows = 10'000;
constexpr std::size_t kMostTables = 5000;
constexpr int kValueChars = 256;
constexpr std::size_t kMaxTableBytes = 2 * 63 + 1;

std::string type_of(const sql::Catalog& catalog, const sql::CatalogColumn& column) {
  const auto* type = catalog.type(column.type);
  for (int depth = 0; type != nullptr && type->kind == sql::TypeKind::Domain && depth < 32; ++depth)
    type = catalog.type(type->base);
  return type == nullptr ? std::string() : type->name;
}

/// Of others nothing can be told by their text.
bool is_sampled(std::string_view type) {
  return type != "bytea" && type != "bool" && type != "uuid" && type != "tsvector" && type != "xml" && !type.empty();
}

bool is_classified(const sql::CatalogRelation& relation) {
  return relation.kind == sql::RelKind::PartitionedTable ||
         (relation.kind == sql::RelKind::Table && !relation.is_partition) ||
         relation.kind == sql::RelKind::MaterializedView;
}

class Survey {
 public:
  Survey(Call& call, const policy::Depot& depot, const sql::Catalog& catalog, std::int64_t rows)
      : call_(call), depot_(depot), catalog_(catalog), rows_(rows), until_(call.context.clock.steady() + kSampleFor) {}

  Result<void> start() {
    {
      BZ_TRY(auto transaction, call_.read());
      BZ_TRY(const auto columns, store::EncryptedColumns(transaction).list());
      for (const auto& one : columns)
        if (one.value.depot == depot_.id) encrypted_.insert(one.value.shown());
    }
    BZ_TRY(connection_, call_.context.runtime.embedded_superuser(depot_.database, until_));
    BZ_CHECK(
        connection_->exec("SET search_path = pg_catalog; SET default_transaction_read_only = on; "
                          "SET statement_timeout = '5s'; SET lock_timeout = '1s'; SET row_security = on",
                          until_));
    return {};
  }

  void table(const sql::CatalogRelation& relation, Items& out) {
    std::vector<ColumnSample> samples;
    std::string list;
    std::vector<std::size_t> asked;
    for (const auto& column : relation.columns) {
      samples.push_back({column.name, type_of(catalog_, column), 0, {}});
      const bool cells = encrypted_.contains(relation.schema + "." + relation.name + "." + column.name);
      if (cells || column.generated == sql::Generated::Virtual || !is_sampled(samples.back().type)) continue;
      // By the type's own output function: a cast could be the owner's, and would run as a superuser.
      list += std::string(list.empty() ? "" : ", ") + "pg_catalog.left(pg_catalog.format('%s', " +
              postgres::quote_identifier(column.name) + "), " + std::to_string(kValueChars) + ")";
      asked.push_back(samples.size() - 1);
    }
    const bool read = list.empty() || sample(relation, list, asked, samples);
    for (const auto& one : samples) out.push_back(render(relation, one, read));
  }

 private:
  /// False: the table could not be read in time.
  bool sample(const sql::CatalogRelation& relation, const std::string& list, const std::vector<std::size_t>& asked,
              std::vector<ColumnSample>& samples) {
    if (!connection_->open() || call_.context.clock.steady() >= until_) return false;
    const auto rows = connection_->exec("SELECT " + list + " FROM " + postgres::quote_identifier(relation.schema) +
                                            "." + postgres::quote_identifier(relation.name) + part_of(relation) +
                                            " LIMIT " + std::to_string(rows_),
                                        until_);
    if (!rows) return false;
    for (std::size_t row = 0; row < rows->size(); ++row)
      for (std::size_t i = 0; i < asked.size(); ++i)
        if (const auto& value = rows->at(row, i)) samples[asked[i]].look_at(*value);
    return true;
  }

  /// Of a large table, pages from all over it.
  std::string part_of(const sql::CatalogRelation& relation) {
    const auto estimate = connection_->scalar(
        "SELECT greatest(reltuples, 0)::bigint FROM pg_class WHERE oid = " + std::to_string(relation.oid), until_);
    const auto tuples = estimate ? std::atoll(estimate->c_str()) : 0;
    if (tuples < rows_ * 100) return "";
    return " TABLESAMPLE SYSTEM (" + std::to_string(1000.0 * static_cast<double>(rows_) / static_cast<double>(tuples)) +
           ")";
  }

  Document render(const sql::CatalogRelation& relation, const ColumnSample& column, bool read) const {
    const auto proposal = propose(column);
    std::string evidence = proposal ? proposal->evidence : "";
    if (!read) evidence += std::string(evidence.empty() ? "" : "; ") + "its table could not be read in time";
    return Members{{"depot", depot_.name},
                   {"schema", relation.schema},
                   {"table", relation.name},
                   {"column", column.name},
                   {"type", column.type},
                   {"tag", proposal ? Document(proposal->tag) : Document()},
                   {"confidence", proposal ? Document(to_string(proposal->confidence)) : Document()},
                   {"evidence", std::move(evidence)},
                   {"values", static_cast<std::int64_t>(column.values)}};
  }

  Call& call_;
  const policy::Depot& depot_;
  const sql::Catalog& catalog_;
  std::int64_t rows_;
  SteadyTime until_;
  std::set<std::string> encrypted_;
  std::optional<postgres::ControlConnection> connection_;
};

}  // namespace

Result<Document> catalog_classify(Call& call, Args& args) {
  BZ_TRY(const auto name, args.name("depot", NameKind::Resource));
  BZ_TRY(const auto only, args.text_or_none("table", kMaxTableBytes));
  BZ_TRY(const auto rows, args.integer_or_none("rows", 1, kMostRows));
  BZ_CHECK(args.finish());
  policy::Depot depot;
  {
    BZ_TRY(auto transaction, call.read());
    auto found = store::Depots(transaction).find(name);
    if (!found) return tl::unexpected<Error>(with_list_hint(call, std::move(found).error(), "depot"));
    depot = std::move(found->value);
  }
  if (!depot.embedded)
    return fail(Errc::Unsupported, "only depots in the embedded PostgreSQL can be looked into so far");
  BZ_TRY(const auto catalog, read_depot_catalog(call, depot));
  Survey survey(call, depot, *catalog, rows.value_or(kRows));
  BZ_CHECK(survey.start());
  Items out;
  std::size_t tables = 0;
  for (const auto& relation : catalog->contents().relations) {
    if (!is_classified(relation) || (only && *only != relation.schema + "." + relation.name)) continue;
    if (++tables > kMostTables) return fail(Errc::TooLarge, "more than 5000 tables: name one with 'table'");
    survey.table(relation, out);
  }
  if (tables == 0) return fail(Errc::NotFound, only ? "no such table" : "the depot has no tables");
  return Document(std::move(out));
}

}  // namespace bartizan::control
