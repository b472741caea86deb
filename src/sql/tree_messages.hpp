// Walking a parse tree by its descriptors: every message below another, whatever its kind.
#pragma once

#include <string_view>
#include <vector>

#include "parse_tree.hpp"

namespace bartizan::sql {

template <class T>
[[nodiscard]] T& as_message(ProtobufCMessage& message) {
  return reinterpret_cast<T&>(message);
}
template <class T>
[[nodiscard]] const T& as_message(const ProtobufCMessage& message) {
  return reinterpret_cast<const T&>(message);
}

/// Adds the messages that stand directly in `message`. A Node's is the one that it holds.
void push_children(const ProtobufCMessage& message, std::vector<const ProtobufCMessage*>& stack);

/// Whether any text in the tree is `value`.
[[nodiscard]] bool has_text(const ProtobufCMessage& tree, std::string_view value);

}  // namespace bartizan::sql
