// Globs over names with levels: subject tags (`roles:id:analyst`), column tags (`PII.Email`) and
// objects (`depot:schema.table.column`). The grammar is that of DataOS's manifests
// (docs/formats/policy-yaml.md): ? * ** [a-z] [!a-z] {a,b} and a backslash before what stands for
// itself. `*` and `?` stay within one level, `**` crosses levels. Bounded and in
// time proportional to pattern times text, since manifests are untrusted.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bartizan/base/result.hpp"

namespace bartizan::policy {

/// One compiled pattern. Immutable once made; read from any thread.
class Glob {
 public:
  static constexpr std::size_t kMaxPattern = 512;
  static constexpr std::size_t kMaxAlternatives = 64;  ///< after `{a,b}` is multiplied out

  /// `separators` (ASCII) are the characters that end a level: ":" for tags.
  /// Malformed with what is wrong and where (from 0) for an unclosed bracket or brace and the like.
  [[nodiscard]] static Result<Glob> parse(std::string_view pattern, std::string_view separators);

  [[nodiscard]] bool matches(std::string_view text) const;
  /// As written.
  [[nodiscard]] const std::string& text() const noexcept { return text_; }
  /// Without any wildcard: matches one text only.
  [[nodiscard]] bool literal() const noexcept { return literal_; }

  friend bool operator==(const Glob& a, const Glob& b) { return a.text_ == b.text_ && a.separators_ == b.separators_; }

 private:
  struct Step {
    enum class Kind : std::uint8_t { Literal, AnyOne, AnyRun, AnyDeep, Set } kind = Kind::Literal;
    char32_t literal = 0;
    std::u32string set;  ///< pairs low, high
    bool negated = false;
  };
  using Steps = std::vector<Step>;
  static Result<Steps> compile(std::u32string_view pattern);
  [[nodiscard]] bool matches(const Steps& steps, std::u32string_view text) const;
  [[nodiscard]] bool step_takes(const Step& step, char32_t c) const noexcept;

  std::string text_;
  std::string separators_;
  std::vector<Steps> alternatives_;
  bool literal_ = true;
  bool everything_ = false;  ///< `**`, or `*` where there are no levels
};

/// The name of a table or column as policies write it.
struct ObjectName {
  std::string_view depot;
  std::string_view schema;
  std::string_view table;
  std::string_view column;  ///< empty: the table itself
};

/// `depot:schema.table`, `depot:schema.table.column`, or DataOS's `dataos://depot:collection/dataset`.
/// Missing last levels mean everything below: `demo:` and `demo:public` are all tables there.
class ObjectPattern {
 public:
  [[nodiscard]] static Result<ObjectPattern> parse(std::string_view text);
  /// Of DataOS's data policies: depot, collection and dataset globs, one each.
  [[nodiscard]] static Result<ObjectPattern> from_parts(std::string_view depot, std::string_view schema,
                                                        std::string_view table);

  [[nodiscard]] bool matches_depot(std::string_view depot) const;
  /// The table, whether or not the pattern goes on to columns.
  [[nodiscard]] bool matches_table(const ObjectName& name) const;
  /// The column; a pattern that stops at the table matches all its columns.
  [[nodiscard]] bool matches_column(const ObjectName& name) const;
  /// The pattern itself says which columns: what admits a column that nobody has classified.
  [[nodiscard]] bool names_columns() const noexcept { return column_.has_value(); }
  [[nodiscard]] const std::string& text() const noexcept { return text_; }
  friend bool operator==(const ObjectPattern& a, const ObjectPattern& b) { return a.text_ == b.text_; }

 private:
  std::string text_;
  std::optional<Glob> depot_;
  std::optional<Glob> schema_;
  std::optional<Glob> table_;
  std::optional<Glob> column_;
};

}  // namespace bartizan::policy
