#include "tree_walker.hpp"

#include <algorithm>
#include <deque>
#include <string_view>

#include "known_functions.hpp"

namespace bartizan::sql {

namespace {

constexpr std::size_t kMaxWithNames = 256;  // a look-up is linear in them

/// A WITH name and those visible beside it.
struct Scope {
  const Scope* parent;
  std::string_view name;
};

struct Visit {
  const ProtobufCMessage* message;
  const Scope* scope;
  Access access;
};

template <class T>
const T& as(const ProtobufCMessage& message) {
  return reinterpret_cast<const T&>(message);
}

std::string_view string_of(const PgQuery__Node* node) {
  return node != nullptr && node->node_case == PG_QUERY__NODE__NODE_STRING ? node->string->sval : std::string_view{};
}

bool is_true(const PgQuery__Node& node) {
  return node.node_case == PG_QUERY__NODE__NODE_A_CONST && node.a_const->val_case == PG_QUERY__A__CONST__VAL_BOOLVAL &&
         node.a_const->boolval->boolval != 0;
}

class Walker {
 public:
  TreeFacts run(const PgQuery__Node& statement, Access access) {
    push(&statement.base, nullptr, access);
    while (!stack_.empty()) {
      const Visit visit = stack_.back();
      stack_.pop_back();
      step(visit);
    }
    std::sort(facts_.relations.begin(), facts_.relations.end());
    facts_.relations.erase(std::unique(facts_.relations.begin(), facts_.relations.end()), facts_.relations.end());
    return std::move(facts_);
  }

 private:
  void push(const ProtobufCMessage* message, const Scope* scope, Access access) {
    if (message != nullptr) stack_.push_back({message, scope, access});
  }
  void push_children(const ProtobufCMessage& message, const Scope* scope, Access access);
  void step(const Visit& visit);
  bool step_query(const Visit& visit);
  void step_leaf(const Visit& visit);

  const Scope* with(const PgQuery__WithClause* clause, const Scope* scope);
  void add(const PgQuery__RangeVar& range, const Scope* scope, Access access);
  void call(const PgQuery__FuncCall& call);
  void attribute(const PgQuery__Node* name, bool of_column);
  void into(const PgQuery__IntoClause& clause, const Scope* scope);
  void dropped(const PgQuery__DropStmt& drop);
  void temp(bool drops_on_commit) {
    if (!drops_on_commit) pin(PinReason::TempTable);
  }
  void effect(Effect at_least) { facts_.effect = std::max(facts_.effect, at_least); }
  void pin(PinReason reason) {
    if (facts_.pin == PinReason::None) facts_.pin = reason;
  }

