// What a reviewer of a depot's function is told of it, and which reviewed functions still are what
// was reviewed (ADR 0200). A definition is known by its digest: all of pg_proc that says what a call
// does, the owner among it, and of an aggregate pg_aggregate. What the function calls is not in it.
//
// Blocking, on the caller's thread, in a transaction of its own.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "bartizan/base/clock.hpp"
#include "bartizan/base/result.hpp"
#include "bartizan/postgres/control_connection.hpp"
#include "bartizan/sql/catalog.hpp"

namespace bartizan::postgres {

struct FunctionFacts {
  sql::Oid oid = 0;
  std::string signature;  ///< schema.name(types), as regprocedure writes it under search_path pg_catalog
  std::string digest;     ///< SHA-256, hexadecimal
  std::string language;
  bool trusted = false;   ///< its language is
  std::string owner;
  bool owner_is_superuser = false;
  bool security_definer = false;
  bool pins_search_path = false;
  sql::Volatility volatility = sql::Volatility::Volatile;
  bool takes_text = false;
  bool is_trigger = false;
  bool is_procedure = false;
  std::string extension;  ///< that it belongs to; empty: none
  std::string body;       ///< its text; of functions in C the symbol
};

/// name: schema.name(types), or schema.name where there is one of that name alone. NotFound; InvalidArgument:
/// no such form.
Result<FunctionFacts> read_function(ControlConnection& connection, const std::string& name, SteadyTime deadline);

/// schema.name of the tables and views of the owner's.
Result<std::vector<std::string>> read_relation_names(ControlConnection& connection, SteadyTime deadline);

/// A function that was reviewed, and what it was then.
struct ReviewedFunction {
  std::string signature;
  std::string digest;
  friend bool operator==(const ReviewedFunction&, const ReviewedFunction&) = default;
};

struct StandingFunction {
  sql::Oid oid = 0;
  std::string digest;
};

/// By signature; what isn't there any more is left out.
Result<std::map<std::string, StandingFunction>> read_standing(ControlConnection& connection,
                                                              const std::vector<ReviewedFunction>& functions,
                                                              SteadyTime deadline);

/// Those that are what was reviewed.
Result<std::set<sql::Oid>> unchanged_functions(ControlConnection& connection,
                                               const std::vector<ReviewedFunction>& functions, SteadyTime deadline);

}  // namespace bartizan::postgres
