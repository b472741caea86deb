#include "mentions_only.hpp"

#include <algorithm>
#include <string>
#include <vector>

#include "catalog_functions.hpp"
#include "nesting.hpp"
#include "node_access.hpp"
#include "permitted_names.hpp"
#include "tree_walker.hpp"

namespace bartizan::sql {

namespace {

constexpr std::string_view kSystemColumns[] = {"cmax", "cmin", "ctid", "tableoid", "xmax", "xmin"};

template <class T>
const T& as(const ProtobufCMessage& message) {
  return reinterpret_cast<const T&>(message);
}

bool may_begin(const PgQuery__Node& statement) {
  switch (static_cast<int>(statement.node_case)) {  // no other statement may be sent
    case PG_QUERY__NODE__NODE_SELECT_STMT:
    case PG_QUERY__NODE__NODE_INSERT_STMT:
    case PG_QUERY__NODE__NODE_UPDATE_STMT:
    case PG_QUERY__NODE__NODE_DELETE_STMT:
    case PG_QUERY__NODE__NODE_TRANSACTION_STMT:
    case PG_QUERY__NODE__NODE_VARIABLE_SET_STMT:
    case PG_QUERY__NODE__NODE_VARIABLE_SHOW_STMT:
    case PG_QUERY__NODE__NODE_PREPARE_STMT:
    case PG_QUERY__NODE__NODE_EXECUTE_STMT:
    case PG_QUERY__NODE__NODE_DEALLOCATE_STMT:
    case PG_QUERY__NODE__NODE_DECLARE_CURSOR_STMT:
    case PG_QUERY__NODE__NODE_FETCH_STMT:
    case PG_QUERY__NODE__NODE_CLOSE_PORTAL_STMT:
    case PG_QUERY__NODE__NODE_DISCARD_STMT: return true;
    case PG_QUERY__NODE__NODE_COPY_STMT:
      return statement.copy_stmt->is_from == 0 && statement.copy_stmt->is_program == 0 &&
             *statement.copy_stmt->filename == '\0' && statement.copy_stmt->relation == nullptr;
    default: return false;
  }
}

class Checker {
 public:
  Checker(const ViewMap& views, const Catalog& catalog) : views_(views), catalog_(catalog) {}

  bool run(const PgQuery__Node& statement) {
    const TreeFacts facts = walk(statement, Access::Read);
    if (!facts.complete || !may_begin(statement)) return false;
    if (!std::all_of(facts.relations.begin(), facts.relations.end(),
                     [&](const Relation& relation) { return is_view({relation.schema, relation.name}); })) {
      return false;
    }
    stack_.push_back(&statement.base);
    while (!stack_.empty()) {
      const ProtobufCMessage& message = *stack_.back();
      stack_.pop_back();
      if (!is_harmless(message)) return false;
      push_children(message);
    }
    return true;
  }

 private:
  bool is_view(const ViewName& name) const {
    const auto of_class = [&](const auto& entry) {
      return entry.second.view == name || entry.second.write_view == name;
    };
    const auto of_catalog = [&](const auto& entry) { return entry.second.view == name; };
    return std::any_of(views_.relations.begin(), views_.relations.end(), of_class) ||
           std::any_of(views_.catalog_views.begin(), views_.catalog_views.end(), of_catalog);
  }

  bool is_function(PgQuery__Node* const* list, std::size_t count) const {
    if (count != 2) return false;
    const std::string_view schema = string_value(list[0]);
    const std::string_view name = string_value(list[1]);
    if (schema == "pg_catalog") return permitted_function(name) != nullptr || name == "current_setting";
    if (schema == views_.user_function.schema && name == views_.user_function.name) return true;
    if (schema == views_.catalog_functions && !schema.empty()) return catalog_function(name) != nullptr;
    const auto overloads = catalog_.functions(schema, name);
    return std::any_of(overloads.begin(), overloads.end(),
                       [&](const CatalogFunction* function) { return views_.functions.contains(function->oid); });
  }

  bool is_type(PgQuery__Node* const* list, std::size_t count) const {
    if (count != 2) return false;
    const std::string_view schema = string_value(list[0]);
    const std::string_view name = string_value(list[1]);
    if (schema == "pg_catalog") return permitted_type(name);
    const CatalogType* const type = catalog_.type(schema, name);
    return type != nullptr && views_.types.contains(type->oid);
  }

  bool is_harmless(const ProtobufCMessage& message) const {
    const ProtobufCMessageDescriptor* const type = message.descriptor;
    if (type == &pg_query__func_call__descriptor) {
      const auto& call = as<PgQuery__FuncCall>(message);
      return is_function(call.funcname, call.n_funcname);
    }
    if (type == &pg_query__type_name__descriptor) {
      const auto& name = as<PgQuery__TypeName>(message);
      return name.pct_type == 0 && is_type(name.names, name.n_names);
    }
    if (type == &pg_query__column_ref__descriptor) {
      const auto& reference = as<PgQuery__ColumnRef>(message);
      const std::string_view name = string_value(reference.fields[reference.n_fields - 1]);
      return reference.n_fields <= 2 && !std::binary_search(std::begin(kSystemColumns), std::end(kSystemColumns), name);
    }
    if (type == &pg_query__range_var__descriptor) return *as<PgQuery__RangeVar>(message).catalogname == '\0';
    return type != &pg_query__into_clause__descriptor && type != &pg_query__current_of_expr__descriptor &&
           type != &pg_query__range_table_sample__descriptor && type != &pg_query__range_table_func__descriptor &&
           type != &pg_query__xml_expr__descriptor && type != &pg_query__xml_serialize__descriptor;
  }

  void push_children(const ProtobufCMessage& message) {
    if (message.descriptor == &pg_query__node__descriptor) {
      const auto& node = as<PgQuery__Node>(message);
      if (node.node_case != PG_QUERY__NODE__NODE__NOT_SET) stack_.push_back(&node.alias->base);
      return;
    }
    const auto* const base = reinterpret_cast<const char*>(&message);
    for (unsigned i = 0; i < message.descriptor->n_fields; ++i) {
      const ProtobufCFieldDescriptor& field = message.descriptor->fields[i];
      // Only Node and A_Const hold a oneof, and a constant holds nothing of interest.
      if (field.type != PROTOBUF_C_TYPE_MESSAGE || (field.flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0) continue;
      if (field.label == PROTOBUF_C_LABEL_REPEATED) {
        const auto count = *reinterpret_cast<const std::size_t*>(base + field.quantifier_offset);
        const auto* const items = *reinterpret_cast<const ProtobufCMessage* const* const*>(base + field.offset);
        stack_.insert(stack_.end(), items, items + count);
      } else if (const auto* one = *reinterpret_cast<const ProtobufCMessage* const*>(base + field.offset)) {
        stack_.push_back(one);
      }
    }
  }

  const ViewMap& views_;
  const Catalog& catalog_;
  std::vector<const ProtobufCMessage*> stack_;
};

}  // namespace

bool mentions_only(const ViewMap& views, const Catalog& catalog, const PgQuery__Node& statement) {
  return Checker(views, catalog).run(statement);
}

bool mentions_only(const ViewMap& views, const Catalog& catalog, std::string_view server_text) {
  constexpr std::size_t kMaxNesting = 4000;  // deparsing adds brackets
  if (server_text.find('\0') != std::string_view::npos || nests_deeply(server_text, LexOptions{}, kMaxNesting)) {
    return false;
  }
  const ParseTree tree{std::string(server_text)};
  return tree.statement() != nullptr && mentions_only(views, catalog, *tree.statement());
}

}  // namespace bartizan::sql
