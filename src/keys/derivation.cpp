#include "bartizan/keys/derivation.hpp"

#include <string_view>

#include "bartizan/crypto/hkdf.hpp"

namespace bartizan::keys {
namespace {

SecretBytes derive(const KeyringRoot& root, std::string_view label, const Uuid& subject,
                   std::size_t length = kKeyBytes) {
  Bytes info = to_bytes(label);
  info.push_back(std::byte{0});
  info.resize(info.size() + 4);
  store_be32(info.data() + info.size() - 4, root.id().get());
  const auto owner = encode_owner(root.owner());
  info.insert(info.end(), owner.begin(), owner.end());
  for (const auto octet : subject.octets) info.push_back(std::byte{octet});
  auto key = crypto::hkdf_expand(root.secret().reveal(), info, length);
  BZ_ASSERT(key.has_value());
  return std::move(*key);
}

}  // namespace

Result<KeyringRoot> KeyringRoot::make(KeyId id, KeyPurpose purpose, const KeyringOwner& owner, SecretBytes secret) {
  if (id == KeyId{}) return fail(Errc::InvalidArgument, "a key id is not 0");
  if (!owner.is_valid()) return fail(Errc::InvalidArgument, "the keyring's owner is not valid");
  if (secret.size() != kKeyBytes) return fail(Errc::InvalidArgument, "a keyring root has 32 bytes");
  return KeyringRoot(id, purpose, owner, std::move(secret));
}

SecretBytes generate_root_secret(Random& random) {
  SecretBytes secret(kKeyBytes);
  random.fill(secret.reveal_mutable());
  return secret;
}

Result<ColumnKeys> derive_column_keys(const KeyringRoot& root, const Uuid& column) {
  if (root.purpose() != KeyPurpose::Data) return fail(Errc::InvalidArgument, "column keys come from a data root");
  if (column.is_nil()) return fail(Errc::InvalidArgument, "a column's id is not nil");
  return ColumnKeys{root.id(), derive(root, "bartizan/v1/data", column), derive(root, "bartizan/v1/nonce", column)};
}

Result<IndexKey> derive_index_key(const KeyringRoot& root, const Uuid& join_domain) {
  if (root.purpose() != KeyPurpose::Index) return fail(Errc::InvalidArgument, "index keys come from an index root");
  if (join_domain.is_nil()) return fail(Errc::InvalidArgument, "a join domain's id is not nil");
  return IndexKey{root.id(), derive(root, "bartizan/v1/index", join_domain)};
}

Result<SecretBytes> derive_subject_tree_key(const KeyringRoot& root) {
  if (root.purpose() != KeyPurpose::Subjects)
    return fail(Errc::InvalidArgument, "a tree's key comes from a root of subjects");
  return derive(root, "bartizan/v1/subjects", root.owner().id);
}

Result<SecretBytes> derive_storage_key(const KeyringRoot& root) {
  if (root.purpose() != KeyPurpose::Data || root.owner().kind != OwnerKind::Storage)
    return fail(Errc::InvalidArgument, "storage keys come from a data root of a storage");
  return derive(root, "bartizan/v1/storage", root.owner().id, kStorageKeyBytes);
}

}  // namespace bartizan::keys
