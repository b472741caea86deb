// Owners of keys as the control database has them.
#pragma once

#include "bartizan/keys/owner.hpp"
#include "bartizan/store/key_events.hpp"

namespace bartizan::control {

[[nodiscard]] inline store::KeyOwner stored_owner(const keys::KeyringOwner& owner) {
  store::KeyOwner out;
  out.kind = static_cast<std::int64_t>(owner.kind);
  if (!owner.tenant.is_nil()) out.tenant = owner.tenant;
  out.id = owner.id;
  return out;
}

/// What was not written by stored_owner comes out as nobody's.
[[nodiscard]] inline keys::KeyringOwner owner_in(const store::KeyOwner& stored) {
  keys::KeyringOwner out;
  if (stored.kind >= 1 && stored.kind <= 3) out.kind = static_cast<keys::OwnerKind>(stored.kind);
  out.tenant = stored.tenant.value_or(Uuid{});
  out.id = stored.id;
  return out;
}

}  // namespace bartizan::control
