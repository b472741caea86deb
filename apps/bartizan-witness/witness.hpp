// A witness (C2SP tlog-witness): remembers the largest checkpoint it has seen of each log and signs
// only what grew from it. It runs elsewhere, with a key of its own, so that whoever holds the log's
// machine and key still can't put an older or another log in its place unseen.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "bartizan/audit/checkpoint.hpp"
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

 private:
  struct Request {
    std::uint64_t old_size = 0;
    audit::Proof proof;
    audit::Note note;
    audit::Checkpoint checkpoint;
    std::string text;  ///< the note, verbatim
  };
  [[nodiscard]] static Result<Request> parse(std::string_view body);
  [[nodiscard]] Result<audit::Checkpoint> last(const audit::NoteVerifier& log) const;
  [[nodiscard]] Result<void> remember(const Request& request) const;
  [[nodiscard]] std::string file_of(const std::string& origin) const;

  auditlog::FileLayer& files_;
  const std::string directory_;
  const audit::NoteSigner signer_;
  const std::vector<audit::NoteVerifier> logs_;
};

}  // namespace bartizan::witness
