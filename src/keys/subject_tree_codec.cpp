// The tree's record (docs/formats/subject-tree.md).
#include <algorithm>
#include <array>

#include "bartizan/crypto/xaes_256_gcm.hpp"
#include "bartizan/keys/subject_tree.hpp"

namespace bartizan::keys {
namespace {

using crypto::Xaes256Gcm;

constexpr std::string_view kMagic = "bzst";
constexpr std::byte kFormatVersion{1};
constexpr std::size_t kKeyAt = 4 + 1 + kOwnerBytes;
constexpr std::size_t kHeader = kKeyAt + 4;

std::array<std::byte, kHeader> header_of(const KeyringOwner& owner, KeyId id) {
  std::array<std::byte, kHeader> header{};
  std::ranges::copy(as_bytes(kMagic), header.begin());
  header[4] = kFormatVersion;
  std::ranges::copy(encode_owner(owner), header.begin() + 5);
  store_be32(header.data() + kKeyAt, id.get());
  return header;
}

tl::unexpected<Error> broken() { return fail(Errc::Malformed, "the record of the subjects' tree is not well-formed"); }

}  // namespace

Result<Bytes> seal_subject_tree(const SubjectTree& tree, const KeyringRoot& root, Random& random) {
  BZ_TRY(const auto key, derive_subject_tree_key(root));
  BZ_TRY(auto cipher, Xaes256Gcm::from_key(key.reveal()));
  const auto header = header_of(root.owner(), root.id());
  const auto contents = tree.encode();
  Bytes out(kHeader + Xaes256Gcm::kNonceSize + contents.size() + Xaes256Gcm::kTagSize);
  std::ranges::copy(header, out.begin());
  const auto nonce = std::span(out).subspan<kHeader, Xaes256Gcm::kNonceSize>();
  random.fill(nonce);
  cipher.seal(nonce, header, contents.reveal(), std::span(out).subspan(kHeader + Xaes256Gcm::kNonceSize));
  return out;
}

Result<KeyId> key_of_subject_tree(ByteView record, const KeyringOwner& owner) {
  if (record.size() < kHeader + Xaes256Gcm::kNonceSize + Xaes256Gcm::kTagSize) return broken();
  const KeyId id(load_be32(record.data() + kKeyAt));
  if (id == KeyId{} || !std::ranges::equal(header_of(owner, id), record.first(kHeader))) return broken();
  return id;
}

Result<SubjectTree> open_subject_tree(ByteView record, const KeyringRoot& root) {
  BZ_TRY(const auto id, key_of_subject_tree(record, root.owner()));
  if (id != root.id()) return fail(Errc::Crypto, "the tree of subjects does not open");
  BZ_TRY(const auto key, derive_subject_tree_key(root));
  BZ_TRY(auto cipher, Xaes256Gcm::from_key(key.reveal()));
  const auto sealed = record.subspan(kHeader + Xaes256Gcm::kNonceSize);
  if (sealed.size() > Xaes256Gcm::kMaxBytes) return broken();
  SecretBytes contents(sealed.size() - Xaes256Gcm::kTagSize);
  const auto nonce = record.subspan<kHeader, Xaes256Gcm::kNonceSize>();
  if (!cipher.open(nonce, record.first(kHeader), sealed, contents.reveal_mutable()))
    return fail(Errc::Crypto, "the tree of subjects does not open");
  return SubjectTree::decode(contents.reveal());
}

}  // namespace bartizan::keys
