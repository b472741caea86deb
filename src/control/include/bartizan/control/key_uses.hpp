// Uses of the keys that protect data, as key_use events: a keyring's version made, unwrapped, wrapped anew or destroyed,
// a root rotated or destroyed. In the owner's tree where it is a tenant. Never a key.
#pragma once

#include <cstdint>
#include <string_view>

#include "bartizan/audit/log.hpp"
#include "bartizan/base/clock.hpp"
#include "bartizan/keys/key_provider.hpp"
#include "bartizan/policy/snapshot.hpp"

namespace bartizan::control {

/// Thread-safe; all it is given outlives it.
class KeyUses {
 public:
  KeyUses(audit::Log& log, const policy::SnapshotHolder& snapshots, const Clock& clock)
      : log_(log), snapshots_(snapshots), clock_(clock) {}

  /// Before it happens. Unavailable when the log can't take it: then the key is not used. Nobody waits for it to be
  /// durable: records become so in their order, and what a key opens is released after a later one.
  [[nodiscard]] Result<void> record(std::string_view operation, const keys::WrapContext& key,
                                    const keys::RootRef& root);
  [[nodiscard]] Result<void> record_root(std::string_view operation, const keys::RootRef& root);

 private:
  [[nodiscard]] Result<void> write(std::string_view who, std::string_view what);

  audit::Log& log_;
  const policy::SnapshotHolder& snapshots_;
  const Clock& clock_;
};

}  // namespace bartizan::control
