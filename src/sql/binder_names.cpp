// Names to objects: relations through the virtual search_path, functions, types, operators and
// collations through the allow-lists, columns through the scopes.
#include <algorithm>

#include "binder.hpp"
#include "catalog_functions.hpp"
#include "node_access.hpp"

namespace bartizan::sql {

namespace {

constexpr std::string_view kCatalogSchema = "pg_catalog";
constexpr std::string_view kReviewHint = "A reviewed function can be permitted for the depot (function allow).";
// What pg_dump and its kin begin with.
constexpr std::string_view kSetConfigHint =
    "Use SET. Dumps need an identity that is under no policy: what this one sees is masked and filtered.";
constexpr std::string_view kVisibleHint = "Only relations that a policy grants to this identity are visible.";

std::string quoted(std::string_view name) { return "\"" + std::string(name) + "\""; }

std::string dotted(std::string_view schema, std::string_view name) {
  return schema.empty() ? std::string(name) : std::string(schema) + "." + std::string(name);
}

}  // namespace

Binder::NameParts Binder::parts_of(PgQuery__Node* const* list, std::size_t count) {
  if (count == 1) return {{}, string_value(list[0]), true};
  if (count == 2) return {string_value(list[0]), string_value(list[1]), true};
  return {};
}

// A relation that the class doesn't see doesn't exist: it shadows nothing either.
const CatalogRelation* Binder::visible_relation(std::string_view schema, std::string_view name) const {
  const CatalogRelation* const relation = request_.catalog->relation(schema, name);
  return relation != nullptr && request_.views->relations.contains(relation->oid) ? relation : nullptr;
}

bool Binder::relation_name(const PgQuery__RangeVar& variable, const CatalogRelation*& relation,
                           const CatalogView*& view) {
  const std::string_view schema = variable.schemaname;
  const std::string_view name = variable.relname;
  const std::string_view database = variable.catalogname;
  if (!database.empty() && database != request_.catalog->contents().database) {
    return unsupported("a reference to another database", variable.location);
  }
  const auto catalog_view = [&](std::string_view in) -> const CatalogView* {
    const auto found = request_.views->catalog_views.find(dotted(in, name));
    return found == request_.views->catalog_views.end() ? nullptr : &found->second;
  };
  if (schema == kCatalogSchema || schema == "information_schema") {
    view = catalog_view(schema);
    if (view != nullptr) return true;
    return refuse("42501", "permission denied for relation " + dotted(schema, name), variable.location,
                  "The system catalogs are not open to identities under a policy.");
  }
  const auto& path = request_.search_path;
  const bool catalog_first = std::find(path.begin(), path.end(), kCatalogSchema) == path.end();
  // Any relation of pg_catalog begins with pg_. Names there are not known one by one: taken for it.
  const bool may_be_catalog = schema.empty() && name.starts_with("pg_");
  if (!schema.empty()) relation = visible_relation(schema, name);
  for (std::size_t i = 0; schema.empty() && relation == nullptr && i <= path.size(); ++i) {
    const std::string_view place = catalog_first     ? (i == 0 ? kCatalogSchema : std::string_view(path[i - 1]))
                                   : i < path.size() ? std::string_view(path[i])
                                                     : std::string_view{};
    if (place == kCatalogSchema && may_be_catalog) {
      view = catalog_view(place);
      if (view != nullptr) return true;
      return refuse("42501", "permission denied for relation " + std::string(name), variable.location,
                    "The system catalogs are not open to identities under a policy.");
    }
    relation = visible_relation(place, name);
  }
  if (relation != nullptr) return true;
  return refuse("42P01", "relation " + quoted(dotted(schema, name)) + " does not exist", variable.location,
                kVisibleHint);
}

bool Binder::base_relation(const PgQuery__RangeVar& variable, const CatalogRelation*& relation,
                           const ClassView*& view) {
  const CatalogView* catalog_view = nullptr;
  if (!relation_name(variable, relation, catalog_view)) return false;
  if (catalog_view != nullptr) {
    return refuse("42501", "permission denied for relation " + std::string(variable.relname), variable.location);
  }
  view = &request_.views->relations.find(relation->oid)->second;
  return true;
}

bool Binder::user_function(PgQuery__FuncCall& call, NameParts name) {
  const auto fits = [&](const CatalogFunction& function) {
    const std::size_t most = function.argument_types.size();
    const std::size_t least = most - std::min<std::size_t>(function.defaults, most) - (function.variadic ? 1 : 0);
    return call.n_args >= least && (function.variadic || call.n_args <= most);
  };
  const auto try_schema = [&](std::string_view schema) {
    bool found = false;
    // The server chooses among overloads by type: all that it could choose must have been reviewed.
    for (const CatalogFunction* function : request_.catalog->functions(schema, name.name)) {
      if (!fits(*function)) continue;
      if (!request_.views->functions.contains(function->oid) || function->kind == FunctionKind::Procedure) return false;
      found = true;
    }
    if (found) edit_.set_name(call.funcname, call.n_funcname, schema, name.name);
    return found;
  };
  if (!name.schema.empty()) {
    if (try_schema(name.schema)) return true;
  } else if (std::any_of(request_.search_path.begin(), request_.search_path.end(), try_schema)) {
    return true;
  }
  return refuse("42501",
                "function " + dotted(name.schema, name.name) + " with " + std::to_string(call.n_args) +
                    " arguments is not permitted",
                call.location, kReviewHint);
}

namespace {

/// An array of names as PostgreSQL reads it.
std::string array_text(const std::vector<std::string>& names, bool with_catalog) {
  std::string out = "{";
  const auto put = [&](std::string_view name) {
    out += out.size() > 1 ? ",\"" : "\"";
    for (const char c : name) {
      if (c == '"' || c == '\\') out += '\\';
      out += c;
    }
    out += '"';
  };
  if (with_catalog && std::find(names.begin(), names.end(), kCatalogSchema) == names.end()) put(kCatalogSchema);
  for (const std::string& name : names) put(name);
  return out + "}";
}

}  // namespace

std::vector<std::string> Binder::visible_path() const {
  std::vector<std::string> out;
  for (const std::string& schema : request_.search_path) {
    const auto is_there = [&](const auto& entry) {
      const CatalogRelation* const relation = request_.catalog->relation(entry.first);
      return relation != nullptr && relation->schema == schema;
    };
    if (schema == "public" || schema == kCatalogSchema || std::ranges::any_of(request_.views->relations, is_there))
      out.push_back(schema);
  }
  return out;
}

PgQuery__Node* Binder::path_constant(const std::vector<std::string>& path, bool with_catalog) {
  PgQuery__Node* const text = edit_.integer(0);
  edit_.become_string(*text, array_text(path, with_catalog));
  PgQuery__Node* const array = edit_.integer(0);
  edit_.become_cast(*array, text, "name", true);
  return array;
}

/// The function in whose call a cast to the type becomes; empty: none.
std::string_view Binder::object_cast(const PgQuery__TypeName& type) const {
  const NameParts name = parts_of(type.names, type.n_names);
  if (!name.ok || (!name.schema.empty() && name.schema != kCatalogSchema) || request_.views->catalog_functions.empty())
    return {};
  if (type.setof != 0 || type.pct_type != 0 || type.n_typmods != 0 || type.n_array_bounds != 0) return {};
  return object_type_function(name.name);
}

bool Binder::catalog_call(PgQuery__FuncCall& call, NameParts name, const PermittedFunction*& found) {
  const CatalogFunctionRule* const rule = catalog_function(name.name);
  found = nullptr;
  if (rule == nullptr || rule->is_cast || request_.views->catalog_functions.empty()) return true;
  if (name.schema == "information_schema" ? !rule->standard : rule->standard) return true;
  if (call.n_args < rule->function.least || call.n_args > rule->function.most) return true;
  const bool plain = call.func_variadic == 0 && call.agg_filter == nullptr && call.over == nullptr &&
                     call.n_agg_order == 0 && call.agg_star == 0 && call.agg_distinct == 0;
  if (!plain) return unsupported("this call of " + std::string(name.name), call.location);
  edit_.set_name(call.funcname, call.n_funcname, request_.views->catalog_functions, rule->function.name);
  if (rule->takes_path) edit_.append(call.args, call.n_args, path_constant(request_.search_path, true));
  if (rule->function.name == "pg_get_userbyid") facts_.needs_transaction_context = true;
  found = &rule->function;
  return true;
}

bool Binder::function_name(PgQuery__FuncCall& call, const PermittedFunction*& permitted, bool in_from) {
  const NameParts name = parts_of(call.funcname, call.n_funcname);
  if (!name.ok) return unsupported("a function name of more than two parts", call.location);
  if (name.schema.empty() || name.schema == kCatalogSchema || name.schema == "information_schema") {
    if (!catalog_call(call, name, permitted)) return false;
    if (permitted != nullptr) {
      if (!in_from || permitted->in_from) return true;
      return unsupported("function " + std::string(name.name) + " in FROM", call.location,
                         "Call it in the select list of a sub-select.");
    }
  }
  if (name.schema.empty() || name.schema == kCatalogSchema) {
    permitted = permitted_function(name.name);
    if (permitted != nullptr) {
      const std::size_t given = call.n_args + (call.agg_within_group != 0 ? call.n_agg_order : 0);
      const bool any_number = permitted->most == 255 || (in_from && name.name == "unnest");
      if (given >= permitted->least && (any_number || given <= permitted->most)) {
        // Without arguments it is a column of one row: drivers ask SELECT * FROM current_database().
        const bool of_one_row = permitted->kind == Permit::Plain && permitted->most == 0;
        if (in_from && !permitted->in_from && !of_one_row) {
          return unsupported("function " + std::string(name.name) + " in FROM", call.location,
                             "Call it in the select list of a sub-select.");
        }
        edit_.set_name(call.funcname, call.n_funcname, kCatalogSchema, permitted->name);
        return true;
      }
      permitted = nullptr;
    }
  }
  if (name.schema == kCatalogSchema || name.schema == "information_schema") {
    return refuse("42501",
                  "function " + dotted(name.schema, name.name) + " with " + std::to_string(call.n_args) +
                      " arguments is not permitted",
                  call.location, name.name == "set_config" ? kSetConfigHint : std::string_view{});
  }
  return user_function(call, name);
}

bool Binder::type_name(PgQuery__TypeName& type) {
  if (type.setof != 0 || type.pct_type != 0) return unsupported("SETOF or %TYPE", type.location);
  for (std::size_t i = 0; i < type.n_typmods; ++i) {
    if (!is_integer_constant(*type.typmods[i])) {
      return unsupported("a type modifier that is not a whole number", type.location);
    }
  }
  const NameParts name = parts_of(type.names, type.n_names);
  if (!name.ok) return unsupported("a type name of more than two parts", type.location);
  if ((name.schema.empty() || name.schema == kCatalogSchema) && permitted_type(name.name)) {
    if (name.schema.empty()) edit_.set_name(type.names, type.n_names, kCatalogSchema, name.name);
    return true;
  }
  const auto permitted = [&](std::string_view schema) {
    const CatalogType* const found = request_.catalog->type(schema, name.name);
    if (found == nullptr || !request_.views->types.contains(found->oid)) return false;
    edit_.set_name(type.names, type.n_names, schema, name.name);
    return true;
  };
  if (!name.schema.empty() ? permitted(name.schema)
                           : std::any_of(request_.search_path.begin(), request_.search_path.end(), permitted)) {
    return true;
  }
  return refuse("42501", "type " + quoted(dotted(name.schema, name.name)) + " does not exist or is not permitted",
                type.location);
}

bool Binder::type_names(Nodes list, std::size_t count) {
  return std::all_of(list, list + count, [&](PgQuery__Node* node) {
    return node->node_case == PG_QUERY__NODE__NODE_TYPE_NAME ? type_name(*node->type_name)
                                                             : unsupported("this type", -1);
  });
}

bool Binder::operator_name(PgQuery__Node* const* list, std::size_t count, int location) {
  const NameParts name = parts_of(list, count);
  const ViewMap& views = *request_.views;
  const std::string bare(name.name);
  const bool own = permitted_operator(bare);
  const auto& schemas = views.operator_schemas;
  if (name.ok && name.schema == kCatalogSchema && own) return true;
  if (name.ok && !views.closed_operators.contains(bare)) {
    if (name.schema.empty() && (own || views.operators.contains(bare))) return true;
    if (views.operators.contains(bare) && std::ranges::find(schemas, name.schema) != schemas.end()) return true;
  }
  return closed_operator(dotted(name.schema, name.name), location);
}

bool Binder::implied_operators(std::initializer_list<std::string_view> names, int location) {
  const auto& closed = request_.views->closed_operators;
  if (closed.empty()) return true;
  return std::ranges::all_of(names, [&](std::string_view name) {
    return !closed.contains(std::string(name)) || closed_operator(name, location);
  });
}

bool Binder::closed_operator(std::string_view name, int location) {
  return refuse("42501", "operator " + std::string(name) + " is not permitted", location,
                "PostgreSQL's own operators are, and those whose functions were reviewed (function allow).");
}

bool Binder::collation_name(PgQuery__Node**& list, std::size_t& count, int location) {
  const NameParts name = parts_of(list, count);
  if (!name.ok || (!name.schema.empty() && name.schema != kCatalogSchema) || !permitted_collation(name.name)) {
    return refuse("42501", "collation " + dotted(name.schema, name.name) + " is not permitted", location,
                  "Only PostgreSQL's own collations are.");
  }
  edit_.set_name(list, count, kCatalogSchema, name.name);
  return true;
}

bool Binder::resolve_range(PgQuery__ColumnRef& reference, std::size_t parts, Level& level, RangeLookup& found) {
  const std::string_view name = string_value(reference.fields[parts - 1]);
  if (parts == 1) {
    found = find_range(&level, name);
  } else if (parts <= 3) {
    const bool here = parts == 2 || string_value(reference.fields[0]) == request_.catalog->contents().database;
    const CatalogRelation* const relation =
        here ? visible_relation(string_value(reference.fields[parts - 2]), name) : nullptr;
    if (relation != nullptr) found = find_range(&level, *relation);
    // The view stands under the table's bare name: what is written must mean the same without schema.
    if (found.status == Lookup::Found && find_range(&level, name).range != found.range) {
      return unsupported("this qualified column name beside another table of the same name", reference.location,
                         "Give the tables aliases.");
    }
    reference.fields += parts - 1;
    reference.n_fields -= parts - 1;
  }
  if (found.status == Lookup::Ambiguous) {
    return refuse("42P09", "table reference " + quoted(name) + " is ambiguous", reference.location);
  }
  if (found.status == Lookup::NotHere) {
    return refuse("42P10", "invalid reference to FROM-clause entry for table " + quoted(name), reference.location);
  }
  if (found.status == Lookup::Absent) {
    return refuse("42P01", "missing FROM-clause entry for table " + quoted(name), reference.location);
  }
  return true;
}

bool Binder::resolve(PgQuery__ColumnRef& reference, Level& level, ColumnLookup& found) {
  const std::size_t count = reference.n_fields;
  const bool whole_row = is_star(reference.fields[count - 1]);
  if (count == 1) {
    if (whole_row) return unsupported("* in this place", reference.location);
    const std::string_view name = string_value(reference.fields[0]);
    found = find_column(&level, name);
    if (found.status == Lookup::Found) return true;
    if (found.status == Lookup::Ambiguous) {
      return refuse("42702", "column reference " + quoted(name) + " is ambiguous", reference.location);
    }
    const RangeLookup range = found.status == Lookup::Absent ? find_range(&level, name) : RangeLookup{};
    if (range.status != Lookup::Found) {
      return refuse("42703", "column " + quoted(name) + " does not exist", reference.location);
    }
    found = {Lookup::Found, range.level, range.range, kWholeRow};
    return true;
  }
  const std::string_view name = whole_row ? std::string_view{} : string_value(reference.fields[count - 1]);
  RangeLookup range;
  if (!resolve_range(reference, count - 1, level, range)) return false;
  found = {Lookup::Found, range.level, range.range, kWholeRow};
  if (whole_row) return true;
  found = find_column_in(*range.range, name);
  found.level = range.level;
  if (found.status == Lookup::Ambiguous) {
    return refuse("42702", "column reference " + quoted(name) + " is ambiguous", reference.location);
  }
  if (found.status != Lookup::Found) {  // never left to the server, which would try it as a function
    return refuse("42703", "column " + dotted(range.range->name, name) + " does not exist", reference.location);
  }
  return true;
}

bool Binder::read(const BoundColumn& column, int location) {
  if (column.unreadable) {
    return refuse("42501", "column " + quoted(column.name) + " can't be read in this statement", location,
                  "It may be written but not read, or is masked and written by the same statement.");
  }
  touch(column.sources);
  return spend(1 + column.sources.size());
}

bool Binder::take_whole(const Range& range, int location) {
  if (!range.partly_readable) return true;
  return refuse("42501", "the whole row of " + quoted(range.name) + " can't be read in this statement", location,
                "It writes a column that may not be read: name the columns.");
}

bool Binder::column_ref(PgQuery__ColumnRef& reference, Expression at) {
  ColumnLookup found;
  if (!resolve(reference, at.level, found)) return false;
  const auto& columns = found.range->columns.list;
  const std::size_t first = found.index == kWholeRow ? 0 : found.index;
  const std::size_t last = found.index == kWholeRow ? columns.size() : found.index + 1;
  for (std::size_t i = first; i < last; ++i) {
    if (!read(columns[i], reference.location)) return false;
    if (at.sources != nullptr) {
      at.sources->insert(at.sources->end(), columns[i].sources.begin(), columns[i].sources.end());
    }
  }
  if (found.index == kWholeRow && !take_whole(*found.range, reference.location)) return false;
  if (found.level->after_grouping && found.level->in_aggregate == 0) {
    const bool whole = found.index == kWholeRow;
    const Range* const origin = whole ? found.range : columns[found.index].origin;
    if (origin != nullptr && origin->relation != nullptr) {
      found.level->grouped.push_back({origin, whole ? kWholeRow : columns[found.index].origin_index, &reference});
    }
  }
  return true;
}

}  // namespace bartizan::sql
