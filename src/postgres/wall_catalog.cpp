// read_catalog: PostgreSQL's catalogs as sql::Catalog.

#include <algorithm>
#include <array>
#include <optional>
#include <span>
#include <string_view>
#include <unordered_map>

#include "bartizan/postgres/wall_reconciler.hpp"
#include "wall_row_fields.hpp"
#include "wall_transaction.hpp"

namespace bartizan::postgres {
namespace {

// `n` is the namespace of what is read. Temporary schemas are other sessions' own.
#define BZ_USER_SCHEMA                                                                         \
  "n.nspname !~ '^pg_(toast|temp)' AND n.nspname NOT IN ('pg_catalog', 'information_schema', " \
  "'bartizan', 'bartizan_views')"

constexpr std::string_view kSchemas =
    "SELECT n.oid, n.nspname FROM pg_namespace AS n WHERE " BZ_USER_SCHEMA " ORDER BY n.oid";

constexpr std::string_view kRelations =
    "SELECT c.oid, n.nspname, c.relname, c.relkind, c.relowner, c.reltype, c.relispartition,"
    " EXISTS (SELECT FROM pg_inherits AS i WHERE i.inhparent = c.oid), c.relrowsecurity, c.relforcerowsecurity,"
    " EXISTS (SELECT FROM pg_trigger AS t WHERE t.tgrelid = c.oid AND NOT t.tgisinternal AND t.tgfoid <> ALL ($1::oid[])),"
    " EXISTS (SELECT FROM pg_rewrite AS r WHERE r.ev_class = c.oid AND r.ev_type <> '1'),"
    " CASE WHEN c.relkind IN ('v', 'm') THEN pg_get_viewdef(c.oid) END"
    " FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace"
    " WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S', 'c') AND " BZ_USER_SCHEMA " ORDER BY c.oid";

constexpr std::string_view kColumns =
    "SELECT a.attrelid, a.attname, a.attnum, a.atttypid, a.atttypmod, a.attcollation, a.attnotnull, a.atthasdef,"
    " a.attgenerated, a.attidentity, pg_get_expr(d.adbin, d.adrelid),"
    " (SELECT s.oid FROM pg_depend AS p JOIN pg_class AS s ON s.oid = p.objid AND s.relkind = 'S'"
    "   WHERE p.classid = 'pg_class'::regclass AND p.refclassid = 'pg_class'::regclass AND p.refobjid = a.attrelid"
    "   AND p.refobjsubid = a.attnum AND p.deptype IN ('a', 'i') ORDER BY s.oid LIMIT 1)"
    " FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid JOIN pg_namespace AS n ON n.oid = c.relnamespace"
    " LEFT JOIN pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum"
    " WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S', 'c') AND " BZ_USER_SCHEMA
    " ORDER BY a.attrelid, a.attnum";

// An exclusion constraint refuses, and so tells, as a unique key does; it is none to ON CONFLICT.
// indkey holds the key's columns first, then those of INCLUDE; 0 is an expression.
constexpr std::string_view kKeys =
    "SELECT i.indrelid, coalesce(k.conname, x.relname),"
    " CASE WHEN i.indexprs IS NULL THEN (SELECT string_agg(u.attnum::text, ' ' ORDER BY u.place)"
    "  FROM unnest(i.indkey::int2[]) WITH ORDINALITY AS u(attnum, place) WHERE u.place <= i.indnkeyatts) END,"
    " i.indisprimary, k.oid IS NOT NULL, NOT i.indimmediate, i.indpred IS NOT NULL OR i.indexprs IS NOT NULL"
    " FROM pg_index AS i JOIN pg_class AS x ON x.oid = i.indexrelid JOIN pg_class AS c ON c.oid = i.indrelid"
    " JOIN pg_namespace AS n ON n.oid = c.relnamespace"
    " LEFT JOIN pg_constraint AS k ON k.conindid = i.indexrelid AND k.conrelid = i.indrelid AND k.contype IN ('p', 'u')"
    " WHERE (i.indisunique OR i.indisexclusion) AND i.indisvalid AND c.relkind IN ('r', 'p', 'm') AND " BZ_USER_SCHEMA
    " ORDER BY i.indrelid, i.indexrelid";

constexpr std::string_view kForeignKeys =
    "SELECT k.conrelid, k.conname, array_to_string(k.conkey, ' '), k.confrelid, array_to_string(k.confkey, ' ')"
    " FROM pg_constraint AS k JOIN pg_class AS c ON c.oid = k.conrelid JOIN pg_namespace AS n ON n.oid = c.relnamespace"
    " WHERE k.contype = 'f' AND " BZ_USER_SCHEMA " ORDER BY k.conrelid, k.oid";

constexpr std::string_view kParents =
    "SELECT i.inhrelid, i.inhparent FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = i.inhrelid"
    " JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'p', 'f') AND " BZ_USER_SCHEMA
    " ORDER BY i.inhrelid, i.inhseqno";

// A true array is what some type names as its array.
constexpr std::string_view kTypes =
    "SELECT t.oid, n.nspname, t.typname, t.typtype, t.typcategory, t.typlen, coalesce(e.oid, 0), t.typbasetype,"
    " t.typtypmod, t.typrelid, t.typcollation,"
    " EXISTS (SELECT FROM pg_depend AS p WHERE p.classid = 'pg_type'::regclass AND p.objid = t.oid AND p.deptype = 'e')"
    " FROM pg_type AS t JOIN pg_namespace AS n ON n.oid = t.typnamespace LEFT JOIN pg_type AS e ON e.typarray = t.oid"
    " WHERE (" BZ_USER_SCHEMA
    ") OR (n.nspname = 'pg_catalog' AND t.typrelid = 0 AND coalesce(e.typrelid, 0) = 0) ORDER BY t.oid";

constexpr std::string_view kFunctions =
    "SELECT p.oid, n.nspname, p.proname, array_to_string(p.proargtypes, ' '), p.pronargdefaults, p.provariadic <> 0,"
    " p.proretset, p.prorettype, p.prokind, p.provolatile, p.proleakproof, p.prosecdef, l.lanname,"
    " EXISTS (SELECT FROM pg_depend AS d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e')"
    " FROM pg_proc AS p JOIN pg_namespace AS n ON n.oid = p.pronamespace JOIN pg_language AS l ON l.oid = p.prolang"
    " WHERE " BZ_USER_SCHEMA " ORDER BY p.oid";

constexpr std::string_view kOperators =
    "SELECT n.nspname, o.oprname, o.oprleft, o.oprright, o.oprcode::oid,"
    " EXISTS (SELECT FROM pg_depend AS d WHERE d.classid = 'pg_operator'::regclass AND d.objid = o.oid AND d.deptype = 'e')"
    " FROM pg_operator AS o JOIN pg_namespace AS n ON n.oid = o.oprnamespace"
    " WHERE o.oprcode <> 0 AND " BZ_USER_SCHEMA " ORDER BY n.nspname, o.oprname, o.oid";
#undef BZ_USER_SCHEMA

// The wall's own, named by what they stand for (wall/catalog_objects.hpp).
constexpr std::string_view kCatalogViews =
    "SELECT CASE left(c.relname, 4) WHEN 'cat_' THEN 'pg_catalog.' ELSE 'information_schema.' END || substr(c.relname, 5),"
    " c.relname, a.attname FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace"
    " JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0"
    " WHERE n.nspname = 'bartizan_views' AND c.relkind = 'v' AND c.relname ~ '^(cat|inf)_' AND c.relname !~ '^cat_bz_'"
    " ORDER BY c.relname, a.attnum";

sql::Generated generated_of(char letter) {
  return letter == 's' ? sql::Generated::Stored : letter == 'v' ? sql::Generated::Virtual : sql::Generated::No;
}
sql::Identity identity_of(char letter) {
  return letter == 'a' ? sql::Identity::Always : letter == 'd' ? sql::Identity::ByDefault : sql::Identity::No;
}

/// Fills CatalogContents from one snapshot.
class CatalogReader {
 public:
  CatalogReader(WallTransaction& transaction, const std::set<sql::Oid>& reviewed) : transaction_(transaction) {
    for (const auto oid : reviewed) reviewed_ += (reviewed_.size() > 1 ? "," : "") + std::to_string(oid);
    reviewed_ += "}";
  }

