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
    : folder_(std::move(folder)),
      passphrase_(std::move(passphrase)),
      clock_(clock),
      random_(random),
      custody_(folder_ / "keyrings", clock, random) {}
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

/// A fresh version; activated at once: this gateway is the only one that holds keys.
Result<void> CellKeys::add(keys::Keyring& keyring, keys::KeyPurpose purpose, bool activated) {
  BZ_TRY(const auto id, store_->fresh_id(random_));
  const auto secret = keys::generate_root_secret(random_);
  const keys::WrapContext context{keyring.owner(), id, purpose};
  BZ_TRY(auto wrapped,
         custody_.holds(keyring.owner()) ? custody_.wrap(secret, context) : provider_->wrap(secret, context));
  BZ_CHECK(used("key.create", context, wrapped.root));
  BZ_TRY(auto pending, keyring.add(id, purpose, std::move(wrapped), clock_.wall()));
  BZ_CHECK(store_->put(pending, random_));
  keyring = std::move(pending);
  if (activated) {
    BZ_TRY(auto active, keyring.activate(id, clock_.wall()));
    BZ_CHECK(store_->put(active, random_));
    keyring = std::move(active);
  }
  if (custody_.holds(keyring.owner())) [[maybe_unused]]
    const bool other = custody_.check(keyring, true);
  ++version_;
  BZ_LOG(Info, "keys.version_made", {"key", id.get()}, {"owner", keyring.owner().id.to_string()});
  return {};
}

Result<keys::Keyring> CellKeys::ensured(const keys::KeyringOwner& owner) {
  BZ_CHECK(open());
  BZ_TRY(auto keyring, store_->load(owner));
  if (destroyed(keyring)) return fail(Errc::FailedPrecondition, "the keys of this owner were destroyed");
  for (const auto purpose : {keys::KeyPurpose::Data, keys::KeyPurpose::Index}) {
    if (purpose == keys::KeyPurpose::Index && owner.kind == keys::OwnerKind::Storage) continue;
    if (keyring.active(purpose) != nullptr) continue;
    // A crash may have come before the first was activated.
    const auto pending = std::ranges::find_if(keyring.versions(), [&](const auto& version) {
      return version.purpose == purpose && version.state == keys::KeyState::Pending;
    });
    if (pending == keyring.versions().end()) {
      BZ_CHECK(add(keyring, purpose));
      continue;
    }
    BZ_TRY(auto active, keyring.activate(pending->id, clock_.wall()));
    BZ_CHECK(store_->put(active, random_));
    keyring = std::move(active);
    ++version_;
  }
  return keyring;
}

Result<keys::Keyring> CellKeys::ensure(const keys::KeyringOwner& owner) {
  const std::lock_guard lock(mutex_);
  return ensured(owner);
}

Result<std::shared_ptr<const transform::ColumnKeySet>> CellKeys::keys_of(const keys::KeyringOwner& owner,
                                                                         const Uuid& column, const Uuid& join_domain,
                                                                         bool searchable, bool by_subject) {
  if (is_revoked(owner)) return fail(Errc::PermissionDenied, "the keys of this owner are revoked");
  const std::lock_guard lock(mutex_);
  BZ_TRY(auto keyring, ensured(owner));
  auto out = std::make_shared<transform::ColumnKeySet>();
  if (by_subject) {
    BZ_TRY(out->subjects, subjects_in(keyring));
  }
  for (const auto& version : keyring.versions()) {
    if (version.state == keys::KeyState::Destroyed || version.purpose == keys::KeyPurpose::Subjects) continue;
    BZ_CHECK(used("key.unwrap", keyring.context_of(version), version.wrapped.root));
    auto opened = unwrap(keyring, version);
    // A customer may hold back old versions alone: cells under them stay shut.
    if (!opened && version.state == keys::KeyState::Retired) continue;
    BZ_TRY(auto secret, std::move(opened));
    BZ_TRY(const auto root, keys::KeyringRoot::make(version.id, version.purpose, owner, std::move(secret)));
    if (version.purpose == keys::KeyPurpose::Data) {
      BZ_TRY(auto derived, keys::derive_column_keys(root, column));
      if (version.state == keys::KeyState::Active) out->active = version.id;
      out->readable.push_back(std::move(derived));
    } else if (searchable) {
      BZ_TRY(auto derived, keys::derive_index_key(root, join_domain));
      // A Pending one is asked for before anything has it; a Retired one as long as something may.
      const bool seals = version.state == keys::KeyState::Active;
      out->index.insert(seals ? out->index.begin() : out->index.end(), std::move(derived));
    }
  }
  return std::shared_ptr<const transform::ColumnKeySet>(std::move(out));
}

