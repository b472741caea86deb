#include "bartizan/keys/keyring.hpp"

#include <algorithm>
#include <set>

namespace bartizan::keys {
namespace {

bool printable(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~'; });
}

bool well_formed(const WrappedSecret& wrapped) {
  const auto& name = wrapped.root.provider;
  return !name.empty() && name.size() <= kMaxProviderBytes && printable(name) && !wrapped.bytes.empty() &&
         wrapped.bytes.size() <= kMaxWrappedBytes;
}

bool well_formed(const KeyVersion& version) {
  if (version.id == KeyId{}) return false;
  if (version.purpose < KeyPurpose::Data || version.purpose > KeyPurpose::Subjects) return false;
  if (version.state < KeyState::Pending || version.state > KeyState::Destroyed) return false;
  if (version.authority.size() > kMaxAuthorityBytes) return false;
  if (version.state == KeyState::Destroyed) return version.wrapped == WrappedSecret{} && !version.authority.empty();
  return well_formed(version.wrapped) && version.authority.empty();
}

tl::unexpected<Error> no_such_version() { return fail(Errc::NotFound, "the keyring has no such version"); }

void make_tombstone(KeyVersion& version, std::string authority, WallTime now) {
  version.state = KeyState::Destroyed;
  version.changed_at = now;
  version.wrapped = {};
  version.authority = std::move(authority);
}

}  // namespace

std::string_view to_string(KeyState state) noexcept {
  switch (state) {
    case KeyState::Pending: return "pending";
    case KeyState::Active: return "active";
    case KeyState::Retired: return "retired";
    case KeyState::Destroyed: return "destroyed";
  }
  return "unknown";
}

std::string_view to_string(KeyPurpose purpose) noexcept {
  switch (purpose) {
    case KeyPurpose::Data: return "data";
    case KeyPurpose::Index: return "index";
    case KeyPurpose::Subjects: return "subjects";
  }
  return "unknown";
}

Keyring::Keyring(const KeyringOwner& owner, std::uint64_t revision, std::vector<KeyVersion> versions)
    : owner_(owner), revision_(revision), versions_(std::move(versions)) {}

Result<Keyring> Keyring::make(const KeyringOwner& owner) {
  if (!owner.is_valid()) return fail(Errc::InvalidArgument, "the keyring's owner is not valid");
  return Keyring(owner, 0, {});
}

Result<Keyring> Keyring::restore(const KeyringOwner& owner, std::uint64_t revision, std::vector<KeyVersion> versions) {
  const auto broken = [] { return fail(Errc::Malformed, "the stored keyring is not well-formed"); };
  if (!owner.is_valid() || versions.size() > kMaxKeyVersions) return broken();
  std::set<KeyId> ids;
  std::set<KeyPurpose> active;
  for (const auto& version : versions) {
    if (!well_formed(version) || !ids.insert(version.id).second) return broken();
    if (version.state == KeyState::Active && !active.insert(version.purpose).second) return broken();
  }
  return Keyring(owner, revision, std::move(versions));
}

const KeyVersion* Keyring::find(KeyId id) const noexcept {
  const auto found = std::find_if(versions_.begin(), versions_.end(), [&](const auto& v) { return v.id == id; });
  return found == versions_.end() ? nullptr : &*found;
}

KeyVersion* Keyring::find_mutable(KeyId id) noexcept {
  const auto found = std::find_if(versions_.begin(), versions_.end(), [&](const auto& v) { return v.id == id; });
  return found == versions_.end() ? nullptr : &*found;
}

const KeyVersion* Keyring::active(KeyPurpose purpose) const noexcept {
  const auto found = std::find_if(versions_.begin(), versions_.end(),
                                  [&](const auto& v) { return v.purpose == purpose && v.state == KeyState::Active; });
  return found == versions_.end() ? nullptr : &*found;
}

const KeyVersion* Keyring::pending(KeyPurpose purpose) const noexcept {
  const auto found = std::find_if(versions_.begin(), versions_.end(),
                                  [&](const auto& v) { return v.purpose == purpose && v.state == KeyState::Pending; });
  return found == versions_.end() ? nullptr : &*found;
}

Keyring Keyring::next() const { return Keyring(owner_, revision_ + 1, versions_); }

Result<Keyring> Keyring::add(KeyId id, KeyPurpose purpose, WrappedSecret wrapped, WallTime now) const {
  if (find(id) != nullptr) return fail(Errc::AlreadyExists, "a key id is used once");
  if (versions_.size() >= kMaxKeyVersions) return fail(Errc::ResourceExhausted, "the keyring has too many versions");
  KeyVersion version{id, purpose, KeyState::Pending, now, now, std::move(wrapped), {}};
  if (!well_formed(version)) return fail(Errc::InvalidArgument, "the key version is not well-formed");
  Keyring made = next();
  made.versions_.push_back(std::move(version));
  return made;
}

Result<Keyring> Keyring::activate(KeyId id, WallTime now) const {
  const KeyVersion* chosen = find(id);
  if (chosen == nullptr) return no_such_version();
  if (chosen->state != KeyState::Pending)
    return fail(Errc::FailedPrecondition, "only a pending key version can become active");
  Keyring made = next();
  for (auto& version : made.versions_) {
    if (version.purpose != chosen->purpose || version.state != KeyState::Active) continue;
    version.state = KeyState::Retired;
    version.changed_at = now;
  }
  KeyVersion* version = made.find_mutable(id);
  version->state = KeyState::Active;
  version->changed_at = now;
  return made;
}

Result<Keyring> Keyring::rewrap(KeyId id, WrappedSecret wrapped) const {
  const KeyVersion* chosen = find(id);
  if (chosen == nullptr) return no_such_version();
  if (chosen->state == KeyState::Destroyed) return fail(Errc::FailedPrecondition, "the key version is destroyed");
  if (!well_formed(wrapped)) return fail(Errc::InvalidArgument, "the wrapped secret is not well-formed");
  Keyring made = next();
  made.find_mutable(id)->wrapped = std::move(wrapped);
  return made;
}

Result<Keyring> Keyring::destroy(KeyId id, std::string authority, WallTime now) const {
  const KeyVersion* chosen = find(id);
  if (chosen == nullptr) return no_such_version();
  if (chosen->state == KeyState::Destroyed) return fail(Errc::AlreadyExists, "the key version is destroyed already");
  if (authority.empty() || authority.size() > kMaxAuthorityBytes)
    return fail(Errc::InvalidArgument, "a destruction names its authority");
  Keyring made = next();
  make_tombstone(*made.find_mutable(id), std::move(authority), now);
  return made;
}

Result<Keyring> Keyring::bury(const Keyring& known) const {
  if (known.owner_ != owner_) return fail(Errc::Conflict, "the keyrings have different owners");
  Keyring made(owner_, std::max(revision_, known.revision_) + 1, versions_);
  for (const auto& tombstone : known.versions_) {
    if (tombstone.state != KeyState::Destroyed) continue;
    KeyVersion* version = made.find_mutable(tombstone.id);
    if (version == nullptr)
      made.versions_.push_back(tombstone);
    else if (version->state != KeyState::Destroyed)
      make_tombstone(*version, tombstone.authority, tombstone.changed_at);
  }
  if (made.versions_.size() > kMaxKeyVersions)
    return fail(Errc::ResourceExhausted, "the keyring has too many versions");
  return made;
}

}  // namespace bartizan::keys