  Result<sql::CatalogContents> read(std::uint64_t epoch) {
    contents_.epoch = epoch;
    contents_.server_version = static_cast<std::uint32_t>(transaction_.connection().server_version());
    BZ_CHECK(
        each(kSchemas, [&](RowFields& row) { contents_.schemas.push_back({row.number<sql::Oid>(), row.text()}); }));
    BZ_CHECK(relations());
    BZ_CHECK(columns());
    BZ_CHECK(keys());
    BZ_CHECK(types());
    BZ_CHECK(functions());
    BZ_CHECK(operators());
    BZ_CHECK(catalog_views());
    return std::move(contents_);
  }

 private:
  template <class Take>
  Result<void> each(std::string_view query, Take take, std::span<const std::optional<std::string>> parameters = {}) {
    BZ_TRY(const auto rows, parameters.empty()
                                ? transaction_.exec(query)
                                : transaction_.connection().exec(query, parameters, transaction_.deadline()));
    for (std::size_t i = 0; i < rows.size(); ++i) {
      RowFields row(rows, i);
      take(row);
      BZ_CHECK(row.check());
    }
    return {};
  }
  /// Of a row whose first field is the relation; nullptr would be another snapshot's.
  sql::CatalogRelation& relation(RowFields& row) {
    const auto found = places_.find(row.number<sql::Oid>());
    return found == places_.end() ? stray_ : contents_.relations[found->second];
  }

