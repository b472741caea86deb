#include "object_tags.hpp"

#include <algorithm>
#include <array>

namespace bartizan::sql {

namespace {

struct Row {
  PgQuery__ObjectType type;
  std::string_view create, alter, drop;
};

#define BZ_OBJECT(type, name) \
  Row { PG_QUERY__OBJECT_TYPE__OBJECT_##type, "CREATE " name, "ALTER " name, "DROP " name }

constexpr std::array kRows = {
    BZ_OBJECT(ACCESS_METHOD, "ACCESS METHOD"),
    BZ_OBJECT(AGGREGATE, "AGGREGATE"),
    BZ_OBJECT(ATTRIBUTE, "TYPE"),
    BZ_OBJECT(CAST, "CAST"),
    BZ_OBJECT(COLLATION, "COLLATION"),
    BZ_OBJECT(CONVERSION, "CONVERSION"),
    BZ_OBJECT(DATABASE, "DATABASE"),
    BZ_OBJECT(DOMAIN, "DOMAIN"),
    BZ_OBJECT(DOMCONSTRAINT, "DOMAIN"),
    BZ_OBJECT(EVENT_TRIGGER, "EVENT TRIGGER"),
    BZ_OBJECT(EXTENSION, "EXTENSION"),
    BZ_OBJECT(FDW, "FOREIGN DATA WRAPPER"),
    BZ_OBJECT(FOREIGN_SERVER, "SERVER"),
    BZ_OBJECT(FOREIGN_TABLE, "FOREIGN TABLE"),
    BZ_OBJECT(FUNCTION, "FUNCTION"),
    BZ_OBJECT(INDEX, "INDEX"),
    BZ_OBJECT(LANGUAGE, "LANGUAGE"),
    BZ_OBJECT(LARGEOBJECT, "LARGE OBJECT"),
    BZ_OBJECT(MATVIEW, "MATERIALIZED VIEW"),
    BZ_OBJECT(OPCLASS, "OPERATOR CLASS"),
    BZ_OBJECT(OPERATOR, "OPERATOR"),
    BZ_OBJECT(OPFAMILY, "OPERATOR FAMILY"),
    BZ_OBJECT(POLICY, "POLICY"),
    BZ_OBJECT(PROCEDURE, "PROCEDURE"),
    BZ_OBJECT(PUBLICATION, "PUBLICATION"),
    BZ_OBJECT(ROLE, "ROLE"),
    BZ_OBJECT(ROUTINE, "ROUTINE"),
    BZ_OBJECT(RULE, "RULE"),
    BZ_OBJECT(SCHEMA, "SCHEMA"),
    BZ_OBJECT(SEQUENCE, "SEQUENCE"),
    BZ_OBJECT(STATISTIC_EXT, "STATISTICS"),
    BZ_OBJECT(SUBSCRIPTION, "SUBSCRIPTION"),
    BZ_OBJECT(TABCONSTRAINT, "TABLE"),
    BZ_OBJECT(COLUMN, "TABLE"),
    BZ_OBJECT(TABLE, "TABLE"),
    BZ_OBJECT(TABLESPACE, "TABLESPACE"),
    BZ_OBJECT(TRANSFORM, "TRANSFORM"),
    BZ_OBJECT(TRIGGER, "TRIGGER"),
    BZ_OBJECT(TSCONFIGURATION, "TEXT SEARCH CONFIGURATION"),
    BZ_OBJECT(TSDICTIONARY, "TEXT SEARCH DICTIONARY"),
    BZ_OBJECT(TSPARSER, "TEXT SEARCH PARSER"),
    BZ_OBJECT(TSTEMPLATE, "TEXT SEARCH TEMPLATE"),
    BZ_OBJECT(TYPE, "TYPE"),
    BZ_OBJECT(VIEW, "VIEW"),
};
#undef BZ_OBJECT

constexpr Row kOther = {PG_QUERY__OBJECT_TYPE__OBJECT_TYPE_UNDEFINED, "CREATE", "ALTER", "DROP"};

const Row& row_of(PgQuery__ObjectType type) noexcept {
  const auto* row = std::find_if(kRows.begin(), kRows.end(), [&](const Row& r) { return r.type == type; });
  return row == kRows.end() ? kOther : *row;
}

}  // namespace

std::string_view create_tag(PgQuery__ObjectType type) noexcept { return row_of(type).create; }
std::string_view alter_tag(PgQuery__ObjectType type) noexcept { return row_of(type).alter; }
std::string_view drop_tag(PgQuery__ObjectType type) noexcept { return row_of(type).drop; }

}  // namespace bartizan::sql
