// Text that others chose, made safe for a terminal: escape sequences, carriage returns and
// bidirectional overrides could show something else than what is there.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace bartizan::cli {

/// One line. Control characters and bytes that are not UTF-8 as \n, \t or \xNN; invisible and
/// reordering characters as \uNNNN; the rest as it is.
[[nodiscard]] std::string visible(std::string_view text);

/// The same for JSON text: what JSON leaves unescaped inside strings becomes \uNNNN, so that the
/// value stays the same. REQUIRES: serialised JSON, in UTF-8.
[[nodiscard]] std::string visible_json(std::string_view json);

/// RFC 3629.
[[nodiscard]] bool is_utf8(std::string_view text);

/// Columns on a terminal: wide East Asian characters and emoji count two, combining marks none.
/// REQUIRES: visible() text.
[[nodiscard]] std::size_t width(std::string_view text);

/// Broken at blanks into lines of at most `columns`, each after `indent` blanks but the first.
[[nodiscard]] std::string wrapped(std::string_view text, std::size_t columns, std::size_t indent);

}  // namespace bartizan::cli
