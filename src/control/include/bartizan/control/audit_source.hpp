// Where the provable audit log stands, for the verbs that read it.
#pragma once

#include <string>

#include "bartizan/audit/log.hpp"
#include "bartizan/audit/note.hpp"

namespace bartizan::control {

/// Whoever reads the log leaves a record in it. All of it outlives the verbs.
struct AuditSource {
  std::string directory;
  std::string origin;
  const audit::NoteVerifier& key;
  audit::Log& log;
};

}  // namespace bartizan::control
