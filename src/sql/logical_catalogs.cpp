#include "logical_catalogs.hpp"

#include <algorithm>
#include <map>
#include <vector>

#include "bartizan/sql/lexer.hpp"
#include "node_access.hpp"
#include "tree_messages.hpp"

namespace bartizan::sql {

namespace {

constexpr std::string_view kAttributes = "pg_attribute";
constexpr std::string_view kColumns = "columns";
constexpr std::uint32_t kFirstUnknownVersion = 190'000;

struct Shown {
  std::string_view name;
  std::string_view logical;  ///< of an encrypted column; empty: as it is
};

// a: the catalog's row, l: what the gateway knows of the column, y: its logical type.
constexpr Shown kAttributeColumns[] = {{"attrelid", ""},
                                       {"attname", ""},
                                       {"atttypid", "y.oid"},
                                       {"attstattarget", ""},
                                       {"attlen", "y.typlen"},
                                       {"attnum", ""},
                                       {"attndims", ""},
                                       {"attcacheoff", ""},
                                       {"atttypmod", "l.m"},
                                       {"attbyval", "y.typbyval"},
                                       {"attalign", "y.typalign"},
                                       {"attstorage", "y.typstorage"},
                                       {"attcompression", ""},
                                       {"attnotnull", ""},
                                       {"atthasdef", ""},
                                       {"atthasmissing", ""},
                                       {"attidentity", ""},
                                       {"attgenerated", ""},
                                       {"attisdropped", ""},
                                       {"attislocal", ""},
                                       {"attinhcount", ""},
                                       {"attcollation", "y.typcollation"},
                                       {"attacl", ""},
                                       {"attoptions", ""},
                                       {"attfdwoptions", ""},
                                       {"attmissingval", ""}};

constexpr Shown kInformationColumns[] = {
    {"table_catalog", ""},
    {"table_schema", ""},
    {"table_name", ""},
    {"column_name", ""},
    {"ordinal_position", ""},
    {"column_default", ""},
    {"is_nullable", ""},
    {"data_type", "pg_catalog.format_type(y.oid, NULL)::information_schema.character_data"},
    {"character_maximum_length",
     "information_schema._pg_char_max_length(y.oid, l.m)::information_schema.cardinal_number"},
    {"character_octet_length",
     "information_schema._pg_char_octet_length(y.oid, l.m)::information_schema.cardinal_number"},
    {"numeric_precision", "information_schema._pg_numeric_precision(y.oid, l.m)::information_schema.cardinal_number"},
    {"numeric_precision_radix",
     "information_schema._pg_numeric_precision_radix(y.oid, l.m)::information_schema.cardinal_number"},
    {"numeric_scale", "information_schema._pg_numeric_scale(y.oid, l.m)::information_schema.cardinal_number"},
    {"datetime_precision", "information_schema._pg_datetime_precision(y.oid, l.m)::information_schema.cardinal_number"},
    {"interval_type", ""},
    {"interval_precision", ""},
    {"character_set_catalog", ""},
    {"character_set_schema", ""},
    {"character_set_name", ""},
    {"collation_catalog", "NULL"},
    {"collation_schema", "NULL"},
    {"collation_name", "NULL"},
    {"domain_catalog", "NULL"},
    {"domain_schema", "NULL"},
    {"domain_name", "NULL"},
    {"udt_catalog", ""},
    {"udt_schema", "'pg_catalog'::information_schema.sql_identifier"},
    {"udt_name", "y.typname::information_schema.sql_identifier"},
    {"scope_catalog", ""},
    {"scope_schema", ""},
    {"scope_name", ""},
    {"maximum_cardinality", ""},
    {"dtd_identifier", ""},
    {"is_self_referencing", ""},
    {"is_identity", ""},
    {"identity_generation", ""},
    {"identity_start", ""},
    {"identity_increment", ""},
    {"identity_maximum", ""},
    {"identity_minimum", ""},
    {"identity_cycle", ""},
    {"is_generated", ""},
    {"generation_expression", ""},
    {"is_updatable", ""}};

std::string quoted(std::string_view name) {
  std::string out("'");
  for (const char c : name) {
    if (c == '\'') out.push_back(c);
    out.push_back(c);
  }
  return out.append("'");
}

/// (relation, attribute, type, typmod) of each encrypted column, wherever its cells are given out; type 0: not shown.
std::string known_columns(const EncryptedColumns& columns, bool by_name) {
  std::map<std::pair<Oid, AttrNumber>, std::string> rows;
  for (const auto& [oid, guarded] : columns.all()) {
    for (std::size_t i = 0; i < guarded.columns.size() && i < guarded.relation->columns.size(); ++i) {
      const auto& column = guarded.columns[i];
      if (column.cell == nullptr && !column.hidden) continue;
      const auto attnum = guarded.relation->columns[i].attnum;
      std::string row = by_name ? quoted(guarded.relation->schema) + ", " + quoted(guarded.relation->name)
                                : std::to_string(oid) + "::pg_catalog.oid";
      row += ", " + std::to_string(attnum) + "::pg_catalog.int2";
      row += ", " + std::to_string(column.hidden ? 0 : column.cell->type.oid) + "::pg_catalog.oid";
      row += ", " + (column.hidden || column.cell->type.typmod < 0 ? "(-1)" : std::to_string(column.cell->type.typmod));
      rows.emplace(std::pair(oid, attnum), std::move(row));
    }
  }
  std::string out;
  for (const auto& [place, row] : rows) out.append(out.empty() ? "(" : ", (").append(row).append(")");
  return out;
}

template <std::size_t N>
std::string shown_columns(const Shown (&all)[N], std::uint32_t version) {
  std::string out;
  for (const Shown& one : all) {
    const bool absent =
        (one.name == "attcompression" && version < 140'000) || (one.name == "attcacheoff" && version >= 180'000);
    if (absent) continue;
    if (!out.empty()) out += ", ";
    const std::string name(one.name);
    out += one.logical.empty()
               ? "a." + name
               : "CASE WHEN y.oid IS NULL THEN a." + name + " ELSE " + std::string(one.logical) + " END AS " + name;
  }
  return out;
}

std::string sub_select(std::string_view relation, const EncryptedColumns& columns) {
  const bool attributes = relation == kAttributes;
  const auto version = columns.catalog().server_version();
  std::string out = "(SELECT ";
  out += attributes ? shown_columns(kAttributeColumns, version) : shown_columns(kInformationColumns, version);
  out += attributes ? " FROM pg_catalog.pg_attribute AS a" : " FROM information_schema.columns AS a";
  out += " LEFT JOIN (VALUES " + known_columns(columns, !attributes);
  out += attributes
             ? ") AS l(r, n, t, m) ON l.r = a.attrelid AND l.n = a.attnum"
             : ") AS l(s, r, n, t, m) ON l.s = a.table_schema AND l.r = a.table_name AND l.n = a.ordinal_position";
  out += " LEFT JOIN pg_catalog.pg_type AS y ON y.oid = l.t WHERE l.t IS DISTINCT FROM 0::pg_catalog.oid)";
  return out;
}

struct Edit {
  std::size_t offset = 0;
  std::size_t length = 0;
  std::string text;
};

class Rewriter {
 public:
  Rewriter(std::string_view text, const EncryptedColumns& columns, const RelationNames& names)
      : text_(text), columns_(columns), names_(names) {
    Lexer lexer(text, LexOptions{});
    for (Token token = lexer.next(); token.kind != TokenKind::End && token.kind != TokenKind::Error;
         token = lexer.next())
      tokens_.push_back(token);
  }

