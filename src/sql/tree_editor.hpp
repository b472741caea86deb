// Makes nodes for a parse tree, in its arena, as the grammar would have made them.
#pragma once

#include <initializer_list>
#include <string_view>

#include "parse_tree.hpp"

namespace bartizan::sql {

class TreeEditor {
 public:
  explicit TreeEditor(Arena& arena) : arena_(arena) {}

  [[nodiscard]] char* text(std::string_view value);
  [[nodiscard]] PgQuery__Node* string(std::string_view value);
  [[nodiscard]] PgQuery__Node* column_ref(std::initializer_list<std::string_view> parts);
  /// A target `name` of INSERT, or `value AS name` of SELECT.
  [[nodiscard]] PgQuery__Node* target(std::string_view name, PgQuery__Node* value);
  [[nodiscard]] PgQuery__Node* index_elem(std::string_view column);
  [[nodiscard]] PgQuery__Alias* alias(std::string_view name);
  [[nodiscard]] PgQuery__Node* copy(const PgQuery__ColumnRef& reference);
  [[nodiscard]] PgQuery__SelectStmt* select();
  [[nodiscard]] PgQuery__Node* node(PgQuery__SelectStmt* select);
  [[nodiscard]] PgQuery__Node* node(PgQuery__RangeVar* variable);
  /// A constant; the node is changed in place, so that whatever holds it holds this.
  void become_constant(PgQuery__Node& node, std::string_view value, std::string_view pg_catalog_type);
  void become_boolean(PgQuery__Node& constant, bool value);
  void become_call(PgQuery__Node& node, std::string_view schema, std::string_view name);
  /// A node with what `node` holds, which may then become something around it.
  [[nodiscard]] PgQuery__Node* moved(const PgQuery__Node& node);
  [[nodiscard]] PgQuery__Node* integer(int value);
  [[nodiscard]] PgQuery__TypeName* type_name(std::string_view pg_catalog_type, bool array);
  void become_cast(PgQuery__Node& node, PgQuery__Node* argument, std::string_view pg_catalog_type, bool array);
  void become_string(PgQuery__Node& node, std::string_view value);
  void become_parameter(PgQuery__Node& node, int number);
  /// (argument)[index]
  void become_element(PgQuery__Node& node, PgQuery__Node* argument, int index);
  void become_operator(PgQuery__Node& node, PgQuery__AExprKind kind, std::string_view name, PgQuery__Node* left,
                       PgQuery__Node* right);
  void become_bool(PgQuery__Node& node, PgQuery__BoolExprType type);
  [[nodiscard]] PgQuery__Node* boolean(bool value);
  /// CASE WHEN condition THEN value ELSE false END: the value is not looked at where the condition is not true.
  [[nodiscard]] PgQuery__Node* guarded(PgQuery__Node* condition, PgQuery__Node* value);
  [[nodiscard]] PgQuery__Node* is_not_null(PgQuery__Node* argument);
  [[nodiscard]] PgQuery__Node* node(PgQuery__TypeName* type);

  void set_list(PgQuery__Node**& list, std::size_t& count, std::initializer_list<PgQuery__Node*> items);
  void append(PgQuery__Node**& list, std::size_t& count, PgQuery__Node* item);
  /// [schema, name]
  void set_name(PgQuery__Node**& list, std::size_t& count, std::string_view schema, std::string_view name);

 private:
  template <class T>
  T* make(void (*init)(T*)) {
    T* const result = static_cast<T*>(allocate(sizeof(T)));
    init(result);
    return result;
  }
  PgQuery__Node* node(PgQuery__ColumnRef* reference);
  PgQuery__Node* fresh() { return make(pg_query__node__init); }
  void* allocate(std::size_t size);

  Arena& arena_;
};

}  // namespace bartizan::sql
