// What a walk over the whole parse tree finds: relations, and what the functions called in it
// mean for effect and pinning. It goes through the messages' descriptors and so reaches every
// sub-select, wherever the grammar allows one; only a few node types are looked at by name.
#pragma once

#include <vector>

#include "bartizan/sql/analysis.hpp"
#include "parse_tree.hpp"

namespace bartizan::sql {

struct TreeFacts {
  std::vector<Relation> relations;  ///< sorted, each once
  Effect effect = Effect::Read;     ///< of calls, FOR UPDATE, INTO and data-modifying statements in it
  PinReason pin = PinReason::None;
  bool calls_unknown = false;  ///< a function that is not known by name
  bool reads_sequence = false; ///< currval or lastval
  bool sets_path = false;      ///< set_config that may set search_path
  bool names_pg_temp = false;  ///< a schema's name begins with pg_temp
  bool complete = true;        ///< false: too many WITH names to tell what is a relation
};

/// default_access: of relations that the statement names outside of any query, as DDL does.
[[nodiscard]] TreeFacts walk(const PgQuery__Node& statement, Access default_access);

}  // namespace bartizan::sql
