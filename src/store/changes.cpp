#include "bartizan/store/changes.hpp"

#include <array>

#include "records.hpp"

namespace bartizan::store {

Result<std::vector<Change>> Changes::list(std::int64_t after, int limit) {
  const std::array<Text, 2> parameters = {std::to_string(after), std::to_string(limit)};
  BZ_TRY(const Rows rows,
         transaction_.query("SELECT seq, bartizan.micros(at), actor, kind, id, before, after FROM bartizan.changes"
                            " WHERE seq > $1::bigint ORDER BY seq LIMIT $2::int",
                            parameters));
  std::vector<Change> out;
  for (int i = 0; i < rows.size(); ++i) {
    RowReader row(rows, i);
    Change change;
    change.seq = row.integer();
    change.at = row.time();
    change.actor = row.text();
    change.kind = row.text();
    change.id = row.text();
    change.before = row.text_or_null().value_or("");
    change.after = row.text_or_null().value_or("");
    if (!row.ok()) return unexpected_row();
    out.push_back(std::move(change));
  }
  return out;
}

Result<std::int64_t> Changes::last_seq() {
  BZ_TRY(const Rows rows, transaction_.query("SELECT coalesce(max(seq), 0) FROM bartizan.changes", {}));
  RowReader row(rows, 0);
  const auto seq = row.integer();
  if (!row.ok()) return unexpected_row();
  return seq;
}

}  // namespace bartizan::store
