#include "permitted_names.hpp"

#include <algorithm>
#include <array>
#include <iterator>

namespace bartizan::sql {

namespace {

constexpr PermittedFunction kFunctions[] = {
#include "permitted_functions_table.inc"
};

// No reg* type (their input looks names up), no row type, no refcursor, no pg_node_tree.
constexpr std::string_view kTypes[] = {
    "bit",     "bool",           "box",       "bpchar",    "bytea",          "char",      "cidr",         "circle",
    "date",    "datemultirange", "daterange", "float4",    "float8",         "inet",      "int2",         "int2vector",
    "int4",    "int4multirange", "int4range", "int8",      "int8multirange", "int8range", "interval",     "json",
    "jsonb",   "jsonpath",       "line",      "lseg",      "macaddr",        "macaddr8",  "money",        "name",
    "numeric", "nummultirange",  "numrange",  "oid",       "oidvector",      "path",      "point",        "polygon",
    "record",  "text",           "time",      "timestamp", "timestamptz",    "timetz",    "tsmultirange", "tsquery",
    "tsrange", "tstzmultirange", "tstzrange", "tsvector",  "uuid",           "varbit",    "varchar",      "xml",
};

// All operators of pg_catalog: none of them reads a catalog, runs SQL or has an effect.
constexpr std::string_view kOperators[] = {
    "!!",  "!~", "!~*", "!~~", "!~~*", "#",   "##", "#-",   "#>",  "#>>", "%",    "&",   "&&",  "&<",  "&<|",
    "&>",  "*",  "*<",  "*<=", "*<>",  "*=",  "*>", "*>=",  "+",   "-",   "->",   "->>", "-|-", "/",   "<",
    "<->", "<<", "<<=", "<<|", "<=",   "<>",  "<@", "<^",   "=",   ">",   ">=",   ">>",  ">>=", ">^",  "?",
    "?#",  "?&", "?-",  "?-|", "?|",   "?||", "@",  "@-@",  "@>",  "@?",  "@@",   "@@@", "^",   "^@",  "|",
    "|&>", "|/", "|>>", "||",  "||/",  "~",   "~*", "~<=~", "~<~", "~=",  "~>=~", "~>~", "~~",  "~~*",
};

struct Setting {
  std::string_view name;
  SettingRule rule;
};

constexpr Setting kSettings[] = {
    {"application_name", SettingRule::Free},
    {"backslash_quote", SettingRule::Free},
    {"bartizan.purpose", SettingRule::Virtual},
    {"bartizan.tenant", SettingRule::Virtual},
    {"bytea_output", SettingRule::Free},
    {"client_encoding", SettingRule::Utf8},
    {"client_min_messages", SettingRule::Free},
    {"datestyle", SettingRule::Free},
    {"default_transaction_deferrable", SettingRule::Free},
    {"default_transaction_isolation", SettingRule::Free},
    {"default_transaction_read_only", SettingRule::Free},
    {"escape_string_warning", SettingRule::Free},
    {"extra_float_digits", SettingRule::Free},
    {"idle_in_transaction_session_timeout", SettingRule::Free},
    {"in_hot_standby", SettingRule::ShowOnly},
    {"integer_datetimes", SettingRule::ShowOnly},
    {"intervalstyle", SettingRule::Free},
    {"lc_collate", SettingRule::ShowOnly},
    {"lc_ctype", SettingRule::ShowOnly},
    {"lc_monetary", SettingRule::Free},
    {"lc_numeric", SettingRule::Free},
    {"lc_time", SettingRule::Free},
    {"lock_timeout", SettingRule::Free},
    {"max_identifier_length", SettingRule::ShowOnly},
    {"max_index_keys", SettingRule::ShowOnly},
    {"search_path", SettingRule::Virtual},
    {"server_encoding", SettingRule::ShowOnly},
    {"server_version", SettingRule::ShowOnly},
    {"server_version_num", SettingRule::ShowOnly},
    {"standard_conforming_strings", SettingRule::On},
    {"statement_timeout", SettingRule::Free},
    {"synchronous_commit", SettingRule::ShowOnly},
    {"timezone", SettingRule::Free},
    {"transaction_deferrable", SettingRule::Free},
    {"transaction_isolation", SettingRule::Free},
    {"transaction_read_only", SettingRule::Free},
    {"xmlbinary", SettingRule::Free},
    {"xmloption", SettingRule::Free},
};

static_assert(std::is_sorted(std::begin(kFunctions), std::end(kFunctions),
                             [](const auto& a, const auto& b) { return a.name < b.name; }));
static_assert(std::is_sorted(std::begin(kTypes), std::end(kTypes)));
static_assert(std::is_sorted(std::begin(kOperators), std::end(kOperators)));
static_assert(std::is_sorted(std::begin(kSettings), std::end(kSettings),
                             [](const auto& a, const auto& b) { return a.name < b.name; }));

template <class Table>
auto find_by_name(const Table& table, std::string_view name) noexcept -> decltype(std::begin(table)) {
  const auto found = std::lower_bound(std::begin(table), std::end(table), name,
                                      [](const auto& entry, std::string_view wanted) { return entry.name < wanted; });
  return found == std::end(table) || found->name != name ? nullptr : found;
}

}  // namespace

const PermittedFunction* permitted_function(std::string_view name) noexcept { return find_by_name(kFunctions, name); }

bool permitted_type(std::string_view name) noexcept {
  if (name.starts_with('_')) name.remove_prefix(1);
  return std::binary_search(std::begin(kTypes), std::end(kTypes), name);
}

bool permitted_operator(std::string_view name) noexcept {
  return std::binary_search(std::begin(kOperators), std::end(kOperators), name);
}

bool permitted_collation(std::string_view name) noexcept {
  return !name.empty() && name.size() < 64 &&
         std::all_of(
             name.begin(), name.end(),
             [](char c) {
               return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
                      c == '-' || c == '.' || c == '@';
             });
}

SettingRule setting_rule(std::string_view name) noexcept {
  const auto* found = find_by_name(kSettings, name);
  return found == nullptr ? SettingRule::Refused : found->rule;
}

}  // namespace bartizan::sql
