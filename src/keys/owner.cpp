#include "bartizan/keys/owner.hpp"

#include <algorithm>

namespace bartizan::keys {
namespace {

void put_uuid(const Uuid& id, std::byte* at) noexcept {
  std::transform(id.octets.begin(), id.octets.end(), at, [](std::uint8_t octet) { return std::byte{octet}; });
}

}  // namespace

bool KeyringOwner::is_valid() const noexcept {
  if (id.is_nil()) return false;
  switch (kind) {
    case OwnerKind::Tenant: return tenant == id;
    case OwnerKind::Subject: return !tenant.is_nil();
    case OwnerKind::Depot:
    case OwnerKind::Storage: return tenant.is_nil();
  }
  return false;
}

std::array<std::byte, kOwnerBytes> encode_owner(const KeyringOwner& owner) noexcept {
  std::array<std::byte, kOwnerBytes> bytes{};
  bytes[0] = static_cast<std::byte>(owner.kind);
  put_uuid(owner.tenant, bytes.data() + 1);
  put_uuid(owner.id, bytes.data() + 17);
  return bytes;
}

}  // namespace bartizan::keys
