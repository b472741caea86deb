#include "filter_vocabulary.hpp"

#include <algorithm>
#include <array>

namespace bartizan::policy {
namespace {

using namespace std::string_view_literals;

// Immutable or stable by pg_proc.provolatile of PostgreSQL 14 to 18; `now` and its kin are stable.
constexpr std::array kFunctions{
    "abs"sv,
    "age"sv,
    "array_length"sv,
    "array_position"sv,
    "btrim"sv,
    "cardinality"sv,
    "ceil"sv,
    "ceiling"sv,
    "char_length"sv,
    "character_length"sv,
    "concat_ws"sv,
    "date_part"sv,
    "date_trunc"sv,
    "extract"sv,
    "floor"sv,
    "initcap"sv,
    "jsonb_exists"sv,
    "jsonb_extract_path"sv,
    "jsonb_extract_path_text"sv,
    "jsonb_typeof"sv,
    "left"sv,
    "length"sv,
    "like_escape"sv,
    "lower"sv,
    "ltrim"sv,
    "mod"sv,
    "now"sv,
    "octet_length"sv,
    "position"sv,
    "regexp_replace"sv,
    "replace"sv,
    "right"sv,
    "round"sv,
    "rtrim"sv,
    "split_part"sv,
    "starts_with"sv,
    "string_to_array"sv,
    "strpos"sv,
    "substr"sv,
    "substring"sv,
    "timezone"sv,
    "trunc"sv,
    "upper"sv,
};
static_assert(std::ranges::is_sorted(kFunctions));

constexpr std::array kTypes{
    "bool"sv,  "bpchar"sv,  "date"sv, "float4"sv, "float8"sv,    "int2"sv,        "int4"sv, "int8"sv,    "interval"sv,
    "jsonb"sv, "numeric"sv, "text"sv, "time"sv,   "timestamp"sv, "timestamptz"sv, "uuid"sv, "varchar"sv,
};
static_assert(std::ranges::is_sorted(kTypes));

constexpr std::array kOperators{
    "!="sv,          "!~"sv,
    "!~*"sv,         "!~~"sv,
    "!~~*"sv,        "#>"sv,
    "#>>"sv,         "%"sv,
    "&&"sv,          "*"sv,
    "+"sv,           "-"sv,
    "->"sv,          "->>"sv,
    "/"sv,           "<"sv,
    "<="sv,          "<>"sv,
    "<@"sv,          "="sv,
    ">"sv,           ">="sv,
    "?"sv,           "?&"sv,
    "?|"sv,          "@>"sv,
    "BETWEEN"sv,     "BETWEEN SYMMETRIC"sv,
    "NOT BETWEEN"sv, "NOT BETWEEN SYMMETRIC"sv,
    "||"sv,          "~"sv,
    "~*"sv,          "~~"sv,
    "~~*"sv,
};
static_assert(std::ranges::is_sorted(kOperators));

}  // namespace

bool filter_function(std::string_view name) noexcept { return std::ranges::binary_search(kFunctions, name); }
bool filter_type(std::string_view name) noexcept { return std::ranges::binary_search(kTypes, name); }
bool filter_operator(std::string_view name) noexcept { return std::ranges::binary_search(kOperators, name); }

}  // namespace bartizan::policy
