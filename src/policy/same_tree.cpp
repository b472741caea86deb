#include "same_tree.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace bartizan::policy {
namespace {

template <class T>
T& at(ProtobufCMessage& message, unsigned offset) {
  return *reinterpret_cast<T*>(reinterpret_cast<std::byte*>(&message) + offset);
}

bool is_place(std::string_view field) { return field == "location" || field == "stmt_location" || field == "stmt_len"; }

/// By the messages' own descriptors, so that no kind of node can be forgotten.
void clear_places(ProtobufCMessage& message) {
  for (unsigned i = 0; i < message.descriptor->n_fields; ++i) {
    const ProtobufCFieldDescriptor& field = message.descriptor->fields[i];
    if (field.type == PROTOBUF_C_TYPE_INT32 && field.label != PROTOBUF_C_LABEL_REPEATED) {
      if (is_place(field.name)) at<std::int32_t>(message, field.offset) = 0;
    } else if (field.type == PROTOBUF_C_TYPE_MESSAGE && field.label == PROTOBUF_C_LABEL_REPEATED) {
      const auto count = at<std::size_t>(message, field.quantifier_offset);
      auto* const* const members = at<ProtobufCMessage**>(message, field.offset);
      for (std::size_t j = 0; j < count; ++j) clear_places(*members[j]);
    } else if (field.type == PROTOBUF_C_TYPE_MESSAGE) {
      const bool one_of = (field.flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0;
      const bool there = !one_of || at<std::uint32_t>(message, field.quantifier_offset) == field.id;
      ProtobufCMessage* member = there ? at<ProtobufCMessage*>(message, field.offset) : nullptr;
      if (member != nullptr) clear_places(*member);
    }
  }
}

std::vector<std::uint8_t> bytes_of(PgQuery__ParseResult& tree) {
  clear_places(tree.base);
  std::vector<std::uint8_t> out(pg_query__parse_result__get_packed_size(&tree));
  out.resize(pg_query__parse_result__pack(&tree, out.data()));
  return out;
}

}  // namespace

bool same_tree(PgQuery__ParseResult& a, PgQuery__ParseResult& b) { return bytes_of(a) == bytes_of(b); }

}  // namespace bartizan::policy
