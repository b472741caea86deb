#include "tree_signer.hpp"

#include <algorithm>

namespace bartizan::auditlog {

std::string TreeSigner::sign(const audit::Checkpoint& checkpoint) const {
  auto note = audit::sign_checkpoint(checkpoint, keys_.current);
  for (const auto& signer : keys_.along) note += signer.sign(audit::to_text(checkpoint), WallTime{});
  return note;
}

Result<TreeSigner::Opened> TreeSigner::open(std::string_view text) const {
  auto checkpoint = audit::open_checkpoint(text, verifier());
  for (const auto& verifier : keys_.replaced)
    if (!checkpoint) {
      if (auto older = audit::open_checkpoint(text, verifier)) checkpoint = std::move(older);
    }
  if (!checkpoint) return tl::unexpected(checkpoint.error());
  BZ_TRY(const auto note, audit::parse_note(text));
  const bool complete = audit::signed_by(note, verifier()) &&
                        std::all_of(keys_.along.begin(), keys_.along.end(), [&](const audit::NoteSigner& signer) {
                          return audit::signed_by(note, signer.verifier());
                        });
  return Opened{std::move(*checkpoint), complete};
}

std::optional<std::string> TreeSigner::renewed(std::string_view text) const {
  const auto note = audit::parse_note(text);
  if (!note || audit::signed_by(*note, verifier())) return std::nullopt;
  const bool older = std::any_of(keys_.replaced.begin(), keys_.replaced.end(),
                                 [&](const audit::NoteVerifier& key) { return audit::signed_by(*note, key); });
  if (!older) return std::nullopt;
  return note->text + "\n" + keys_.current.sign(note->text, WallTime{});
}

}  // namespace bartizan::auditlog