  Result<void> relations() {
    const std::array<std::optional<std::string>, 1> reviewed{reviewed_};
    const auto take = [&](RowFields& row) {
      sql::CatalogRelation out;
      out.oid = row.number<sql::Oid>();
      out.schema = row.text();
      out.name = row.text();
      out.kind = static_cast<sql::RelKind>(row.letter());  // one of those that the query asks for
      out.owner = row.number<sql::Oid>();
      out.row_type = row.number<sql::Oid>();
      out.is_partition = row.flag();
      out.has_children = row.flag();
      out.row_security = row.flag();
      out.force_row_security = row.flag();
      out.has_user_triggers = row.flag();
      out.has_rules = row.flag();
      out.view_definition = row.text();
      places_.emplace(out.oid, contents_.relations.size());
      contents_.relations.push_back(std::move(out));
    };
    BZ_CHECK(each(kRelations, take, reviewed));
    return each(kParents, [&](RowFields& row) {
      auto& target = relation(row);
      target.parents.push_back(row.number<sql::Oid>());
    });
  }

  Result<void> columns() {
    return each(kColumns, [&](RowFields& row) {
      auto& target = relation(row);
      sql::CatalogColumn out;
      out.name = row.text();
      out.attnum = row.number<sql::AttrNumber>();
      out.type = row.number<sql::Oid>();
      out.typmod = row.number<std::int32_t>();
      out.collation = row.number<sql::Oid>();
      out.not_null = row.flag();
      out.has_default = row.flag();
      out.generated = generated_of(row.letter());
      out.identity = identity_of(row.letter());
      out.default_expression = row.text();
      out.owned_sequence = row.number<sql::Oid>();
      target.columns.push_back(std::move(out));
    });
  }

  Result<void> keys() {
    BZ_CHECK(each(kKeys, [&](RowFields& row) {
      auto& target = relation(row);
      sql::CatalogKey out;
      out.name = row.text();
      out.columns = row.numbers<sql::AttrNumber>();
      out.primary = row.flag();
      out.constraint = row.flag();
      out.deferrable = row.flag();
      out.partial = row.flag();
      target.keys.push_back(std::move(out));
    }));
    return each(kForeignKeys, [&](RowFields& row) {
      auto& target = relation(row);
      sql::CatalogForeignKey out;
      out.name = row.text();
      out.columns = row.numbers<sql::AttrNumber>();
      out.referenced = row.number<sql::Oid>();
      out.referenced_columns = row.numbers<sql::AttrNumber>();
      target.foreign_keys.push_back(std::move(out));
    });
  }

  Result<void> types() {
    return each(kTypes, [&](RowFields& row) {
      sql::CatalogType out;
      out.oid = row.number<sql::Oid>();
      out.schema = row.text();
      out.name = row.text();
      out.kind = static_cast<sql::TypeKind>(row.letter());  // pg_type.typtype, whose letters these are
      out.category = row.letter();
      out.length = row.number<std::int16_t>();
      out.element = row.number<sql::Oid>();
      out.base = row.number<sql::Oid>();
      out.base_typmod = row.number<std::int32_t>();
      out.relation = row.number<sql::Oid>();
      out.collation = row.number<sql::Oid>();
      out.from_extension = row.flag();
      contents_.types.push_back(std::move(out));
    });
  }

  Result<void> functions() {
    return each(kFunctions, [&](RowFields& row) {
      sql::CatalogFunction out;
      out.oid = row.number<sql::Oid>();
      out.schema = row.text();
      out.name = row.text();
      out.argument_types = row.numbers<sql::Oid>();
      out.defaults = row.number<std::uint16_t>();
      out.variadic = row.flag();
      out.returns_set = row.flag();
      out.return_type = row.number<sql::Oid>();
      out.kind = static_cast<sql::FunctionKind>(row.letter());
      out.volatility = static_cast<sql::Volatility>(row.letter());
      out.leakproof = row.flag();
      out.security_definer = row.flag();
      out.language = row.text();
      out.from_extension = row.flag();
      contents_.functions.push_back(std::move(out));
    });
  }

  Result<void> operators() {
    return each(kOperators, [&](RowFields& row) {
      sql::CatalogOperator out;
      out.schema = row.text();
      out.name = row.text();
      out.left = row.number<sql::Oid>();
      out.right = row.number<sql::Oid>();
      out.function = row.number<sql::Oid>();
      out.from_extension = row.flag();
      contents_.operators.push_back(std::move(out));
    });
  }

  Result<void> catalog_views() {
    return each(kCatalogViews, [&](RowFields& row) {
      auto shows = row.text();
      auto view = row.text();
      auto& views = contents_.catalog_views;
      if (views.empty() || views.back().view != view) views.push_back({std::move(shows), std::move(view), {}});
      views.back().columns.push_back(row.text());
    });
  }

  WallTransaction& transaction_;
  std::string reviewed_ = "{";
  sql::CatalogContents contents_;
  std::unordered_map<sql::Oid, std::size_t> places_;
  sql::CatalogRelation stray_;
};

}  // namespace

Result<std::shared_ptr<const sql::Catalog>> read_catalog(ControlConnection& connection, std::uint64_t epoch,
                                                         SteadyTime deadline, const std::set<sql::Oid>& reviewed) {
  BZ_TRY(auto transaction, WallTransaction::begin(connection, Isolation::Snapshot, deadline));
  BZ_TRY(auto contents, CatalogReader(transaction, reviewed).read(epoch));
  BZ_CHECK(transaction.commit());
  return sql::Catalog::make(std::move(contents));
}

}  // namespace bartizan::postgres
