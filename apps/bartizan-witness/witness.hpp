// A witness (C2SP tlog-witness): remembers the largest checkpoint it has seen of each log and signs
// only what grew from it. It runs elsewhere, with a key of its own, so that whoever holds the log's
// machine and key still can't put an older or another log in its place unseen.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "bartizan/audit/checkpoint.hpp"
#include "bartizan/audit/key_chain.hpp"
#include "bartizan/auditlog/file_layer.hpp"
#include "bartizan/base/clock.hpp"

namespace bartizan::witness {

/// As an HTTP server would send it.
struct Response {
  unsigned status = 500;
  std::string body;
};

/// Several processes may share a folder: each call holds its lock. Invariant: a checkpoint is durable in
/// the folder before its cosignature is given away.
class Witness {
 public:
  /// REQUIRES: signer is of type Cosignature. Each log's key is under its origin.
  Witness(auditlog::FileLayer& files, std::string directory, audit::NoteSigner signer,
          std::vector<audit::NoteVerifier> logs);

  /// The `add-checkpoint` call: body is `old <size>`, proof lines, an empty line, a signed checkpoint.
  [[nodiscard]] Response add_checkpoint(std::string_view body, WallTime now) const;

  /// The `add-key` call: body is the note by which a log's key introduces the next. Kept, and from then on that one
  /// counts; one that does not go on from the newest key is refused.
  [[nodiscard]] Response add_key(std::string_view body) const;

 private:
  struct Request {
    std::uint64_t old_size = 0;
    audit::Proof proof;
    audit::Note note;
    audit::Checkpoint checkpoint;
    std::string text;  ///< the note, verbatim
  };
  [[nodiscard]] static Result<Request> parse(std::string_view body);
  /// What was kept of the introductions of a log's keys, the oldest first.
  [[nodiscard]] Result<std::vector<std::string>> introductions(const audit::NoteVerifier& log) const;
  /// All keys of a log that count, the newest last: the one that was given, or the chain that it is in.
  [[nodiscard]] Result<std::vector<audit::NoteVerifier>> keys_of(const audit::NoteVerifier& log) const;
  [[nodiscard]] Result<audit::Checkpoint> last(const audit::NoteVerifier& log,
                                               const std::vector<audit::NoteVerifier>& keys) const;
  [[nodiscard]] Result<void> remember(const std::string& path, std::string_view text) const;
  [[nodiscard]] std::string keys_prefix(const audit::NoteVerifier& log) const;
  [[nodiscard]] std::string file_of(const std::string& origin) const;

  auditlog::FileLayer& files_;
  const std::string directory_;
  const audit::NoteSigner signer_;
  const std::vector<audit::NoteVerifier> logs_;
};

}  // namespace bartizan::witness
