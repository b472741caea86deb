// A rewritten text with places for its constants, so that a statement that comes with others each time
// (psycopg2, pgbench's simple mode) is rewritten once (ADR 0126).
//
// How the places are known: the text is rewritten a second time with a marker in the place of each
// constant that the digest folds. Where each marker comes out once, as a token of its own kind, is the
// place. Two texts of one digest differ in those constants alone, and the rewriting looks at no such
// constant's value, save at those that write_literal() leaves to it.
// What must hold, and is tested: filled(template of A, constants of B) == rewrite(B), for all A and B of
// one digest.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "bartizan/sql/digest.hpp"

namespace bartizan::sql {

/// More constants are not worth it.
inline constexpr std::size_t kMaxTemplateLiterals = 4096;

/// False: the text is not UTF-8 or too long, which no template tells.
[[nodiscard]] bool may_have_template(std::string_view text) noexcept;

/// As the deparser writes the constant, appended to out. False: its value may matter to the rewriting or
/// is written in a form that is not known here (a backslash, E'…', $$…$$, 't' and 'f', -0, 1e5), so the text
/// must be rewritten.
[[nodiscard]] bool write_literal(std::string_view text, const FoldedLiteral& literal, std::string& out);

struct MarkedText {
  std::string text;
  std::vector<std::string> markers;  ///< one a constant, as they stand in the text
};

/// nullopt: too many, or of a kind that write_literal never takes.
[[nodiscard]] std::optional<MarkedText> mark_literals(std::string_view text, std::span<const FoldedLiteral> literals);

/// Immutable value.
class TextTemplate {
 public:
  /// server_text: of a marked text. seen: how often each marker was found, counted up.
  [[nodiscard]] static TextTemplate make(std::string_view server_text, std::span<const std::string> markers,
                                         std::vector<std::uint32_t>& seen);

  /// values: as write_literal wrote them, one a marker.
  [[nodiscard]] std::string fill(std::span<const std::string_view> values) const;
  [[nodiscard]] std::size_t bytes() const noexcept { return text_.capacity() + slots_.capacity() * sizeof(Slot); }

 private:
  struct Slot {
    std::uint32_t offset = 0;  ///< in text_, before which it stands
    std::uint32_t literal = 0;
  };
  std::string text_;  ///< without the constants
  std::vector<Slot> slots_;
};

}  // namespace bartizan::sql
