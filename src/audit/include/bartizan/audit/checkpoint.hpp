// Checkpoints (C2SP tlog-checkpoint): origin, size and root of a tree as the text of a signed note;
// and proofs that travel with one (C2SP tlog-proof).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "bartizan/audit/merkle.hpp"
#include "bartizan/audit/note.hpp"
#include "bartizan/audit/proof.hpp"

namespace bartizan::audit {

struct Checkpoint {
  std::string origin;
  std::uint64_t size = 0;
  Hash root{};
  friend bool operator==(const Checkpoint&, const Checkpoint&) = default;
};

/// The note's text: three lines.
[[nodiscard]] std::string to_text(const Checkpoint& checkpoint);
/// Extension lines are refused: this log writes none.
[[nodiscard]] Result<Checkpoint> parse_checkpoint(std::string_view text);

/// Text, blank line and the log's signature.
[[nodiscard]] std::string sign_checkpoint(const Checkpoint& checkpoint, const NoteSigner& signer);
/// Crypto unless the key signed it and the origin is the key's name.
[[nodiscard]] Result<Checkpoint> open_checkpoint(std::string_view note, const NoteVerifier& key);

/// One record's proof, complete with the checkpoint it leads to.
struct RecordProof {
  std::uint64_t index = 0;
  Proof hashes;
  std::string checkpoint;  ///< the signed note, verbatim
};
[[nodiscard]] std::string to_text(const RecordProof& proof);
[[nodiscard]] Result<RecordProof> parse_record_proof(std::string_view text);

}  // namespace bartizan::audit
