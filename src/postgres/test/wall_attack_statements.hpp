// What a class's role may try at PostgreSQL: one statement or several a line. {v} is its view, {w}
// its write view, {p} its view of a partitioned table, {r} of one that refers to {v}'s, {me} its role, {wall}, {owner}, {viewowner}
// roles that it is not, {db} the database, {other} a context of the other tenant's session.
#pragma once

#include <span>
#include <string_view>

namespace bartizan::postgres::test {

struct Attack {
  std::string_view row;  ///< of the study's table of pitfalls
  std::string_view sql;
};

/// No marker may come back from any of these.
std::span<const Attack> attacks();

/// These do tell something, or do harm to the class itself: layer 1 refuses them. `shows` is what
/// comes back today; where PostgreSQL one day refuses, the page that lists them must change.
struct OpenDuty {
  std::string_view name;  ///< as in docs/formats/wall-objects.md
  std::string_view sql;
  std::string_view shows;
};
std::span<const OpenDuty> open_duties();

}  // namespace bartizan::postgres::test
