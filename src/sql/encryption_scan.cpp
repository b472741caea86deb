#include "encryption_scan.hpp"

#include <algorithm>
#include <iterator>

#include "node_access.hpp"
#include "tree_messages.hpp"

namespace bartizan::sql {

namespace {

bool is_system_schema(std::string_view schema) {
  return schema == "pg_catalog" || schema == "information_schema" || schema.starts_with("pg_toast") ||
         schema.starts_with("pg_temp");
}

/// In it stand functions of the wall's, which ask its views of the catalogs.
constexpr std::string_view kViewFunctions = "bartizan_views";

// Of pg_catalog: these run SQL that stands in a value.
bool runs_text(std::string_view name) {
  constexpr std::string_view kPrefixes[] = {"query_to_xml", "table_to_xml", "schema_to_xml", "database_to_xml",
                                            "cursor_to_xml"};
  return name == "ts_stat" || name == "ts_rewrite" ||
         std::any_of(std::begin(kPrefixes), std::end(kPrefixes), [&](auto prefix) { return name.starts_with(prefix); });
}

class Scanner {
 public:
  Scanner(const EncryptedColumns& columns, const RelationNames& names, bool queries)
      : columns_(columns), names_(names), queries_(queries) {}

  ScanResult run(const PgQuery__Node& statement) {
    collect_with_names(statement);
    stack_.push_back(&statement.base);
    while (!stack_.empty() && result_.sqlstate.empty()) {
      const ProtobufCMessage& message = *stack_.back();
      stack_.pop_back();
      if (!look(message)) break;
    }
    return std::move(result_);
  }

 private:
  bool refuse(std::string_view sqlstate, std::string message, std::string_view hint) {
    result_.sqlstate = sqlstate;
    result_.message = std::move(message);
    result_.hint = hint;
    return false;
  }

  void collect_with_names(const PgQuery__Node& statement) {
    std::vector<const ProtobufCMessage*> stack{&statement.base};
    while (!stack.empty()) {
      const ProtobufCMessage& message = *stack.back();
      stack.pop_back();
      if (message.descriptor == &pg_query__common_table_expr__descriptor) {
        with_names_.insert(as_message<PgQuery__CommonTableExpr>(message).ctename);
      }
      push_children(message, stack);
    }
  }

  bool look(const ProtobufCMessage& message) {
    const ProtobufCMessageDescriptor* const type = message.descriptor;
    if (type == &pg_query__range_var__descriptor) return relation(as_message<PgQuery__RangeVar>(message));
    if (type == &pg_query__func_call__descriptor && !function(as_message<PgQuery__FuncCall>(message))) return false;
    if (type == &pg_query__type_name__descriptor) {
      const CatalogRelation* const row = names_.row_of(as_message<PgQuery__TypeName>(message));
      if (row != nullptr && columns_.guarded(row->oid) != nullptr) {
        return refuse("0A000", "the row type of \"" + row->name + "\" can't be used: it has encrypted columns",
                      "Name the columns one by one.");
      }
    }
    if (type == &pg_query__locking_clause__descriptor) return true;  // names what stands in FROM
    if (type == &pg_query__into_clause__descriptor) return true;     // names what is to be made
    push_children(message, stack_);
    return true;
  }

  bool relation(const PgQuery__RangeVar& variable) {
    const auto found = names_.find(variable);
    if (found.meaning == RelationNames::Meaning::Elsewhere) {
      return refuse("0A000", "a reference to another database is not supported",
                    "A depot is one database: name the table as schema.table.");
    }
    if (found.meaning == RelationNames::Meaning::Ambiguous) {
      return refuse("42P09", "\"" + std::string(variable.relname) + "\" is both a temporary table and another relation",
                    "Write its schema.");
    }
    if (*variable.schemaname == '\0' && shadows_guarded(variable.relname, found.relation)) {
      return refuse("42P09", "\"" + std::string(variable.relname) + "\" also stands for a table with encrypted columns",
                    "Write its schema.");
    }
    if (found.relation != nullptr) {
      const auto* const guarded = columns_.guarded(found.relation->oid);
      if (guarded != nullptr && !guarded->unusable.empty()) {
        return refuse("0A000", "\"" + found.relation->name + "\" can't be used: " + guarded->unusable,
                      "Ask whoever runs the gateway: docs, encryption of columns.");
      }
      if (guarded != nullptr) result_.guarded = true;
      if (found.relation->has_rules) {
        return refuse("0A000", "\"" + found.relation->name + "\" has rules, which can't be seen into",
                      "Replace the rules by triggers.");
      }
      return true;
    }
    const bool with = *variable.schemaname == '\0' && with_names_.contains(variable.relname);
    if (found.meaning == RelationNames::Meaning::Unknown && queries_ && !with) {
      return refuse("42P01", "relation \"" + std::string(variable.relname) + "\" does not exist",
                    "If it has just been made, try again in a second.");
    }
    return true;
  }

  // Would it be dropped before the catalog is read again, the name would mean that table.
  bool shadows_guarded(std::string_view name, const CatalogRelation* found) const {
    return std::any_of(names_.search_path().begin(), names_.search_path().end(), [&](const std::string& place) {
      const CatalogRelation* const other = names_.catalog().relation(place, name);
      return found != nullptr && other != nullptr && other != found && columns_.guarded(other->oid) != nullptr;
    });
  }

