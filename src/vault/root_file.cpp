#include "root_file.hpp"

#include <algorithm>
#include <string_view>

#include "bartizan/crypto/xaes_256_gcm.hpp"
#include "bartizan/keys/derivation.hpp"

namespace bartizan::vault {
namespace {

using crypto::Xaes256Gcm;

constexpr std::string_view kMagic = "bzrf";
constexpr std::uint8_t kFormatVersion = 1;
constexpr std::uint8_t kLive = 1;
constexpr std::uint8_t kDestroyed = 2;

tl::unexpected<Error> malformed() { return fail(Errc::Malformed, "the root file is not well-formed"); }

}  // namespace

Result<RootFileHeader> read_root_file_header(ByteView file) {
  if (file.size() > kRootFileMaxBytes ||
      file.size() < kRootFileHeaderBytes + Xaes256Gcm::kNonceSize + Xaes256Gcm::kTagSize)
    return malformed();
  ByteReaderView in(file);
  if (as_chars(*in.bytes(kMagic.size())) != kMagic || *in.u8() != kFormatVersion) return malformed();
  RootFileHeader header;
  header.cost.memory_kib = *in.be32();
  header.cost.passes = *in.be32();
  header.cost.lanes = *in.be32();
  if (!header.cost.is_valid()) return malformed();
  const auto salt = *in.bytes(header.salt.size());
  std::copy(salt.begin(), salt.end(), header.salt.begin());
  return header;
}

Result<Roots> open_root_file(ByteView file, const SecretBytes& key) {
  BZ_CHECK(read_root_file_header(file));
  BZ_TRY(auto cipher, Xaes256Gcm::from_key(key.reveal()));
  const auto nonce = file.subspan(kRootFileHeaderBytes, Xaes256Gcm::kNonceSize);
  const auto sealed = file.subspan(kRootFileHeaderBytes + Xaes256Gcm::kNonceSize);
  SecretBytes plaintext(sealed.size() - Xaes256Gcm::kTagSize);
  if (!cipher.open(Xaes256Gcm::NonceView(nonce), file.first(kRootFileHeaderBytes), sealed, plaintext.reveal_mutable()))
    return fail(Errc::PermissionDenied, "the root file does not open: the passphrase is wrong, or the file damaged");
  return decode_roots(plaintext.reveal());
}

Bytes seal_root_file(const RootFileHeader& header, const Roots& roots, const SecretBytes& key, Random& random) {
  const SecretBytes plaintext = encode_roots(roots);
  Bytes file(kRootFileHeaderBytes + Xaes256Gcm::kNonceSize + plaintext.size() + Xaes256Gcm::kTagSize);
  const auto magic = as_bytes(kMagic);
  std::copy(magic.begin(), magic.end(), file.begin());
  file[4] = std::byte{kFormatVersion};
  store_be32(file.data() + 5, header.cost.memory_kib);
  store_be32(file.data() + 9, header.cost.passes);
  store_be32(file.data() + 13, header.cost.lanes);
  std::copy(header.salt.begin(), header.salt.end(), file.begin() + 17);
  const auto nonce = std::span(file).subspan(kRootFileHeaderBytes, Xaes256Gcm::kNonceSize);
  random.fill(nonce);
  auto cipher = Xaes256Gcm::from_key(key.reveal());
  BZ_ASSERT(cipher.has_value());
  cipher->seal(Xaes256Gcm::NonceView(nonce), ByteView(file).first(kRootFileHeaderBytes), plaintext.reveal(),
               std::span(file).subspan(kRootFileHeaderBytes + Xaes256Gcm::kNonceSize));
  return file;
}

Result<Roots> decode_roots(ByteView bytes) {
  ByteReaderView in(bytes);
  Roots roots;
  const auto active = in.be32();
  const auto count = in.be16();
  if (!active || !count || *count == 0 || *count > kMaxRootVersions) return malformed();
  roots.active = *active;
  std::uint32_t last = 0;
  for (std::size_t i = 0; i < *count; ++i) {
    const auto version = in.be32();
    const auto state = in.u8();
    if (!version || !state || *version <= last) return malformed();  // ascending, from 1
    last = *version;
    if (*state == kDestroyed) {
      roots.versions.emplace(*version, std::nullopt);
      continue;
    }
    const auto key = in.bytes(keys::kKeyBytes);
    if (*state != kLive || !key) return malformed();
    roots.versions.emplace(*version, SecretBytes(*key));
  }
  const auto found = roots.versions.find(roots.active);
  if (!in.at_end() || found == roots.versions.end() || !found->second) return malformed();
  return roots;
}

SecretBytes encode_roots(const Roots& roots) {
  BZ_ASSERT(roots.versions.size() <= kMaxRootVersions);
  std::size_t size = 6;
  for (const auto& [version, key] : roots.versions) size += 5 + (key ? keys::kKeyBytes : 0);
  SecretBytes bytes(size);
  auto* at = bytes.reveal_mutable().data();
  store_be32(at, roots.active);
  store_be16(at + 4, static_cast<std::uint16_t>(roots.versions.size()));
  at += 6;
  for (const auto& [version, key] : roots.versions) {
    store_be32(at, version);
    at[4] = std::byte{key ? kLive : kDestroyed};
    at += 5;
    if (key) at = std::copy(key->reveal().begin(), key->reveal().end(), at);
  }
  return bytes;
}

}  // namespace bartizan::vault
