// The keys that a log signs with, over its rotations (docs/formats/audit-log.md, "Keys"): the newest, those that
// sign along until their grace is over, and the public keys of all that were replaced.
#pragma once

#include <string>
#include <vector>

#include "bartizan/audit/key_chain.hpp"
#include "bartizan/audit/note.hpp"
#include "bartizan/auditlog/file_layer.hpp"
#include "bartizan/base/clock.hpp"

namespace bartizan::auditlog {

/// Move-only, as its keys are.
struct LogKeys {
  audit::NoteSigner current;
  std::vector<audit::NoteSigner> along;       ///< sign what it signs as well
  std::vector<audit::NoteVerifier> replaced;  ///< what they have signed counts as the log's
  [[nodiscard]] LogKeys named(const std::string& name) const;
};

struct KeyPlaces {
  std::string directory;  ///< of the log: the introductions stand in its folder "keys"
  std::string key_file;   ///< of the private key; beside it ".new" while it is rotated, and ".before"
};

/// The introductions in a log's folder, the oldest first; none where its key was never rotated.
[[nodiscard]] Result<std::vector<std::string>> read_introductions(FileLayer& files, const std::string& directory);

struct SettledKeys {
  LogKeys keys;
  bool finished = false;  ///< a rotation that was cut short is finished now
};
/// What a start finds, brought to an end: a rotation counts from its introduction on, and never happened before
/// that. A key that signed along and whose time is over is removed. FailedPrecondition when the key in the file
/// is not the newest. current: the one in the key file, under the log's origin.
[[nodiscard]] Result<SettledKeys> settle_keys(FileLayer& files, const KeyPlaces& places, audit::NoteSigner current,
                                              WallTime now);

/// A new key, introduced and in the key file, durably. A crash at any point leaves what settle_keys brings to
/// an end. It signs nothing yet.
[[nodiscard]] Result<audit::KeyIntroduction> rotate_key(FileLayer& files, const KeyPlaces& places,
                                                        const audit::NoteSigner& current, Random& random, WallTime now,
                                                        std::chrono::seconds grace);

}  // namespace bartizan::auditlog
