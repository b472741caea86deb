// One call of an administrator as a record of the audit log: begun before the verb is performed, and for what
// changes something durable before, ended with its outcome.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "bartizan/audit/log.hpp"
#include "bartizan/base/clock.hpp"
#include "bartizan/control/document.hpp"

namespace bartizan::control {

/// Unavailable after five seconds.
[[nodiscard]] Result<void> wait_durable(const audit::Log& log, audit::Ticket ticket);

/// One call, on its thread. Without a log it does nothing.
class CallRecord {
 public:
  CallRecord(audit::Log* log, const Clock& clock) : log_(log), clock_(clock) {}
  /// Names of resources are taken from args, never other values. must_last: what the verb does has to wait for
  /// its record, and must not be done without. Otherwise this never fails.
  [[nodiscard]] Result<void> begin(const std::string& actor, std::string_view verb, const Document& args,
                                   bool must_last);
  void end(const Result<Document>& result);

 private:
  audit::Log* const log_;
  const Clock& clock_;
  SteadyTime begun_{};
  std::optional<audit::Ticket> ticket_;
};

}  // namespace bartizan::control
