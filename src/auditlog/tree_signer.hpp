// Signs the checkpoints of one tree with all keys that sign now, and knows those that did.
#pragma once

#include <string>

#include "bartizan/audit/checkpoint.hpp"
#include "bartizan/auditlog/log_keys.hpp"

namespace bartizan::auditlog {

/// One thread.
class TreeSigner {
 public:
  /// keys under the tree's origin.
  explicit TreeSigner(LogKeys keys) : keys_(std::move(keys)) {}
  TreeSigner(audit::NoteSigner only) : keys_{std::move(only), {}, {}} {}  // NOLINT: a log of one key is the usual one

  [[nodiscard]] const audit::NoteVerifier& verifier() const noexcept { return keys_.current.verifier(); }
  [[nodiscard]] std::string sign(const audit::Checkpoint& checkpoint) const;

  struct Opened {
    audit::Checkpoint checkpoint;
    bool complete = false;  ///< all that sign now have signed it
  };
  /// Crypto unless one of the log's keys, of now or before, has signed it.
  [[nodiscard]] Result<Opened> open(std::string_view note) const;

  /// The note with the signature of the present key too, where only one before it has signed; nullopt otherwise.
  [[nodiscard]] std::optional<std::string> renewed(std::string_view note) const;

 private:
  LogKeys keys_;
};

}  // namespace bartizan::auditlog