  std::optional<std::string> run(const PgQuery__Node& tree) {
    std::vector<const ProtobufCMessage*> stack{&tree.base};
    std::vector<const PgQuery__ColumnRef*> references;
    while (!stack.empty()) {
      const ProtobufCMessage& message = *stack.back();
      stack.pop_back();
      const auto* const type = message.descriptor;
      if (type == &pg_query__common_table_expr__descriptor)
        with_names_.emplace_back(as_message<PgQuery__CommonTableExpr>(message).ctename);
      if (type == &pg_query__column_ref__descriptor) references.push_back(&as_message<PgQuery__ColumnRef>(message));
      from_items(message);
      push_children(message, stack);
    }
    for (const auto* const variable : variables_) relation(*variable);
    if (edits_.empty()) return std::nullopt;
    for (const auto* const reference : references) column(*reference);
    std::ranges::sort(edits_, {}, &Edit::offset);
    std::string out;
    std::size_t from = 0;
    for (const Edit& edit : edits_) {
      out.append(text_, from, edit.offset - from).append(edit.text);
      from = edit.offset + edit.length;
    }
    return out.append(text_, from, std::string_view::npos);
  }

 private:
  void from_list(PgQuery__Node* const* list, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) from_item(list[i]);
  }
  void from_item(const PgQuery__Node* node) {
    if (node != nullptr && node->node_case == PG_QUERY__NODE__NODE_RANGE_VAR) variables_.push_back(node->range_var);
  }
  /// Only where a sub-select may stand as well.
  void from_items(const ProtobufCMessage& message) {
    const auto* const type = message.descriptor;
    if (type == &pg_query__select_stmt__descriptor) {
      const auto& select = as_message<PgQuery__SelectStmt>(message);
      from_list(select.from_clause, select.n_from_clause);
    } else if (type == &pg_query__join_expr__descriptor) {
      const auto& join = as_message<PgQuery__JoinExpr>(message);
      from_item(join.larg);
      from_item(join.rarg);
    } else if (type == &pg_query__update_stmt__descriptor) {
      const auto& update = as_message<PgQuery__UpdateStmt>(message);
      from_list(update.from_clause, update.n_from_clause);
    } else if (type == &pg_query__delete_stmt__descriptor) {
      const auto& remove = as_message<PgQuery__DeleteStmt>(message);
      from_list(remove.using_clause, remove.n_using_clause);
    }
  }

