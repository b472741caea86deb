#include "checkpoint.hpp"

namespace verify {
namespace {

constexpr std::string_view kLineStart = "\xe2\x80\x94 ";

std::string key_id(const PublicKey& key) {
  const std::string middle = std::string("\n") + key.type;
  return std::string(chars(sha256(key.name, middle, key.bytes)).substr(0, 4));
}

/// The text of a note, with its last newline; empty when it is no note.
std::string_view text_of(std::string_view note) {
  const auto blank = note.rfind("\n\n");
  return blank == std::string_view::npos || !note.ends_with('\n') ? std::string_view() : note.substr(0, blank + 1);
}

/// The signature bytes of the key's line, without the id; empty when there is no such line. A malformed
/// line makes the whole note one without signatures.
std::string signature_of(std::string_view note, const PublicKey& key) {
  std::string found;
  std::string_view rest = note.substr(text_of(note).size());
  if (!take_line(rest)) return {};  // the blank line
  while (!rest.empty()) {
    auto line = take_line(rest);
    if (!line || !line->starts_with(kLineStart)) return {};
    line->remove_prefix(kLineStart.size());
    const auto space = line->find(' ');
    const auto bytes = space == std::string_view::npos ? std::nullopt : from_base64(line->substr(space + 1));
    if (!bytes || bytes->size() < 5) return {};
    if (line->substr(0, space) == key.name && bytes->substr(0, 4) == key.id) found = bytes->substr(4);
  }
  return found;
}

}  // namespace

std::optional<PublicKey> parse_key(std::string_view text) {
  const auto first = text.find('+');
  const auto second = first == std::string_view::npos ? first : text.find('+', first + 1);
  if (second == std::string_view::npos) return std::nullopt;
  const auto bytes = from_base64(text.substr(second + 1));
  if (!bytes || bytes->size() != 33 || (bytes->front() != 1 && bytes->front() != 4)) return std::nullopt;
  PublicKey key{std::string(text.substr(0, first)), bytes->front(), bytes->substr(1), {}};
  key.id = key_id(key);
  if (key.name.empty() || to_hex(key.id) != text.substr(first + 1, second - first - 1)) return std::nullopt;
  return key;
}

PublicKey named(const PublicKey& key, std::string name) {
  PublicKey out = key;
  out.name = std::move(name);
  out.id = key_id(out);
  return out;
}

std::optional<Checkpoint> open_checkpoint(std::string_view note, const PublicKey& key, std::string& error) {
  std::string_view rest = text_of(note);
  Checkpoint out;
  out.note = std::string(note);
  const auto origin = take_line(rest);
  const auto size = take_line(rest);
  const auto root = take_line(rest);
  const auto number = size ? from_decimal(*size) : std::nullopt;
  const auto hash = root ? hash_from_base64(*root) : std::nullopt;
  error = "it is not a checkpoint";
  if (!origin || origin->empty() || !number || !hash || !rest.empty()) return std::nullopt;
  out.origin = std::string(*origin);
  out.size = *number;
  out.root = *hash;
  error = "it is the checkpoint of " + out.origin + ", not of " + key.name;
  if (out.origin != key.name) return std::nullopt;
  error = "it is not signed by the log's key";
  if (!ed25519(key.bytes, text_of(note), signature_of(note, key))) return std::nullopt;
  error.clear();
  return out;
}

std::optional<std::uint64_t> open_pruned(std::string_view note, const PublicKey& key) {
  std::string_view rest = text_of(note);
  const auto label = take_line(rest);
  const auto origin = take_line(rest);
  const auto minimum = take_line(rest);
  if (!label || *label != "bartizan audit pruned v1" || !origin || *origin != key.name || !minimum ||
      !ed25519(key.bytes, text_of(note), signature_of(note, key)))
    return std::nullopt;
  return from_decimal(*minimum);
}

std::optional<std::uint64_t> cosigned_at(std::string_view note, const PublicKey& witness) {
  const std::string signature = signature_of(note, witness);
  if (witness.type != 4 || signature.size() != 72) return std::nullopt;
  std::uint64_t seconds = 0;
  for (std::size_t i = 0; i < 8; ++i) seconds = (seconds << 8) | static_cast<unsigned char>(signature[i]);
  const std::string message = "cosignature/v1\ntime " + std::to_string(seconds) + "\n" + std::string(text_of(note));
  if (!ed25519(witness.bytes, message, std::string_view(signature).substr(8))) return std::nullopt;
  return seconds;
}

}  // namespace verify
