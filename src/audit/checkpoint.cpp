#include "bartizan/audit/checkpoint.hpp"

#include <algorithm>
#include <charconv>

#include "bartizan/crypto/base64.hpp"

namespace bartizan::audit {
namespace {

constexpr std::string_view kProofHeader = "c2sp.org/tlog-proof@v1";

/// The line up to the next newline, which is consumed too; false when there is none.
bool take_line(std::string_view& text, std::string_view& line) {
  const auto end = text.find('\n');
  if (end == std::string_view::npos) return false;
  line = text.substr(0, end);
  text.remove_prefix(end + 1);
  return true;
}

bool parse_decimal(std::string_view text, std::uint64_t& value) {
  if (text.empty() || (text.size() > 1 && text.front() == '0')) return false;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc{} && end == text.data() + text.size();
}

bool parse_hash(std::string_view text, Hash& hash) {
  const auto bytes = crypto::base64_decode(text, hash.size());
  if (!bytes || bytes->size() != hash.size()) return false;
  std::copy(bytes->begin(), bytes->end(), hash.begin());
  return true;
}

}  // namespace

std::string to_text(const Checkpoint& checkpoint) {
  return checkpoint.origin + "\n" + std::to_string(checkpoint.size) + "\n" + crypto::base64_encode(checkpoint.root) +
         "\n";
}

Result<Checkpoint> parse_checkpoint(std::string_view text) {
  Checkpoint out;
  std::string_view origin;
  std::string_view size;
  std::string_view root;
  if (!take_line(text, origin) || !take_line(text, size) || !take_line(text, root) || origin.empty() || !text.empty() ||
      !parse_decimal(size, out.size) || !parse_hash(root, out.root))
    return fail(Errc::Malformed, "not a checkpoint");
  out.origin = std::string(origin);
  return out;
}

std::string sign_checkpoint(const Checkpoint& checkpoint, const NoteSigner& signer) {
  const std::string text = to_text(checkpoint);
  return text + "\n" + signer.sign(text, WallTime{});
}

Result<Checkpoint> open_checkpoint(std::string_view text, const NoteVerifier& key) {
  BZ_TRY(const Note note, parse_note(text));
  if (!signed_by(note, key)) return fail(Errc::Crypto, "a checkpoint that the log's key did not sign");
  BZ_TRY(Checkpoint checkpoint, parse_checkpoint(note.text));
  if (checkpoint.origin != key.name()) return fail(Errc::Crypto, "a checkpoint of another log");
  return checkpoint;
}

std::string to_text(const RecordProof& proof) {
  std::string out(kProofHeader);
  out.append("\nindex ").append(std::to_string(proof.index)).append("\n");
  for (const Hash& hash : proof.hashes) out.append(crypto::base64_encode(hash)).append("\n");
  return out.append("\n").append(proof.checkpoint);
}

Result<RecordProof> parse_record_proof(std::string_view text) {
  RecordProof out;
  std::string_view line;
  if (!take_line(text, line) || line != kProofHeader || !take_line(text, line))
    return fail(Errc::Malformed, "not a tlog-proof");
  if (line.starts_with("extra ") && !take_line(text, line)) return fail(Errc::Malformed, "not a tlog-proof");
  if (!line.starts_with("index ") || !parse_decimal(line.substr(6), out.index))
    return fail(Errc::Malformed, "a tlog-proof without an index");
  for (;;) {
    if (!take_line(text, line)) return fail(Errc::Malformed, "a tlog-proof without a checkpoint");
    if (line.empty()) break;
    Hash hash;
    if (out.hashes.size() == kMaxProofHashes || !parse_hash(line, hash))
      return fail(Errc::Malformed, "a tlog-proof with a line that is no hash");
    out.hashes.push_back(hash);
  }
  out.checkpoint = std::string(text);
  return out;
}

}  // namespace bartizan::audit