  [[nodiscard]] std::size_t token_at(int location) const {
    const auto found = std::ranges::lower_bound(tokens_, static_cast<std::size_t>(location), {}, &Token::offset);
    const bool exact = location >= 0 && found != tokens_.end() && found->offset == static_cast<std::size_t>(location);
    return exact ? static_cast<std::size_t>(found - tokens_.begin()) : tokens_.size();
  }
  [[nodiscard]] bool is(std::size_t token, std::string_view word) const {
    if (token >= tokens_.size()) return false;
    return std::ranges::equal(tokens_[token].in(text_), word, [](char a, char b) {
      return (a >= 'A' && a <= 'Z' ? static_cast<char>(a - 'A' + 'a') : a) == b;
    });
  }

  void relation(const PgQuery__RangeVar& variable) {
    const std::string_view schema = variable.schemaname;
    const std::string_view name = variable.relname;
    const bool attributes = name == kAttributes && (schema.empty() || schema == "pg_catalog");
    const bool standard = name == kColumns && schema == "information_schema";
    if (!attributes && !standard) return;
    if (names_.find(variable).meaning != RelationNames::Meaning::System || variable.inh == 0) return;
    if (schema.empty() && std::ranges::find(with_names_, name) != with_names_.end()) return;
    const std::size_t parts = 1 + (schema.empty() ? 0 : 1) + (std::string_view(variable.catalogname).empty() ? 0 : 1);
    const std::size_t first = token_at(variable.location);
    const std::size_t last = first + 2 * (parts - 1);
    if (last >= tokens_.size()) return;
    if ((first > 0 && is(first - 1, "table")) || is(last + 1, "*")) return;
    std::string made = sub_select(name, columns_);
    if (variable.alias == nullptr) {
      made.append(" AS ").append(name);
      bare_.push_back(name);
    }
    const std::size_t offset = tokens_[first].offset;
    edits_.push_back({offset, tokens_[last].offset + tokens_[last].length - offset, std::move(made)});
  }

  /// pg_catalog.pg_attribute.attname: the sub-select has no schema.
  void column(const PgQuery__ColumnRef& reference) {
    if (reference.n_fields < 3) return;
    const std::string_view schema = string_value(reference.fields[0]);
    const std::string_view name = string_value(reference.fields[1]);
    if (schema != (name == kAttributes ? "pg_catalog" : "information_schema")) return;
    if (std::ranges::find(bare_, name) == bare_.end()) return;
    const std::size_t first = token_at(reference.location);
    if (first + 2 >= tokens_.size()) return;
    edits_.push_back({tokens_[first].offset, tokens_[first + 2].offset - tokens_[first].offset, ""});
  }

  std::string_view text_;
  const EncryptedColumns& columns_;
  const RelationNames& names_;
  std::vector<Token> tokens_;
  std::vector<std::string_view> with_names_;
  std::vector<std::string_view> bare_;
  std::vector<const PgQuery__RangeVar*> variables_;
  std::vector<Edit> edits_;
};

}  // namespace

std::optional<std::string> with_logical_catalogs(std::string_view text, const PgQuery__Node& tree,
                                                 const EncryptedColumns& columns, const RelationNames& names) {
  if (columns.empty() || columns.catalog().server_version() >= kFirstUnknownVersion) return std::nullopt;
  return Rewriter(text, columns, names).run(tree);
}

}  // namespace bartizan::sql
