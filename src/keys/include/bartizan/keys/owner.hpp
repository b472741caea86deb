// Whose keys they are. Each owner has one keyring, with a root secret of its own, so that
// destroying one owner's keys leaves everybody else's data readable (docs/formats/keyring.md).
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>

#include "bartizan/base/strong.hpp"
#include "bartizan/base/uuid.hpp"

namespace bartizan::keys {

/// The values are part of the formats.
enum class OwnerKind : std::uint8_t {
  Tenant = 1,   ///< a customer
  Subject = 2,  ///< one person among a tenant's data
  Depot = 3,    ///< data of a depot that belongs to no tenant
  Storage = 4,  ///< the files of an embedded server (docs/formats/at-rest.md)
};

struct KeyringOwner {
  OwnerKind kind = OwnerKind::Tenant;
  Uuid tenant;  ///< nil for a Depot and for Storage
  Uuid id;      ///< the tenant's own id, the subject's, the depot's or the storage's
  friend auto operator<=>(const KeyringOwner&, const KeyringOwner&) = default;

  [[nodiscard]] static KeyringOwner of_tenant(const Uuid& tenant) { return {OwnerKind::Tenant, tenant, tenant}; }
  [[nodiscard]] static KeyringOwner of_subject(const Uuid& tenant, const Uuid& subject) {
    return {OwnerKind::Subject, tenant, subject};
  }
  [[nodiscard]] static KeyringOwner of_depot(const Uuid& depot) { return {OwnerKind::Depot, Uuid{}, depot}; }
  [[nodiscard]] static KeyringOwner of_storage(const Uuid& storage) { return {OwnerKind::Storage, Uuid{}, storage}; }
  /// Whether the three fields belong together, for what was read from outside.
  [[nodiscard]] bool is_valid() const noexcept;
};

/// Kind, tenant, id: as derivations and wrappings take it in.
inline constexpr std::size_t kOwnerBytes = 1 + 16 + 16;
[[nodiscard]] std::array<std::byte, kOwnerBytes> encode_owner(const KeyringOwner& owner) noexcept;

/// Names one version of one keyring; never 0, never used twice in an environment, because cells
/// name their key by it.
using KeyId = Strong<struct KeyIdTag, std::uint32_t>;

/// The values are part of the formats.
enum class KeyPurpose : std::uint8_t {
  Data = 1,   ///< the root of column and nonce keys
  Index = 2,  ///< the root of blind-index keys: rotated apart, since rotating it means to re-index
  Subjects = 3,  ///< what the tree of the owner's data subjects is sealed under: replaced when one of them is destroyed
};

}  // namespace bartizan::keys
