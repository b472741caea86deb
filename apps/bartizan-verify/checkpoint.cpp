#include <algorithm>

#include "verify.hpp"

namespace verify {
namespace {

constexpr std::string_view kLineStart = "\xe2\x80\x94 ";

std::string key_id(const std::string& name, char type, std::string_view bytes) {
  return std::string(chars(sha256(name, std::string("\n") + type, bytes)).substr(0, 4));
}

/// The text of a note, with its last newline; empty when it is no note.
std::string_view text_of(std::string_view note) {
  const auto blank = note.rfind("\n\n");
  return blank == std::string_view::npos || !note.ends_with('\n') ? std::string_view() : note.substr(0, blank + 1);
}

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> out;
  while (const auto line = take_line(text)) out.push_back(*line);
  return out;
}

/// The signature bytes of the line by that key, without its id; empty when there is no such line. A malformed
/// line makes the whole note one without signatures.
std::string signature_of(std::string_view note, const PublicKey& key, std::string_view bytes) {
  std::string found;
  for (auto line : lines_of(note.substr(std::min(text_of(note).size() + 1, note.size())))) {
    if (!line.starts_with(kLineStart)) return {};
    line.remove_prefix(kLineStart.size());
    const auto space = line.find(' ');
    const auto signature = space == std::string_view::npos ? std::nullopt : from_base64(line.substr(space + 1));
    if (!signature || signature->size() < 5) return {};
    if (line.substr(0, space) == key.name && signature->substr(0, 4) == key_id(key.name, key.type, bytes))
      found = signature->substr(4);
  }
  return found;
}

bool signed_with(std::string_view note, const PublicKey& key, std::string_view bytes) {
  return ed25519(bytes, text_of(note), signature_of(note, key, bytes));
}

bool signed_by(std::string_view note, const PublicKey& key, bool newest_key) {
  const auto signs = [&](const std::string& bytes) { return signed_with(note, key, bytes); };
  return signs(key.bytes) || (!newest_key && std::any_of(key.older.begin(), key.older.end(), signs));
}

}  // namespace

std::optional<PublicKey> parse_key(std::string_view text) {
  const auto first = text.find('+');
  const auto second = first == std::string_view::npos ? first : text.find('+', first + 1);
  if (second == std::string_view::npos) return std::nullopt;
  const auto bytes = from_base64(text.substr(second + 1));
  if (!bytes || bytes->size() != 33 || (bytes->front() != 1 && bytes->front() != 4)) return std::nullopt;
  PublicKey key{std::string(text.substr(0, first)), bytes->front(), bytes->substr(1), {}};
  std::string id;
  for (const char c : key_id(key.name, key.type, key.bytes))
    id += {"0123456789abcdef"[c >> 4 & 15], "0123456789abcdef"[c & 15]};
  if (key.name.empty() || id != text.substr(first + 1, second - first - 1)) return std::nullopt;
  return key;
}

PublicKey named(const PublicKey& key, std::string name) { return {std::move(name), key.type, key.bytes, key.older}; }

std::string follow_keys(const std::string& folder, PublicKey& key) {
  const auto raw = [](std::string_view line) {  // of an Ed25519 key
    const auto bytes = from_base64(line);
    return bytes && bytes->starts_with('\1') ? bytes->substr(1) : std::string();
  };
  std::vector<std::string> keys;
  for (std::uint64_t number = 2;; ++number) {
    const std::string path = folder + "/" + text(number);
    const auto note = read_file(path);
    if (!note) break;
    const auto lines = lines_of(text_of(*note));
    if (lines.size() != 7 || lines[0] != "bartizan audit key v1" || lines[2] != text(number) ||
        !(key.name + "/").starts_with(std::string(lines[1]) + "/"))
      return path + " does not introduce a key of this log";
    const PublicKey log{std::string(lines[1]), 1, {}, {}};
    if (keys.empty()) keys.push_back(raw(lines[3]));
    if (keys.back() != raw(lines[3]) || !signed_with(*note, log, keys.back()) ||
        !signed_with(*note, log, raw(lines[4])))
      return path + " is not signed by the key before it and the one it introduces";
    keys.push_back(raw(lines[4]));
  }
  if (keys.empty()) return {};
  if (std::find(keys.begin(), keys.end(), key.bytes) == keys.end())
    return "the key is none of those that " + folder + " leads to";
  key.bytes = keys.back();
  key.older = std::move(keys);  // the newest signs no less as one of them
  return {};
}

Checkpoint open_checkpoint(std::string_view note, const PublicKey& key, bool newest_key) {
  const auto lines = lines_of(text_of(note));
  const auto size = lines.size() == 3 ? from_decimal(lines[1]) : std::nullopt;
  const auto root = size ? hash_from_base64(lines[2]) : std::nullopt;
  if (!root || lines[0].empty()) return {{}, 0, {}, "it is not a checkpoint"};
  if (lines[0] != key.name)
    return {{}, 0, {}, "it is the checkpoint of " + std::string(lines[0]) + ", not of " + key.name};
  if (!signed_by(note, key, newest_key)) return {{}, 0, {}, "it is not signed by the log's key"};
  return {key.name, *size, *root, {}};
}

std::optional<Pruned> open_pruned(std::string_view note, const PublicKey& key) {
  const auto lines = lines_of(text_of(note));
  const auto minimum = lines.size() == 4 ? from_decimal(lines[2]) : std::nullopt;
  const auto seconds = minimum ? from_decimal(lines[3]) : std::nullopt;
  if (!seconds || lines[0] != "bartizan audit pruned v1" || lines[1] != key.name || !signed_by(note, key, false))
    return std::nullopt;
  return Pruned{*minimum, *seconds};
}

std::optional<std::uint64_t> cosigned_at(std::string_view note, const PublicKey& witness) {
  const std::string signature = signature_of(note, witness, witness.bytes);
  if (witness.type != 4 || signature.size() != 72) return std::nullopt;
  std::uint64_t seconds = 0;
  for (std::size_t i = 0; i < 8; ++i) seconds = (seconds << 8) | static_cast<unsigned char>(signature[i]);
  const std::string message = "cosignature/v1\ntime " + std::to_string(seconds) + "\n" + std::string(text_of(note));
  if (!ed25519(witness.bytes, message, std::string_view(signature).substr(8))) return std::nullopt;
  return seconds;
}

}  // namespace verify