Result<std::vector<keys::Keyring>> CellKeys::list() {
  const std::lock_guard lock(mutex_);
  BZ_CHECK(open());
  return store_->list();
}

Result<CellKeys::Keyrings> CellKeys::known() {
  const std::lock_guard lock(mutex_);
  BZ_CHECK(open());
  const auto now = version_.load();
  if (known_ != nullptr && known_at_ == now) return known_;
  BZ_TRY(auto keyrings, store_->list());
  known_ = std::make_shared<const std::vector<keys::Keyring>>(std::move(keyrings));
  known_at_ = now;
  return known_;
}

Result<keys::Keyring> CellKeys::rotate(const keys::KeyringOwner& owner) {
  const std::lock_guard lock(mutex_);
  BZ_TRY(auto keyring, ensured(owner));
  if (keyring.pending(keys::KeyPurpose::Index) != nullptr)
    return fail(Errc::FailedPrecondition, "the index key is being rotated, and the data key with it");
  BZ_CHECK(add(keyring, keys::KeyPurpose::Data));
  return keyring;
}

Result<keys::Keyring> CellKeys::rotate_index(const keys::KeyringOwner& owner) {
  const std::lock_guard lock(mutex_);
  BZ_TRY(auto keyring, ensured(owner));
  const bool under_way = std::ranges::any_of(keyring.versions(), [](const auto& version) {
    return version.purpose == keys::KeyPurpose::Index &&
           (version.state == keys::KeyState::Pending || version.state == keys::KeyState::Retired);
  });
  if (under_way) return fail(Errc::FailedPrecondition, "the index key is being rotated already");
  BZ_CHECK(add(keyring, keys::KeyPurpose::Index, false));
  return keyring;
}

void CellKeys::set_revoked(std::set<keys::KeyringOwner> owners) {
  const std::lock_guard lock(revoked_mutex_);
  if (owners == revoked_) return;
  revoked_ = std::move(owners);
  ++version_;
}

bool CellKeys::is_revoked(const keys::KeyringOwner& owner) const {
  const std::lock_guard lock(revoked_mutex_);
  return revoked_.contains(owner);
}

bool CellKeys::in_use() const {
  std::error_code error;
  for (std::filesystem::directory_iterator at(folder_ / "keyrings", error), end; !error && at != end;
       at.increment(error)) {
    const auto name = at->path().filename().native();
    if (name.ends_with(".keyring") && !name.starts_with("storage-")) return true;
  }
  return false;
}

Result<CellKeys::StorageKey> CellKeys::storage_key(const Uuid& storage, std::optional<keys::KeyId> id) {
  const std::lock_guard lock(mutex_);
  const auto owner = keys::KeyringOwner::of_storage(storage);
  BZ_CHECK(open());
  BZ_TRY(const auto keyring, id ? store_->load(owner) : ensured(owner));
  const auto* const version = id ? keyring.find(*id) : keyring.active(keys::KeyPurpose::Data);
  if (version == nullptr || version->state == keys::KeyState::Destroyed)
    return fail(Errc::FailedPrecondition,
                version == nullptr ? "the key store has no key of these files: restore the one that belongs to them"
                                   : "the key of these files was destroyed: they can't be read any more");
  storage_use_ = StorageUse{keyring.context_of(*version), version->wrapped.root};
  BZ_TRY(auto secret, unwrap(keyring, *version));
  BZ_TRY(const auto root, keys::KeyringRoot::make(version->id, version->purpose, owner, std::move(secret)));
  BZ_TRY(auto bytes, keys::derive_storage_key(root));
  return StorageKey{version->id, std::move(bytes)};
}

Result<void> CellKeys::record_storage_use() {
  const std::lock_guard lock(mutex_);
  return storage_use_ ? used("key.unwrap", storage_use_->key, storage_use_->root) : Result<void>();
}

