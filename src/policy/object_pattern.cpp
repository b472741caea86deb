#include <fmt/format.h>

#include "bartizan/policy/glob.hpp"

namespace bartizan::policy {
namespace {

/// The first of `separators` outside brackets, braces and escapes; npos if there is none.
std::size_t top_level(std::string_view text, std::string_view separators, std::size_t from) {
  int braces = 0;
  for (std::size_t i = from; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '\\') {
      ++i;
    } else if (c == '[') {
      // As after_bracket in glob.cpp; an unclosed one is reported when the level is compiled.
      std::size_t j = i + 1;
      if (j < text.size() && text[j] == '!') ++j;
      for (const std::size_t first = j; j < text.size() && (text[j] != ']' || j == first); ++j) {
        if (text[j] == '\\') ++j;
      }
      i = j;
    } else if (c == '{') {
      ++braces;
    } else if (c == '}') {
      --braces;
    } else if (braces == 0 && separators.find(c) != std::string_view::npos) {
      return i;
    }
  }
  return std::string_view::npos;
}

Result<std::optional<Glob>> level(std::string_view text) {
  BZ_TRY(Glob glob, Glob::parse(text, ""));
  return std::optional<Glob>(std::move(glob));
}

bool admits(const std::optional<Glob>& glob, std::string_view name) { return !glob || glob->matches(name); }

constexpr std::string_view kUdlScheme = "dataos://";

}  // namespace

Result<ObjectPattern> ObjectPattern::parse(std::string_view text) {
  if (text.size() > Glob::kMaxPattern)
    return fail(Errc::TooLarge, fmt::format("a path has at most {} bytes", Glob::kMaxPattern));
  ObjectPattern out;
  out.text_ = text;
  const bool udl = text.starts_with(kUdlScheme);
  if (udl) text.remove_prefix(kUdlScheme.size());
  if (text.find("?acl=") != std::string_view::npos)
    return fail(Errc::Unsupported, "a path with ?acl= is not understood");
  if (text.empty() || text.front() == '/' || text.find("://") != std::string_view::npos) {
    return fail(Errc::Malformed,
                "a path is depot:schema.table, depot:schema.table.column or dataos://depot:collection/dataset");
  }
  const std::size_t colon = top_level(text, ":", 0);
  std::vector<std::string_view> levels{text.substr(0, colon)};
  for (std::size_t at = colon; at != std::string_view::npos;) {
    const std::size_t end = top_level(text, udl ? "/:" : ".:", at + 1);
    if (end != std::string_view::npos && text[end] == ':')
      return fail(Errc::Malformed, "a path has one ':', after the depot");
    const std::size_t length = end == std::string_view::npos ? std::string_view::npos : end - at - 1;
    levels.push_back(text.substr(at + 1, length));
    at = end;
  }
  if (levels.size() > (udl ? 3u : 4u)) return fail(Errc::Malformed, "a path has too many levels");
  if (levels.size() > 1 && levels.back().empty()) levels.pop_back();  // `demo:` is all of demo
  std::optional<Glob>* const places[] = {&out.depot_, &out.schema_, &out.table_, &out.column_};
  for (std::size_t i = 0; i < levels.size(); ++i) {
    if (levels[i].empty()) return fail(Errc::Malformed, "a path has an empty level");
    BZ_TRY(*places[i], level(levels[i]));
  }
  return out;
}

Result<ObjectPattern> ObjectPattern::from_parts(std::string_view depot, std::string_view schema,
                                                std::string_view table) {
  ObjectPattern out;
  out.text_ = fmt::format("{}:{}.{}", depot, schema, table);
  BZ_TRY(out.depot_, level(depot));
  BZ_TRY(out.schema_, level(schema));
  BZ_TRY(out.table_, level(table));
  return out;
}

bool ObjectPattern::matches_depot(std::string_view depot) const { return admits(depot_, depot); }

bool ObjectPattern::matches_table(const ObjectName& name) const {
  return admits(depot_, name.depot) && admits(schema_, name.schema) && admits(table_, name.table);
}

bool ObjectPattern::matches_column(const ObjectName& name) const {
  return matches_table(name) && admits(column_, name.column);
}

}  // namespace bartizan::policy
