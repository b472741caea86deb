// One audit record as a leaf of the tree: an OCSF 1.8 event in JSON, made from an intent and its
// outcome (docs/formats/audit-log.md, "Records"). Pure; the same input gives the same bytes.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "bartizan/audit/log.hpp"

namespace bartizan::audit {

inline constexpr std::size_t kMaxMembersBytes = 24 * 1024;  ///< of who and what each

struct Member {
  std::string_view name;
  std::string_view value;  ///< as JSON, quotes included
};
/// Splits `"name":value,...` at its top level into out. False, and out empty, when it is not that.
/// The views are into members.
[[nodiscard]] bool split_members(std::string_view members, std::vector<Member>& out);

/// members when it is at most limit bytes; else the leading ones that fit and
/// `"omitted_bytes":n,"omitted_sha256":"…"` for the text that was left out.
[[nodiscard]] std::string bounded_members(std::string_view members, std::size_t limit);

/// The top-level string member of that name, without its quotes and with its escapes as they stand;
/// empty when there is none.
[[nodiscard]] std::string_view member_text(std::string_view members, std::string_view name);

/// Appends the JSON object, at most kMaxEntryBytes long given bounded members.
void append_record(std::string& out, Ticket ticket, const Intent& intent, const Outcome& outcome);

}  // namespace bartizan::audit
