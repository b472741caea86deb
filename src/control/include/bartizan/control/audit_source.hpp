// Where the provable audit log stands, for the verbs that read it.
#pragma once

#include <chrono>
#include <functional>
#include <string>

#include "bartizan/audit/key_chain.hpp"
#include "bartizan/audit/log.hpp"
#include "bartizan/audit/note.hpp"

namespace bartizan::auditlog {
class AuditIndex;
class BundleCompressor;
}  // namespace bartizan::auditlog

namespace bartizan::control {

/// Whoever reads the log leaves a record in it. All of it outlives the verbs.
struct AuditSource {
  std::string directory;
  std::string origin;
  const audit::NoteVerifier& key;
  audit::Log& log;
  std::string witness_key;  ///< empty: no witness
  const audit::NoteSigner* signer = nullptr;  ///< under the log's origin; signs what is pruned
  auditlog::AuditIndex* index = nullptr;  ///< null: searches read the trees
  auditlog::BundleCompressor* compressor = nullptr;  ///< null: bundles stay as they are
  /// A new key for the log, from now on; the one before signs along for that long. By whom, for the record.
  std::function<Result<audit::KeyIntroduction>(const std::string& actor, std::chrono::seconds grace)> rotate_key;
};

}  // namespace bartizan::control
