#include "binder.hpp"

#include <algorithm>

namespace bartizan::sql {

bool Binder::refuse(std::string_view sqlstate, std::string message, int location, std::string_view hint) {
  refusal_ = {std::string(sqlstate), std::move(message), std::string(hint), location};
  return false;
}

bool Binder::unsupported(std::string what, int location, std::string_view hint) {
  return refuse("0A000", std::move(what) + " is not supported for identities under a policy", location, hint);
}

bool Binder::spend(std::size_t units) {
  static constexpr std::size_t kMaxWork = 2'000'000;
  spent_ += units;
  return spent_ <= kMaxWork || refuse("54001", "statement is too complex", -1);
}

void Binder::touch(const Sources& sources) { facts_.read.insert(facts_.read.end(), sources.begin(), sources.end()); }

void Binder::use(const CatalogRelation& relation, Verbs verb) {
  facts_.needs_transaction_context = true;
  facts_.relations.push_back({relation.oid, verb});
}

bool Binder::top_query(PgQuery__Node& node) {
  Columns output;
  if (!query(node, nullptr, output)) return false;
  facts_.output_known = output.known;
  for (BoundColumn& column : output.list) {
    sort_unique(column.sources);
    facts_.output.push_back({std::string(column.name), std::move(column.sources), column.bare});
  }
  return true;
}

bool Binder::statement(PgQuery__Node& node) {
  switch (static_cast<int>(node.node_case)) {  // what is not listed is refused
    case PG_QUERY__NODE__NODE_SELECT_STMT:
    case PG_QUERY__NODE__NODE_INSERT_STMT:
    case PG_QUERY__NODE__NODE_UPDATE_STMT:
    case PG_QUERY__NODE__NODE_DELETE_STMT: return top_query(node);
    case PG_QUERY__NODE__NODE_COPY_STMT: return copy(*node.copy_stmt);
    case PG_QUERY__NODE__NODE_TRANSACTION_STMT: return transaction(*node.transaction_stmt);
    case PG_QUERY__NODE__NODE_VARIABLE_SET_STMT: return set(*node.variable_set_stmt);
    case PG_QUERY__NODE__NODE_VARIABLE_SHOW_STMT: return show(*node.variable_show_stmt);
    case PG_QUERY__NODE__NODE_PREPARE_STMT: return prepare(*node.prepare_stmt);
    case PG_QUERY__NODE__NODE_EXECUTE_STMT: return execute(*node.execute_stmt);
    case PG_QUERY__NODE__NODE_DECLARE_CURSOR_STMT: return declare(*node.declare_cursor_stmt);
    case PG_QUERY__NODE__NODE_DEALLOCATE_STMT: return session_name(node.deallocate_stmt->name);
    case PG_QUERY__NODE__NODE_FETCH_STMT:
      facts_.needs_transaction_context = true;  // the cursor's query runs now
      facts_.output_known = false;
      return session_name(node.fetch_stmt->portalname);
    case PG_QUERY__NODE__NODE_CLOSE_PORTAL_STMT: return session_name(node.close_portal_stmt->portalname);
    case PG_QUERY__NODE__NODE_DISCARD_STMT: return true;
    default: return refuse_kind();
  }
}

RewrittenStatement Binder::facts() && {
  std::sort(facts_.relations.begin(), facts_.relations.end());
  std::vector<RelationUse> each_once;
  for (const RelationUse& use : facts_.relations) {
    if (!each_once.empty() && each_once.back().relation == use.relation) {
      each_once.back().verbs = each_once.back().verbs | use.verbs;
    } else {
      each_once.push_back(use);
    }
  }
  facts_.relations = std::move(each_once);
  sort_unique(facts_.read);
  sort_unique(facts_.written);
  return std::move(facts_);
}

}  // namespace bartizan::sql