  bool function(const PgQuery__FuncCall& call) {
    if (call.n_funcname == 0 || call.n_funcname > 2) return refuse("0A000", "a function name of three parts", "");
    const std::string_view schema = call.n_funcname == 2 ? string_value(call.funcname[0]) : std::string_view{};
    const std::string_view name = string_value(call.funcname[call.n_funcname - 1]);
    if (name == "set_config" && (schema.empty() || schema == "pg_catalog")) {
      const std::string_view setting = call.n_args == 0 ? std::string_view{} : string_constant(call.args[0]);
      if (setting.empty() || is_watched_setting(setting)) {
        return refuse("0A000", "set_config of this setting can't be seen by the gateway", "Use SET.");
      }
    }
    bool ours = false;
    if (schema == "pg_catalog") {
      ours = true;
    } else if (!schema.empty()) {
      const auto overloads = names_.catalog().functions(schema, name);
      if (overloads.empty() && !is_system_schema(schema) && schema != kViewFunctions) {
        return refuse("42883", "function " + std::string(schema) + "." + std::string(name) + " does not exist",
                      "If it has just been made, try again in a second.");
      }
      return std::all_of(overloads.begin(), overloads.end(), [&](const auto* f) { return may_call(*f); });
    } else {
      for (const std::string& place : names_.search_path()) {
        for (const CatalogFunction* overload : names_.catalog().functions(place, name)) {
          if (!may_call(*overload)) return false;
        }
      }
      ours = true;
    }
    if (ours && runs_text(name)) {
      return refuse("0A000", "function " + std::string(name) + " runs SQL that can't be seen by the gateway",
                    "Send the statement itself.");
    }
    return true;
  }

  bool may_call(const CatalogFunction& function) {
    if (columns_.reviewed(function.oid)) return true;
    const auto takes_text = [](Oid type) { return type == 25 || type == 1043 || type == 2275 || type == 1009; };
    const bool harmless = function.from_extension &&
                          (function.volatility == Volatility::Immutable ||
                           std::none_of(function.argument_types.begin(), function.argument_types.end(), takes_text));
    if (harmless) return true;
    return refuse("42501",
                  "function " + function.schema + "." + function.name +
                      " can't be seen into, and this database has encrypted columns",
                  "A reviewed function can be permitted for the depot.");
  }

  const EncryptedColumns& columns_;
  const RelationNames& names_;
  bool queries_;
  std::unordered_set<std::string_view> with_names_;
  std::vector<const ProtobufCMessage*> stack_;
  ScanResult result_;
};

}  // namespace

bool is_watched_setting(std::string_view name) {
  constexpr std::string_view kNames[] = {"search_path", "standard_conforming_strings", "client_encoding", "role",
                                         "session_authorization"};
  std::string lower(name);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return std::find(std::begin(kNames), std::end(kNames), lower) != std::end(kNames);
}

RelationNames::Found RelationNames::find(const PgQuery__RangeVar& variable) const {
  const std::string_view database = variable.catalogname;
  const std::string_view schema = variable.schemaname;
  const std::string_view name = variable.relname;
  if (!database.empty() && database != catalog_.contents().database) return {Meaning::Elsewhere, nullptr};
  if (!schema.empty()) {
    if (is_system_schema(schema)) return {Meaning::System, nullptr};
    const CatalogRelation* const relation = catalog_.relation(schema, name);
    if (relation != nullptr) return {Meaning::Known, relation};
    return {new_tables_.contains(schema, name) ? Meaning::System : Meaning::Unknown, nullptr};
  }
  const CatalogRelation* relation = nullptr;
  for (const std::string& place : search_path_) {
    relation = catalog_.relation(place, name);
    if (relation != nullptr) break;
  }
  if (temporary_.contains(variable.relname)) {
    return {relation == nullptr ? Meaning::System : Meaning::Ambiguous, nullptr};
  }
  if (relation != nullptr) return {Meaning::Known, relation};
  const bool plain = name.starts_with("pg_") || new_tables_.contains({}, name);
  return {plain ? Meaning::System : Meaning::Unknown, nullptr};
}

const CatalogRelation* RelationNames::row_of(const PgQuery__TypeName& type) const {
  if (type.n_names == 0) return nullptr;
  const std::string_view name = string_value(type.names[type.n_names - 1]);
  const auto row = [&](std::string_view schema) -> const CatalogRelation* {
    const CatalogRelation* const relation = catalog_.relation(schema, name);
    if (relation != nullptr) return relation;
    return name.starts_with('_') ? catalog_.relation(schema, name.substr(1)) : nullptr;  // its array type
  };
  if (type.n_names >= 2) return row(string_value(type.names[type.n_names - 2]));
  for (const std::string& place : search_path_) {
    if (const CatalogRelation* const relation = row(place); relation != nullptr) return relation;
  }
  return nullptr;
}

ScanResult scan(const PgQuery__Node& statement, const EncryptedColumns& columns, const RelationNames& names,
                bool queries) {
  return Scanner(columns, names, queries).run(statement);
}

}  // namespace bartizan::sql
