// The audit log's signing key over its rotations: what stands in its file at the start, and a new one while the
// log runs (docs/formats/audit-log.md, "Keys").
#pragma once

#include <filesystem>
#include <memory>
#include <mutex>
#include <string>

#include "bartizan/audit/log.hpp"
#include "bartizan/auditlog/log_keys.hpp"
#include "bartizan/auditlog/tree_log.hpp"

namespace bartizan::app {

/// Thread-safe. The log that it rotates ends before it.
class AuditKeys {
 public:
  struct Settled {
    auditlog::LogKeys keys;  ///< for TreeLog::open
    bool finished = false;   ///< a rotation that was cut short is finished now
  };
  /// current: from the key file. What a crash left of a rotation is finished or undone.
  [[nodiscard]] static Result<Settled> settle(auditlog::KeyPlaces places, audit::NoteSigner current);

  AuditKeys(auditlog::KeyPlaces places, const auditlog::LogKeys& keys);
  /// In force, published and recorded when it succeeds; every tree's checkpoint is signed by both keys then.
  [[nodiscard]] Result<audit::KeyIntroduction> rotate(auditlog::TreeLog& tree, audit::Log& records,
                                                      const std::string& actor, std::chrono::seconds grace);
  /// Of the newest key, under the log's origin.
  [[nodiscard]] std::string public_key() const;
  /// The record that the newest key is in force since now.
  [[nodiscard]] Result<void> record(audit::Log& records, const std::string& actor) const;

 private:
  [[nodiscard]] Result<void> write_public() const;

  const auditlog::KeyPlaces places_;
  mutable std::mutex mutex_;
  auditlog::LogKeys keys_;  // guarded by mutex_
};

}  // namespace bartizan::app
