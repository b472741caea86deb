// What all verbs that read the provable log share: the log itself, which trees the caller may see, names of
// records, and the record that each reading leaves.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "bartizan/auditlog/tree_reader.hpp"
#include "bartizan/control/audit_source.hpp"
#include "services.hpp"

namespace bartizan::control {

/// Unsupported where no provable log is kept.
[[nodiscard]] Result<const AuditSource*> audit_source(Call& call);

/// Who reads or changes the log.
struct LogActor {
  std::string name;
  std::optional<std::string> tenant;  ///< of a tenant's own reader
  std::string_view address = "admin socket";
};
/// Durable when it succeeds: what is about to be done with the log must not be without its record.
[[nodiscard]] Result<void> record_log_act(const AuditSource& log, const Clock& clock, const LogActor& actor,
                                          std::string_view operation, const std::string& about);
/// The same of a call: an answer without a record must not be. A tenant's own reading stands in its tree.
[[nodiscard]] Result<void> record_reading(Call& call, std::string_view operation, const std::string& about);

/// Somebody who is not let in; nothing waits for it.
void record_refused_reader(const Call& call, const std::string& name);

struct RecordPlace {
  std::string tree;
  std::uint64_t index = 0;
  [[nodiscard]] std::string to_string() const { return tree + ":" + std::to_string(index); }
};
/// "tree:index", as audit.search shows it.
[[nodiscard]] Result<RecordPlace> parse_place(const std::string& text);

/// NotFound for a tree that is not there, and for one that is not the caller's: these are one answer.
[[nodiscard]] Result<auditlog::TreeReader> open_tree(const Call& call, const std::string& tree);
/// The tenant's, or all that the caller may see, by name.
[[nodiscard]] Result<std::vector<std::string>> trees_of(const Call& call, const std::optional<std::string>& tenant);
/// The tree that a request names by its tenant: for a tenant's own reader its own, and no other.
[[nodiscard]] Result<std::string> tree_of(const Call& call, const std::optional<std::string>& tenant);

}  // namespace bartizan::control
