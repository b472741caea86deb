#include "bartizan/audit/note.hpp"

#include <algorithm>

#include "bartizan/crypto/base64.hpp"
#include "bartizan/crypto/hash.hpp"
#include "ed25519.hpp"

namespace bartizan::audit {
namespace {

constexpr std::string_view kSignatureStart = "\xe2\x80\x94 ";  // em dash, space
constexpr std::string_view kPrivatePrefix = "PRIVATE+KEY+";
constexpr std::size_t kTimeBytes = 8;

std::uint32_t key_id(KeyType type, std::string_view name, ByteView public_key) {
  const std::byte middle[2] = {std::byte{'\n'}, static_cast<std::byte>(type)};
  const auto digest = crypto::sha256_concat({as_bytes(name), middle, public_key});
  return load_be32(digest.data());
}

std::string id_text(std::uint32_t id) {
  std::byte bytes[4];
  store_be32(bytes, id);
  return hex_encode(bytes);
}

struct KeyText {
  KeyType type;
  std::string name;
  std::uint32_t id;
  SecretBytes key;
};

/// name+hex(id)+base64(type || 32 bytes)
Result<KeyText> parse_key(std::string_view text) {
  const auto first = text.find('+');
  const auto second = first == std::string_view::npos ? first : text.find('+', first + 1);
  if (second == std::string_view::npos) return fail(Errc::Malformed, "a note key has three parts joined by '+'");
  KeyText key;
  key.name = std::string(text.substr(0, first));
  const auto id = hex_decode(text.substr(first + 1, second - first - 1));
  auto bytes = crypto::base64_decode(text.substr(second + 1), 64);
  if (!is_key_name(key.name) || !id || id->size() != 4 || !bytes || bytes->size() != 33)
    return fail(Errc::Malformed, "not a note key");
  const auto type = std::to_integer<unsigned>(bytes->front());
  if (type != 1 && type != 4) return fail(Errc::Unsupported, "a note key of another type than Ed25519");
  key.type = static_cast<KeyType>(type);
  key.id = load_be32(id->data());
  key.key = SecretBytes(ByteView(*bytes).subspan(1));
  secure_wipe(bytes->data(), bytes->size());
  return key;
}

/// What a cosignature signs: C2SP tlog-cosignature, "Ed25519 signed message".
std::string cosigned_message(std::uint64_t seconds, std::string_view text) {
  return "cosignature/v1\ntime " + std::to_string(seconds) + "\n" + std::string(text);
}

std::uint64_t load_be64(const std::byte* p) { return (std::uint64_t{load_be32(p)} << 32) | load_be32(p + 4); }

}  // namespace

bool is_key_name(std::string_view name) {
  return !name.empty() && name.size() <= 255 &&
         std::all_of(name.begin(), name.end(), [](char c) { return c > 0x20 && c < 0x7f && c != '+'; });
}

NoteVerifier::NoteVerifier(KeyType type, std::string name, const PublicKey& key)
    : type_(type), name_(std::move(name)), key_(key), id_(key_id(type_, name_, key_)) {
  BZ_ASSERT(is_key_name(name_));
}

Result<NoteVerifier> NoteVerifier::parse(std::string_view text) {
  BZ_TRY(const KeyText key, parse_key(text));
  PublicKey bytes;
  std::copy_n(key.key.reveal().begin(), bytes.size(), bytes.begin());
  NoteVerifier verifier(key.type, key.name, bytes);
  if (verifier.id() != key.id) return fail(Errc::Malformed, "a note key whose id does not belong to it");
  return verifier;
}

Result<NoteVerifier> NoteVerifier::from_bytes(std::string name, std::string_view base64) {
  const auto bytes = crypto::base64_decode(base64, 64);
  if (!is_key_name(name) || !bytes || bytes->size() != 1 + kPublicSize ||
      bytes->front() != static_cast<std::byte>(KeyType::Ed25519))
    return fail(Errc::Malformed, "not a note key");
  PublicKey key;
  std::copy_n(bytes->begin() + 1, key.size(), key.begin());
  return NoteVerifier(KeyType::Ed25519, std::move(name), key);
}

std::string NoteVerifier::to_string() const {
  Bytes bytes{static_cast<std::byte>(type_)};
  bytes.insert(bytes.end(), key_.begin(), key_.end());
  return name_ + "+" + id_text(id_) + "+" + crypto::base64_encode(bytes);
}

bool NoteVerifier::verify(std::string_view text, ByteView signature) const {
  if (type_ == KeyType::Ed25519) return ed25519_verify(key_, as_bytes(text), signature);
  if (signature.size() != kTimeBytes + kEd25519Signature) return false;
  const std::uint64_t seconds = load_be64(signature.data());
  if (seconds >> 63 != 0) return false;
  return ed25519_verify(key_, as_bytes(cosigned_message(seconds, text)), signature.subspan(kTimeBytes));
}

Result<NoteSigner> NoteSigner::parse(std::string_view text) {
  if (!text.starts_with(kPrivatePrefix)) return fail(Errc::Malformed, "not a private note key");
  BZ_TRY(KeyText key, parse_key(text.substr(kPrivatePrefix.size())));
  NoteVerifier verifier(key.type, key.name, ed25519_public_key(key.key.reveal()));
  if (verifier.id() != key.id) return fail(Errc::Malformed, "a note key whose id does not belong to it");
  return NoteSigner(std::move(key.key), std::move(verifier));
}

Result<NoteSigner> NoteSigner::generate(KeyType type, std::string name, Random& random) {
  if (!is_key_name(name)) return fail(Errc::InvalidArgument, "a key name has no spaces and no '+'");
  SecretBytes seed(kEd25519Seed);
  random.fill(seed.reveal_mutable());
  NoteVerifier verifier(type, std::move(name), ed25519_public_key(seed.reveal()));
  return NoteSigner(std::move(seed), std::move(verifier));
}

SecretBytes NoteSigner::to_text() const {
  SecretBytes typed(1 + kEd25519Seed);
  typed.reveal_mutable()[0] = static_cast<std::byte>(verifier_.type());
  std::copy_n(seed_.reveal().begin(), kEd25519Seed, typed.reveal_mutable().begin() + 1);
  std::string encoded = crypto::base64_encode(typed.reveal());
  std::string text = std::string(kPrivatePrefix) + verifier_.name() + "+" + id_text(verifier_.id()) + "+" + encoded;
  SecretBytes out{std::string_view(text)};
  secure_wipe(encoded.data(), encoded.size());
  secure_wipe(text.data(), text.size());
  return out;
}

NoteSigner NoteSigner::named(std::string name) const { return {seed_.clone(), verifier_.named(std::move(name))}; }

std::string NoteSigner::sign(std::string_view text, WallTime now) const {
  Bytes bytes(4);
  store_be32(bytes.data(), verifier_.id());
  std::string message(text);
  if (verifier_.type() == KeyType::Cosignature) {
    const auto seconds = static_cast<std::uint64_t>(
        std::max<std::int64_t>(0, std::chrono::floor<std::chrono::seconds>(now).time_since_epoch().count()));
    bytes.resize(4 + kTimeBytes);
    store_be32(bytes.data() + 4, static_cast<std::uint32_t>(seconds >> 32));
    store_be32(bytes.data() + 8, static_cast<std::uint32_t>(seconds));
    message = cosigned_message(seconds, text);
  }
  const auto signature = ed25519_sign(seed_.reveal(), as_bytes(message));
  bytes.insert(bytes.end(), signature.begin(), signature.end());
  return std::string(kSignatureStart) + verifier_.name() + " " + crypto::base64_encode(bytes) + "\n";
}

namespace {

Result<NoteSignature> parse_signature(std::string_view line) {
  NoteSignature out;
  out.line = std::string(line) + "\n";
  if (!line.starts_with(kSignatureStart)) return fail(Errc::Malformed, "not a note's signature line");
  line.remove_prefix(kSignatureStart.size());
  const auto space = line.find(' ');
  if (space == std::string_view::npos || space == 0 || line.find('+') < space)
    return fail(Errc::Malformed, "not a note's signature line");
  out.name = std::string(line.substr(0, space));
  // Room for the largest signatures in use, those of ML-DSA-44.
  auto bytes = crypto::base64_decode(line.substr(space + 1), 8192);
  if (!bytes || bytes->size() < 5) return fail(Errc::Malformed, "not a note's signature line");
  out.key_id = load_be32(bytes->data());
  out.signature.assign(bytes->begin() + 4, bytes->end());
  return out;
}

}  // namespace

Result<Note> parse_note(std::string_view note) {
  if (note.size() > kMaxNoteBytes) return fail(Errc::TooLarge, "a note over its limit");
  for (const char c : note)
    if (static_cast<unsigned char>(c) < 0x20 && c != '\n')
      return fail(Errc::Malformed, "a note with control characters");
  const auto split = note.rfind("\n\n");
  if (split == std::string_view::npos || !note.ends_with('\n')) return fail(Errc::Malformed, "not a signed note");
  Note out;
  out.text = std::string(note.substr(0, split + 1));
  std::string_view rest = note.substr(split + 2);
  if (rest.empty()) return fail(Errc::Malformed, "a note without signatures");
  while (!rest.empty()) {
    if (out.signatures.size() == kMaxNoteSignatures) return fail(Errc::TooLarge, "a note with too many signatures");
    const auto end = rest.find('\n');
    BZ_TRY(auto signature, parse_signature(rest.substr(0, end)));
    out.signatures.push_back(std::move(signature));
    rest.remove_prefix(end + 1);
  }
  return out;
}

bool signed_by(const Note& note, const NoteVerifier& key) {
  bool found = false;
  for (const auto& signature : note.signatures) {
    if (signature.name != key.name() || signature.key_id != key.id()) continue;
    if (!key.verify(note.text, signature.signature)) return false;
    found = true;
  }
  return found;
}

std::uint64_t cosignature_time(const NoteSignature& signature) {
  return signature.signature.size() == kTimeBytes + kEd25519Signature ? load_be64(signature.signature.data()) : 0;
}

}  // namespace bartizan::audit
