// What one searches a record by, as numbers: each pair of a field and its text is one 64-bit term, so
// that an index needs no names. Pure. A term says "look here", never "this is it": two texts may share
// one, and whoever searches compares the record itself (docs/formats/audit-index.md).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace bartizan::audit {

using Term = std::uint64_t;

/// The values stand in files: never given to another field.
enum class SearchField : std::uint8_t {
  Identity = 1,
  Action = 2,          ///< the command tag, the event and the effect
  Outcome = 3,
  Address = 4,         ///< without the port
  Depot = 5,
  Fingerprint = 6,
  Table = 7,           ///< "schema.name", and "name"
  Column = 8,          ///< "schema.table.column", and "table.column"
  /// A table, as above, of which the record does not say which columns; "" where members were left out, so that
  /// it may not even name its tables.
  ColumnsUnknown = 9,
};

/// text as it stands between the quotes of a JSON string.
[[nodiscard]] Term term_of(SearchField field, std::string_view text) noexcept;
/// text between quotes, as records have it.
[[nodiscard]] std::string json_text(std::string_view text);

struct RecordTerms {
  std::int64_t time_ms = 0;  ///< when it began, since 1970
  std::vector<Term> terms;   ///< rising, each once
};

/// False, and out without terms, for what is not a record: a checkpoint, damage. Keeps out's memory.
[[nodiscard]] bool read_terms(std::string_view entry, RecordTerms& out);

}  // namespace bartizan::audit
