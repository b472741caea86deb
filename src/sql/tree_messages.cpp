#include "tree_messages.hpp"

namespace bartizan::sql {

namespace {

template <class T>
const T& field_of(const ProtobufCMessage& message, unsigned offset) {
  return *reinterpret_cast<const T*>(reinterpret_cast<const char*>(&message) + offset);
}

}  // namespace

void push_children(const ProtobufCMessage& message, std::vector<const ProtobufCMessage*>& stack) {
  if (message.descriptor == &pg_query__node__descriptor) {
    const auto& node = as_message<PgQuery__Node>(message);
    if (node.node_case != PG_QUERY__NODE__NODE__NOT_SET) stack.push_back(&node.alias->base);
    return;
  }
  for (unsigned i = 0; i < message.descriptor->n_fields; ++i) {
    const ProtobufCFieldDescriptor& field = message.descriptor->fields[i];
    // Only Node and A_Const hold a oneof, and a constant holds nothing of interest.
    if (field.type != PROTOBUF_C_TYPE_MESSAGE || (field.flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0) continue;
    if (field.label == PROTOBUF_C_LABEL_REPEATED) {
      const auto* const items = field_of<const ProtobufCMessage* const*>(message, field.offset);
      stack.insert(stack.end(), items, items + field_of<std::size_t>(message, field.quantifier_offset));
    } else if (const auto* one = field_of<const ProtobufCMessage*>(message, field.offset); one != nullptr) {
      stack.push_back(one);
    }
  }
}

bool has_text(const ProtobufCMessage& tree, std::string_view value) {
  std::vector<const ProtobufCMessage*> stack{&tree};
  while (!stack.empty()) {
    const ProtobufCMessage& message = *stack.back();
    stack.pop_back();
    for (unsigned i = 0; i < message.descriptor->n_fields; ++i) {
      const ProtobufCFieldDescriptor& field = message.descriptor->fields[i];
      if (field.type != PROTOBUF_C_TYPE_STRING || field.label == PROTOBUF_C_LABEL_REPEATED) continue;
      const char* const text = field_of<const char*>(message, field.offset);
      if (text != nullptr && value == text) return true;
    }
    push_children(message, stack);
  }
  return false;
}

}  // namespace bartizan::sql
