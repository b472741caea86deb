#include "deparse.hpp"

#include <pg_query.h>

#include <cstdint>
#include <cstring>
#include <memory>
#include <string_view>
#include <vector>

namespace bartizan::sql {

namespace {

struct Pair {
  const ProtobufCMessage* one;
  const ProtobufCMessage* other;
};

template <class T>
const T& field_of(const ProtobufCMessage& message, unsigned offset) {
  return *reinterpret_cast<const T*>(reinterpret_cast<const char*>(&message) + offset);
}

bool is_location(const ProtobufCFieldDescriptor& field) {
  if (field.type != PROTOBUF_C_TYPE_INT32) return false;
  const std::string_view name = field.name;
  return name == "location" || name == "stmt_location" || name == "stmt_len";
}

// Where a oneof's or a single message's pointer stands.
const ProtobufCMessage* child(const ProtobufCMessage& message, const ProtobufCFieldDescriptor& field) {
  return field_of<const ProtobufCMessage*>(message, field.offset);
}

std::size_t scalar_size(ProtobufCType type) {
  switch (type) {
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64:
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64:
    case PROTOBUF_C_TYPE_DOUBLE: return 8;
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_SINT32:
    case PROTOBUF_C_TYPE_SFIXED32:
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_FIXED32:
    case PROTOBUF_C_TYPE_FLOAT:
    case PROTOBUF_C_TYPE_BOOL:
    case PROTOBUF_C_TYPE_ENUM: return 4;
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_BYTES:
    case PROTOBUF_C_TYPE_MESSAGE: break;
  }
  return 0;  // not a scalar
}

bool same_single(const ProtobufCFieldDescriptor& field, const Pair& pair, std::vector<Pair>& stack) {
  if ((field.flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0) {
    const auto set = field_of<std::uint32_t>(*pair.one, field.quantifier_offset);
    if (set != field_of<std::uint32_t>(*pair.other, field.quantifier_offset)) return false;
    if (set != field.id) return true;  // another member's turn
  }
  if (field.type == PROTOBUF_C_TYPE_MESSAGE) {
    const ProtobufCMessage* const one = child(*pair.one, field);
    const ProtobufCMessage* const other = child(*pair.other, field);
    if ((one == nullptr) != (other == nullptr)) return false;
    if (one != nullptr) stack.push_back({one, other});
    return true;
  }
  if (field.type == PROTOBUF_C_TYPE_STRING) {
    const auto* one = field_of<const char*>(*pair.one, field.offset);
    const auto* other = field_of<const char*>(*pair.other, field.offset);
    return std::string_view(one == nullptr ? "" : one) == std::string_view(other == nullptr ? "" : other);
  }
  const std::size_t size = scalar_size(field.type);
  return size != 0 &&
         std::memcmp(&field_of<char>(*pair.one, field.offset), &field_of<char>(*pair.other, field.offset), size) == 0;
}

bool same_list(const ProtobufCFieldDescriptor& field, const Pair& pair, std::vector<Pair>& stack) {
  const auto count = field_of<std::size_t>(*pair.one, field.quantifier_offset);
  if (count != field_of<std::size_t>(*pair.other, field.quantifier_offset)) return false;
  if (count == 0) return true;
  if (field.type != PROTOBUF_C_TYPE_MESSAGE) return false;  // no list of anything else in statements
  const auto* const one = field_of<const ProtobufCMessage* const*>(*pair.one, field.offset);
  const auto* const other = field_of<const ProtobufCMessage* const*>(*pair.other, field.offset);
  for (std::size_t i = 0; i < count; ++i) stack.push_back({one[i], other[i]});
  return true;
}

}  // namespace

bool same_tree(const PgQuery__Node& one, const PgQuery__Node& other) {
  std::vector<Pair> stack{{&one.base, &other.base}};
  while (!stack.empty()) {
    const Pair pair = stack.back();
    stack.pop_back();
    const ProtobufCMessageDescriptor& type = *pair.one->descriptor;
    if (pair.other->descriptor != &type) return false;
    if (&type == &pg_query__node__descriptor) {  // a oneof of over two hundred members, all pointers to messages
      const auto& left = reinterpret_cast<const PgQuery__Node&>(*pair.one);
      const auto& right = reinterpret_cast<const PgQuery__Node&>(*pair.other);
      if (left.node_case != right.node_case) return false;
      if (left.node_case != PG_QUERY__NODE__NODE__NOT_SET) stack.push_back({&left.alias->base, &right.alias->base});
      continue;
    }
    for (unsigned i = 0; i < type.n_fields; ++i) {
      const ProtobufCFieldDescriptor& field = type.fields[i];
      if (is_location(field)) continue;
      const bool same =
          field.label == PROTOBUF_C_LABEL_REPEATED ? same_list(field, pair, stack) : same_single(field, pair, stack);
      if (!same) return false;
    }
  }
  return true;
}

namespace {

bool deparse_text(PgQuery__Node& statement, std::string& text) {
  PgQuery__RawStmt raw = PG_QUERY__RAW_STMT__INIT;
  raw.stmt = &statement;
  PgQuery__RawStmt* statements[] = {&raw};
  PgQuery__ParseResult result = PG_QUERY__PARSE_RESULT__INIT;
  result.version = PG_VERSION_NUM;
  result.n_stmts = 1;
  result.stmts = statements;
  std::vector<std::uint8_t> packed(pg_query__parse_result__get_packed_size(&result));
  pg_query__parse_result__pack(&result, packed.data());
  const PgQueryProtobuf protobuf{packed.size(), reinterpret_cast<char*>(packed.data())};
  const PgQueryDeparseResult deparsed = pg_query_deparse_protobuf(protobuf);
  const bool ok = deparsed.error == nullptr && deparsed.query != nullptr;
  if (ok) text = deparsed.query;
  pg_query_free_deparse_result(deparsed);
  return ok;
}

std::vector<PgQuery__LockingClause*> locking_clauses(PgQuery__Node& statement) {
  std::vector<PgQuery__LockingClause*> found;
  std::vector<ProtobufCMessage*> stack{&statement.base};
  while (!stack.empty()) {
    ProtobufCMessage& message = *stack.back();
    stack.pop_back();
    if (message.descriptor == &pg_query__node__descriptor) {
      auto& node = reinterpret_cast<PgQuery__Node&>(message);
      if (node.node_case != PG_QUERY__NODE__NODE__NOT_SET) stack.push_back(&node.alias->base);
      continue;
    }
    if (message.descriptor == &pg_query__locking_clause__descriptor) {
      found.push_back(reinterpret_cast<PgQuery__LockingClause*>(&message));
    }
    for (unsigned i = 0; i < message.descriptor->n_fields; ++i) {
      const ProtobufCFieldDescriptor& field = message.descriptor->fields[i];
      if (field.type != PROTOBUF_C_TYPE_MESSAGE || (field.flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0) continue;
      if (field.label == PROTOBUF_C_LABEL_REPEATED) {
        const auto* const items = field_of<ProtobufCMessage* const*>(message, field.offset);
        stack.insert(stack.end(), items, items + field_of<std::size_t>(message, field.quantifier_offset));
      } else if (auto* const one = field_of<ProtobufCMessage*>(message, field.offset); one != nullptr) {
        stack.push_back(one);
      }
    }
  }
  return found;
}

// libpg_query 15-4.0.0 writes FOR UPDATE OF tNOWAIT: the space is put in behind a name that marks
// the place. Whether the outcome is right is seen by parsing it, as always.
bool deparse_lock_waits(PgQuery__Node& statement, std::string& text) {
  static constexpr std::string_view kMark = "bartizan_lock_wait";
  struct Marked {
    PgQuery__RangeVar* relation;
    char* name;
  };
  std::vector<Marked> marked;
  std::string mark(kMark);
  for (const PgQuery__LockingClause* clause : locking_clauses(statement)) {
    if (clause->n_locked_rels == 0 || clause->wait_policy == PG_QUERY__LOCK_WAIT_POLICY__LockWaitBlock) continue;
    PgQuery__Node* const last = clause->locked_rels[clause->n_locked_rels - 1];
    if (last->node_case != PG_QUERY__NODE__NODE_RANGE_VAR) return false;
    marked.push_back({last->range_var, last->range_var->relname});
    last->range_var->relname = mark.data();
  }
  const bool ok = !marked.empty() && deparse_text(statement, text);
  std::size_t from = 0;
  // They may not come back in the order of the walk: then the trees differ and it is refused.
  for (const Marked& one : marked) {
    one.relation->relname = one.name;
    const auto at = ok ? text.find(kMark, from) : std::string::npos;
    if (at == std::string::npos) continue;
    std::string name = "\"";
    for (const char c : std::string_view(one.name)) name.append(c == '"' ? 2 : 1, c);
    name += "\" ";
    text.replace(at, kMark.size(), name);
    from = at + name.size();
  }
  return ok;
}

bool parses_to(const PgQuery__Node& statement, Deparsed& deparsed) {
  deparsed.tree = std::make_unique<ParseTree>(deparsed.text);
  return deparsed.tree->statement() != nullptr && same_tree(statement, *deparsed.tree->statement());
}

}  // namespace

std::optional<Deparsed> deparse(PgQuery__Node& statement) {
  Deparsed deparsed;
  if (!deparse_text(statement, deparsed.text)) return std::nullopt;
  if (parses_to(statement, deparsed)) return deparsed;
  if (deparse_lock_waits(statement, deparsed.text) && parses_to(statement, deparsed)) return deparsed;
  return std::nullopt;
}

}  // namespace bartizan::sql