  TreeFacts facts_;
  std::vector<Visit> stack_;
  std::deque<Scope> scopes_;  // stable addresses
};

bool is_temp_schema(std::string_view name) { return name.starts_with("pg_temp") || name.starts_with("pg_toast_temp"); }

/// A constant that is another setting's name than search_path's.
bool names_other_setting(const PgQuery__Node& node) {
  if (node.node_case != PG_QUERY__NODE__NODE_A_CONST || node.a_const->val_case != PG_QUERY__A__CONST__VAL_SVAL)
    return false;
  const std::string_view name = node.a_const->sval->sval;
  constexpr std::string_view kPath = "search_path";
  return name.size() != kPath.size() || !std::equal(name.begin(), name.end(), kPath.begin(), [](char a, char b) {
           return (a >= 'A' && a <= 'Z' ? static_cast<char>(a + ('a' - 'A')) : a) == b;
         });
}

bool is_temp(const PgQuery__RangeVar& range) { return std::string_view(range.relpersistence) == "t"; }

void Walker::push_children(const ProtobufCMessage& message, const Scope* scope, Access access) {
  const auto* base = reinterpret_cast<const char*>(&message);
  for (unsigned i = 0; i < message.descriptor->n_fields; ++i) {
    const ProtobufCFieldDescriptor& field = message.descriptor->fields[i];
    if (field.type != PROTOBUF_C_TYPE_MESSAGE) continue;
    if (field.label == PROTOBUF_C_LABEL_REPEATED) {
      const auto count = *reinterpret_cast<const std::size_t*>(base + field.quantifier_offset);
      const auto* items = *reinterpret_cast<const ProtobufCMessage* const* const*>(base + field.offset);
      for (std::size_t k = 0; k < count; ++k) push(items[k], scope, access);
    } else {
      push(*reinterpret_cast<const ProtobufCMessage* const*>(base + field.offset), scope, access);
    }
  }
}

// Queries open the scope of their WITH names, and all that they read is read.
bool Walker::step_query(const Visit& visit) {
  const ProtobufCMessageDescriptor* type = visit.message->descriptor;
  const PgQuery__RangeVar* target = nullptr;
  const PgQuery__WithClause* names = nullptr;
  if (type == &pg_query__select_stmt__descriptor) {
    names = as<PgQuery__SelectStmt>(*visit.message).with_clause;
  } else if (type == &pg_query__insert_stmt__descriptor) {
    target = as<PgQuery__InsertStmt>(*visit.message).relation;
    names = as<PgQuery__InsertStmt>(*visit.message).with_clause;
  } else if (type == &pg_query__update_stmt__descriptor) {
    target = as<PgQuery__UpdateStmt>(*visit.message).relation;
    names = as<PgQuery__UpdateStmt>(*visit.message).with_clause;
  } else if (type == &pg_query__delete_stmt__descriptor) {
    target = as<PgQuery__DeleteStmt>(*visit.message).relation;
    names = as<PgQuery__DeleteStmt>(*visit.message).with_clause;
  } else if (type == &pg_query__merge_stmt__descriptor) {
    target = as<PgQuery__MergeStmt>(*visit.message).relation;
    names = as<PgQuery__MergeStmt>(*visit.message).with_clause;
  } else {
    return false;
  }
  const Scope* const scope = names == nullptr ? visit.scope : with(names, visit.scope);
  const std::size_t before = stack_.size();
  push_children(*visit.message, scope, Access::Read);
  if (target != nullptr) {
    effect(Effect::Write);
    add(*target, nullptr, Access::Write);  // a target is never a WITH name
  }
  // Both are dealt with.
  const ProtobufCMessage* const clause = names == nullptr ? nullptr : &names->base;
  const ProtobufCMessage* const relation = target == nullptr ? nullptr : &target->base;
  stack_.erase(std::remove_if(stack_.begin() + static_cast<std::ptrdiff_t>(before), stack_.end(),
                              [&](const Visit& child) { return child.message == clause || child.message == relation; }),
               stack_.end());
  return true;
}

const Scope* Walker::with(const PgQuery__WithClause* clause, const Scope* scope) {
  if (scopes_.size() + clause->n_ctes > kMaxWithNames) {
    facts_.complete = false;
    return scope;
  }
  const Scope* const outside = scope;
  const auto first_query = stack_.size();
  for (std::size_t i = 0; i < clause->n_ctes; ++i) {
    const PgQuery__CommonTableExpr& cte = *clause->ctes[i]->common_table_expr;
    push(&cte.ctequery->base, scope, Access::Read);  // sees the names before its own…
    scope = &scopes_.emplace_back(Scope{scope, cte.ctename});
  }
  for (std::size_t i = first_query; clause->recursive != 0 && scope != outside && i < stack_.size(); ++i) {
    stack_[i].scope = scope;  // …or all of them
  }
  return scope;
}

void Walker::add(const PgQuery__RangeVar& range, const Scope* scope, Access access) {
  const std::string_view schema = range.schemaname;
  const std::string_view name = range.relname;
  if (schema.empty()) {
    for (const Scope* s = scope; s != nullptr; s = s->parent) {
      if (s->name == name) return;
    }
  }
  if (is_temp_schema(schema)) facts_.names_pg_temp = true;
  // Its rule calls set_config.
  if (access == Access::Write && name == "pg_settings") pin(PinReason::SetUntracked);
  facts_.relations.push_back({std::string(schema), std::string(name), access});
}

void Walker::call(const PgQuery__FuncCall& call) {
  const std::size_t parts = call.n_funcname;
  const std::string_view name = parts > 0 ? string_of(call.funcname[parts - 1]) : std::string_view{};
  const std::string_view schema = parts > 1 ? string_of(call.funcname[parts - 2]) : std::string_view{"pg_catalog"};
  const FunctionFacts facts = known_function(name);
  effect(schema == "pg_catalog" ? facts.effect : Effect::Write);
  facts_.calls_unknown = facts_.calls_unknown || !facts.known || schema != "pg_catalog";
  facts_.reads_sequence = facts_.reads_sequence || name == "currval" || name == "lastval";
  const bool transaction_local = name == "set_config" && call.n_args == 3 && is_true(*call.args[2]);
  if (facts.pin != PinReason::None && !transaction_local) pin(facts.pin);
  if (transaction_local && !names_other_setting(*call.args[0])) facts_.sets_path = true;
}

/// `(x).f` and `t.f` call f where there is no such column.
void Walker::attribute(const PgQuery__Node* last, bool of_column) {
  const auto name = string_of(last);
  if (name.empty()) return;  // an element, or all
  const FunctionFacts facts = known_function(name);
  if (!facts.known) {
    if (!of_column) facts_.calls_unknown = true;  // may be a field of a composite value
    return;
  }
  if (facts.pin == PinReason::None && facts.effect == Effect::Read) return;
  facts_.reads_sequence = facts_.reads_sequence || name == "currval" || name == "lastval";
  effect(facts.effect);
  if (facts.pin != PinReason::None) pin(facts.pin);
}

void Walker::into(const PgQuery__IntoClause& clause, const Scope* scope) {
  effect(Effect::Write);
  if (clause.rel != nullptr) {
    add(*clause.rel, nullptr, Access::Write);
    if (is_temp(*clause.rel)) temp(clause.on_commit == PG_QUERY__ON_COMMIT_ACTION__ONCOMMIT_DROP);
  }
  if (clause.view_query != nullptr) push(&clause.view_query->base, scope, Access::Read);
}

void Walker::dropped(const PgQuery__DropStmt& drop) {
  const auto type = drop.remove_type;
  if (type != PG_QUERY__OBJECT_TYPE__OBJECT_TABLE && type != PG_QUERY__OBJECT_TYPE__OBJECT_VIEW &&
      type != PG_QUERY__OBJECT_TYPE__OBJECT_MATVIEW && type != PG_QUERY__OBJECT_TYPE__OBJECT_FOREIGN_TABLE &&
      type != PG_QUERY__OBJECT_TYPE__OBJECT_SEQUENCE && type != PG_QUERY__OBJECT_TYPE__OBJECT_INDEX) {
    return;
  }
  for (std::size_t i = 0; i < drop.n_objects; ++i) {
    if (drop.objects[i]->node_case != PG_QUERY__NODE__NODE_LIST) continue;
    const PgQuery__List& parts = *drop.objects[i]->list;
    if (parts.n_items == 0) continue;
    const auto schema = parts.n_items > 1 ? string_of(parts.items[parts.n_items - 2]) : std::string_view{};
    facts_.relations.push_back(
        {std::string(schema), std::string(string_of(parts.items[parts.n_items - 1])), Access::Write});
  }
}

// Nodes that mean something of their own, or that hold nothing worth a visit.
void Walker::step_leaf(const Visit& visit) {
  const ProtobufCMessage& message = *visit.message;
  const ProtobufCMessageDescriptor* type = message.descriptor;
  Access access = visit.access;
  if (type == &pg_query__range_var__descriptor) {
    add(as<PgQuery__RangeVar>(message), visit.scope, access);
    return;
  }
  if (type == &pg_query__a__const__descriptor) return;
  if (type == &pg_query__column_ref__descriptor) {
    const auto& column = as<PgQuery__ColumnRef>(message);
    if (column.n_fields > 1) attribute(column.fields[column.n_fields - 1], true);
    return;
  }
  if (type == &pg_query__locking_clause__descriptor) {
    effect(Effect::Write);
    return;
  }
  if (type == &pg_query__execute_stmt__descriptor || type == &pg_query__refresh_mat_view_stmt__descriptor) {
    effect(Effect::Write);  // what EXPLAIN ANALYZE may run beside queries
  }
  if (type == &pg_query__into_clause__descriptor) {
    into(as<PgQuery__IntoClause>(message), visit.scope);
    return;
  }
  if (type == &pg_query__string__descriptor) {
    if (is_temp_schema(as<PgQuery__String>(message).sval)) facts_.names_pg_temp = true;
    return;
  }
  if (type == &pg_query__func_call__descriptor) {
    call(as<PgQuery__FuncCall>(message));
  } else if (type == &pg_query__a__indirection__descriptor) {
    const auto& indirection = as<PgQuery__AIndirection>(message);
    for (std::size_t i = 0; i < indirection.n_indirection; ++i) attribute(indirection.indirection[i], false);
  } else if (type == &pg_query__constraint__descriptor || type == &pg_query__table_like_clause__descriptor) {
    access = Access::Read;
  } else if (type == &pg_query__copy_stmt__descriptor) {
    access = as<PgQuery__CopyStmt>(message).is_from != 0 ? Access::Write : Access::Read;
  } else if (type == &pg_query__drop_stmt__descriptor) {
    dropped(as<PgQuery__DropStmt>(message));
  } else if (type == &pg_query__create_stmt__descriptor) {
    const auto& create = as<PgQuery__CreateStmt>(message);
    if (is_temp(*create.relation)) temp(create.oncommit == PG_QUERY__ON_COMMIT_ACTION__ONCOMMIT_DROP);
  } else if (type == &pg_query__view_stmt__descriptor) {
    if (is_temp(*as<PgQuery__ViewStmt>(message).view)) temp(false);
  } else if (type == &pg_query__create_seq_stmt__descriptor) {
    if (is_temp(*as<PgQuery__CreateSeqStmt>(message).sequence)) temp(false);
  }
  push_children(message, visit.scope, access);
}

void Walker::step(const Visit& visit) {
  if (visit.message->descriptor == &pg_query__node__descriptor) {
    const auto& node = as<PgQuery__Node>(*visit.message);
    // All members of the union are pointers to messages.
    if (node.node_case != PG_QUERY__NODE__NODE__NOT_SET) push(&node.alias->base, visit.scope, visit.access);
  } else if (!step_query(visit)) {
    step_leaf(visit);
  }
}

}  // namespace

TreeFacts walk(const PgQuery__Node& statement, Access default_access) {
  return Walker().run(statement, default_access);
}

}  // namespace bartizan::sql
