#include "bartizan/control/cell_keys.hpp"

#include <algorithm>

#include "bartizan/base/log.hpp"
#include "bartizan/control/key_uses.hpp"
#include "bartizan/keys/derivation.hpp"
#include "bartizan/keys/plan.hpp"

namespace bartizan::control {

namespace {

constexpr const char* kProvider = "file:main";

bool destroyed(const keys::Keyring& keyring) {
  return !keyring.versions().empty() && std::ranges::all_of(keyring.versions(), [](const auto& version) {
    return version.state == keys::KeyState::Destroyed;
  });
}

}  // namespace

CellKeys::CellKeys(std::filesystem::path folder, SecretBytes passphrase, const Clock& clock, Random& random)
    : folder_(std::move(folder)), passphrase_(std::move(passphrase)), clock_(clock), random_(random) {}
CellKeys::~CellKeys() = default;

Result<void> CellKeys::open() {
  if (provider_ && store_) return {};
  const auto file = folder_ / "roots.bzrf";
  auto found = vault::FileProvider::open(file, kProvider, passphrase_);
  if (!found && found.error().code == Errc::NotFound)
    found = vault::FileProvider::create(file, kProvider, passphrase_, {}, random_);
  if (!found) return tl::unexpected(found.error());
  BZ_TRY(store_, vault::KeyringStore::open(folder_ / "keyrings"));
  provider_ = std::move(*found);
  return {};
}

Result<void> CellKeys::used(std::string_view operation, const keys::WrapContext& key, const keys::RootRef& root) {
  return uses_ == nullptr ? Result<void>() : uses_->record(operation, key, root);
}

/// A fresh version, active at once: this gateway is the only one that holds keys.
Result<void> CellKeys::add(keys::Keyring& keyring, keys::KeyPurpose purpose) {
  BZ_TRY(const auto id, store_->fresh_id(random_));
  const auto secret = keys::generate_root_secret(random_);
  const keys::WrapContext context{keyring.owner(), id, purpose};
  BZ_TRY(auto wrapped, provider_->wrap(secret, context));
  BZ_CHECK(used("key.create", context, wrapped.root));
  BZ_TRY(auto pending, keyring.add(id, purpose, std::move(wrapped), clock_.wall()));
  BZ_CHECK(store_->put(pending, random_));
  BZ_TRY(auto active, pending.activate(id, clock_.wall()));
  BZ_CHECK(store_->put(active, random_));
  keyring = std::move(active);
  ++version_;
  BZ_LOG(Info, "keys.version_made", {"key", id.get()}, {"owner", keyring.owner().id.to_string()});
  return {};
}

Result<keys::Keyring> CellKeys::ensured(const keys::KeyringOwner& owner) {
  BZ_CHECK(open());
  BZ_TRY(auto keyring, store_->load(owner));
  if (destroyed(keyring)) return fail(Errc::FailedPrecondition, "the keys of this owner were destroyed");
  for (const auto purpose : {keys::KeyPurpose::Data, keys::KeyPurpose::Index})
    if (keyring.active(purpose) == nullptr) BZ_CHECK(add(keyring, purpose));
  return keyring;
}

Result<keys::Keyring> CellKeys::ensure(const keys::KeyringOwner& owner) {
  const std::lock_guard lock(mutex_);
  return ensured(owner);
}

Result<std::shared_ptr<const transform::ColumnKeySet>> CellKeys::keys_of(const keys::KeyringOwner& owner,
                                                                         const Uuid& column, const Uuid& join_domain,
                                                                         bool searchable) {
  const std::lock_guard lock(mutex_);
  BZ_TRY(const auto keyring, ensured(owner));
  auto out = std::make_shared<transform::ColumnKeySet>();
  for (const auto& version : keyring.versions()) {
    if (version.state == keys::KeyState::Destroyed) continue;
    BZ_CHECK(used("key.unwrap", keyring.context_of(version), version.wrapped.root));
    BZ_TRY(auto secret, provider_->unwrap(version.wrapped, keyring.context_of(version)));
    BZ_TRY(const auto root, keys::KeyringRoot::make(version.id, version.purpose, owner, std::move(secret)));
    if (version.purpose == keys::KeyPurpose::Data) {
      BZ_TRY(auto derived, keys::derive_column_keys(root, column));
      if (version.state == keys::KeyState::Active) out->active = version.id;
      out->readable.push_back(std::move(derived));
    } else if (searchable && version.state == keys::KeyState::Active) {
      BZ_TRY(auto derived, keys::derive_index_key(root, join_domain));
      out->index.push_back(std::move(derived));
    }
  }
  return std::shared_ptr<const transform::ColumnKeySet>(std::move(out));
}

Result<std::vector<keys::Keyring>> CellKeys::list() {
  const std::lock_guard lock(mutex_);
  BZ_CHECK(open());
  return store_->list();
}

Result<keys::Keyring> CellKeys::rotate(const keys::KeyringOwner& owner) {
  const std::lock_guard lock(mutex_);
  BZ_TRY(auto keyring, ensured(owner));
  BZ_CHECK(add(keyring, keys::KeyPurpose::Data));
  return keyring;
}

Result<std::size_t> CellKeys::rewrap_all() {
  BZ_TRY(const auto fresh, provider_->rotate(random_));
  if (uses_ != nullptr) BZ_CHECK(uses_->record_root("root.rotate", fresh));
  std::size_t count = 0;
  BZ_TRY(auto keyrings, store_->list());
  for (auto& keyring : keyrings) {
    std::vector<keys::KeyId> ids;
    for (const auto& version : keyring.versions())
      if (version.state != keys::KeyState::Destroyed) ids.push_back(version.id);
    for (const auto id : ids) {
      const auto* version = keyring.find(id);
      BZ_CHECK(used("key.rewrap", keyring.context_of(*version), version->wrapped.root));
      BZ_TRY(const auto secret, provider_->unwrap(version->wrapped, keyring.context_of(*version)));
      BZ_TRY(auto wrapped, provider_->wrap(secret, keyring.context_of(*version)));
      BZ_TRY(auto changed, keyring.rewrap(id, std::move(wrapped)));
      BZ_CHECK(store_->put(changed, random_));
      keyring = std::move(changed);
      ++count;
    }
  }
  // Only now: a crash before this leaves everything readable under one root or the other.
  for (std::uint32_t old = 1; old < fresh.version; ++old) {
    const auto gone = provider_->destroy(old, random_);
    if (!gone && gone.error().code != Errc::NotFound) return tl::unexpected(gone.error());
    if (gone && uses_ != nullptr) BZ_CHECK(uses_->record_root("root.destroy", {fresh.provider, old}));
  }
  return count;
}

Result<std::size_t> CellKeys::rewrap() {
  const std::lock_guard lock(mutex_);
  BZ_CHECK(open());
  return rewrap_all();
}

Result<keys::Keyring> CellKeys::destroy(const keys::KeyringOwner& owner, const std::string& authority) {
  const std::lock_guard lock(mutex_);
  BZ_CHECK(open());
  BZ_TRY(const auto keyring, store_->load(owner));
  auto shredded = keyring;
  // One version a revision.
  for (const auto& version : keyring.versions()) {
    if (version.state == keys::KeyState::Destroyed) continue;
    BZ_CHECK(used("key.destroy", keyring.context_of(version), version.wrapped.root));
    BZ_TRY(auto next, shredded.destroy(version.id, authority, clock_.wall()));
    BZ_CHECK(store_->put(next, random_));
    shredded = std::move(next);
    ++version_;
  }
  if (shredded.revision() == keyring.revision())
    return fail(Errc::FailedPrecondition,
                keyring.versions().empty() ? "this owner has no keys" : "the keys of this owner are destroyed already");
  BZ_CHECK(rewrap_all());
  BZ_LOG(Warn, "keys.destroyed", {"owner", owner.id.to_string()}, {"authority", authority});
  return shredded;
}

}  // namespace bartizan::control