Result<keys::Keyring> CellKeys::activate(const keys::KeyringOwner& owner, keys::KeyId id) {
  const std::lock_guard lock(mutex_);
  BZ_CHECK(open());
  BZ_TRY(const auto keyring, store_->load(owner));
  BZ_TRY(auto active, keyring.activate(id, clock_.wall()));
  BZ_CHECK(store_->put(active, random_));
  ++version_;
  return active;
}

Result<keys::Keyring> CellKeys::destroy_version(const keys::KeyringOwner& owner, keys::KeyId id,
                                                const std::string& authority) {
  const std::lock_guard lock(mutex_);
  BZ_CHECK(open());
  BZ_TRY(const auto keyring, store_->load(owner));
  if (const auto* const version = keyring.find(id))
    BZ_CHECK(used("key.destroy", keyring.context_of(*version), version->wrapped.root));
  BZ_TRY(auto next, keyring.destroy(id, authority, clock_.wall()));
  BZ_CHECK(store_->put(next, random_));
  ++version_;
  BZ_LOG(Info, "keys.version_destroyed", {"key", id.get()}, {"authority", authority});
  return next;
}

Result<bool> CellKeys::bury(const keys::KeyringOwner& owner, const std::vector<keys::KeyId>& ids,
                            const std::string& authority) {
  const std::lock_guard lock(mutex_);
  BZ_CHECK(open());
  BZ_TRY(auto keyring, store_->load(owner));
  std::vector<keys::KeyVersion> tombstones;
  auto all = ids;
  for (const auto& version : keyring.versions())
    if (std::ranges::find(all, version.id) == all.end()) all.push_back(version.id);
  for (const auto id : all) {
    const auto* const version = keyring.find(id);
    if (version != nullptr && version->state == keys::KeyState::Destroyed) continue;
    if (version != nullptr) BZ_CHECK(used("key.destroy", keyring.context_of(*version), version->wrapped.root));
    keys::KeyVersion tombstone;
    tombstone.id = id;
    tombstone.purpose = version == nullptr ? keys::KeyPurpose::Data : version->purpose;
    tombstone.state = keys::KeyState::Destroyed;
    tombstone.created_at = tombstone.changed_at = clock_.wall();
    tombstone.authority = authority;
    tombstones.push_back(std::move(tombstone));
  }
  if (tombstones.empty()) return false;
  BZ_TRY(const auto known, keys::Keyring::restore(owner, keyring.revision(), std::move(tombstones)));
  BZ_TRY(const auto buried, keyring.bury(known));
  BZ_CHECK(store_->put(buried, random_));
  trees_.erase(owner);
  given_.erase(owner);
  ++version_;
  BZ_LOG(Warn, "keys.buried", {"owner", owner.id.to_string()}, {"authority", authority});
  return true;
}

Result<std::size_t> CellKeys::rewrap_all() {
  // Ours alone: customers renew their root keys themselves.
  BZ_TRY(const auto fresh, provider_->rotate(random_));
  if (uses_ != nullptr) BZ_CHECK(uses_->record_root("root.rotate", fresh));
  std::size_t count = 0;
  BZ_TRY(auto keyrings, store_->list());
  for (auto& keyring : keyrings) {
    std::vector<keys::KeyId> ids;
    for (const auto& version : keyring.versions())
      if (version.state != keys::KeyState::Destroyed && version.wrapped.root.provider == kProvider)
        ids.push_back(version.id);
    for (const auto id : ids) {
      const auto* version = keyring.find(id);
      BZ_CHECK(used("key.rewrap", keyring.context_of(*version), version->wrapped.root));
      const auto secret = provider_->unwrap(version->wrapped, keyring.context_of(*version));
      if (!secret && secret.error().code == Errc::NotFound) {
        // Out of an older key store: its root is forgotten, and nothing here makes it worse or better.
        BZ_LOG(Error, "keys.root_forgotten", {"key", id.get()}, {"owner", keyring.owner().id.to_string()});
        continue;
      }
      if (!secret) return tl::unexpected(secret.error());
      BZ_TRY(auto wrapped, provider_->wrap(*secret, keyring.context_of(*version)));
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
  ++version_;
  return count;
}

Result<std::size_t> CellKeys::rewrap() {
  const std::lock_guard lock(mutex_);
  BZ_CHECK(open());
  return rewrap_all();
}

}  // namespace bartizan::control
