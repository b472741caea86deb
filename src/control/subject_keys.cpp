// The part of CellKeys that is about the trees of data subjects (docs/formats/subject-tree.md).
#include <algorithm>

#include "bartizan/base/log.hpp"
#include "bartizan/control/cell_keys.hpp"
#include "bartizan/vault/private_file.hpp"

namespace bartizan::control {
namespace {

/// A header, kMaxDestroyedSubjects ids, and the nodes beside their paths.
constexpr std::size_t kMaxTreeBytes = 512 + keys::kMaxDestroyedSubjects * (8 + keys::kSubjectLevels * keys::kKeyBytes);

bool of_subjects(const keys::KeyVersion& version) { return version.purpose == keys::KeyPurpose::Subjects; }

}  // namespace

std::filesystem::path CellKeys::tree_file(const keys::KeyringOwner& owner) const {
  const std::string kind = owner.kind == keys::OwnerKind::Tenant ? "tenant-" : "depot-";
  return folder_ / "keyrings" / ("subjects-" + kind + owner.id.to_string() + ".tree");
}

/// nullopt: there is no file.
Result<std::optional<CellKeys::StoredTree>> CellKeys::stored_tree(const keys::Keyring& keyring) {
  const auto& owner = keyring.owner();
  const auto content = vault::read_private_file(tree_file(owner), kMaxTreeBytes);
  if (!content && content.error().code == Errc::NotFound) return std::optional<StoredTree>();
  if (!content) return tl::unexpected(content.error());
  BZ_TRY(const auto id, keys::key_of_subject_tree(content->reveal(), owner));
  const auto* const version = keyring.find(id);
  if (version == nullptr || !of_subjects(*version) || version->state == keys::KeyState::Destroyed)
    return fail(Errc::FailedPrecondition,
                "the tree of data subjects is of another time than its keyring: put today's key store back");
  // A customer's provider is asked each time: whoever holds the root says whether it is to be used.
  BZ_CHECK(used("key.unwrap", keyring.context_of(*version), version->wrapped.root));
  BZ_TRY(auto secret, unwrap(keyring, *version));
  if (const auto known = trees_.find(owner); known != trees_.end() && known->second.key == id)
    return std::optional(known->second);
  BZ_TRY(const auto root, keys::KeyringRoot::make(id, version->purpose, owner, std::move(secret)));
  BZ_TRY(auto tree, keys::open_subject_tree(content->reveal(), root));
  const StoredTree read{id, std::make_shared<const keys::SubjectTree>(std::move(tree))};
  trees_.insert_or_assign(owner, read);
  return std::optional(read);
}

/// What is ordered counts from the order on, also where it could not be carried out yet.
Result<CellKeys::Subjects> CellKeys::without_ordered(const keys::KeyringOwner& owner, const StoredTree& stored) {
  const auto ordered = ordered_.find(owner);
  if (ordered == ordered_.end() ||
      std::ranges::all_of(ordered->second, [&](const auto id) { return stored.tree->is_destroyed(id); }))
    return stored.tree;
  const auto known = given_.find(owner);
  if (known != given_.end() && known->second.key == stored.key &&
      std::ranges::all_of(ordered->second, [&](const auto id) { return known->second.tree->is_destroyed(id); }))
    return known->second.tree;
  BZ_TRY(auto tree, stored.tree->puncture(ordered->second));
  const StoredTree given{stored.key, std::make_shared<const keys::SubjectTree>(std::move(tree))};
  given_.insert_or_assign(owner, given);
  return given.tree;
}

/// What the file names is Active, and nothing else of that purpose is left. Whether anything had to be done.
Result<bool> CellKeys::settle_tree(keys::Keyring& keyring, keys::KeyId key, const std::string& authority) {
  bool changed = false;
  const auto* const named = keyring.find(key);
  if (named != nullptr && named->state == keys::KeyState::Pending) {
    BZ_TRY(auto active, keyring.activate(key, clock_.wall()));
    BZ_CHECK(store_->put(active, random_));
    keyring = std::move(active);
    changed = true;
  }
  std::vector<keys::KeyId> others;
  for (const auto& version : keyring.versions())
    if (of_subjects(version) && version.id != key && version.state != keys::KeyState::Destroyed)
      others.push_back(version.id);
  for (const auto id : others) {
    const auto* const version = keyring.find(id);
    BZ_CHECK(used("key.destroy", keyring.context_of(*version), version->wrapped.root));
    BZ_TRY(auto next, keyring.destroy(id, authority, clock_.wall()));
    BZ_CHECK(store_->put(next, random_));
    keyring = std::move(next);
    changed = true;
  }
  if (changed) ++version_;
  return changed;
}

/// New version, file, former version: after a crash between any two of them the file says which version counts.
Result<void> CellKeys::replace_tree(keys::Keyring& keyring, const keys::SubjectTree& tree,
                                    const std::string& authority) {
  BZ_CHECK(add(keyring, keys::KeyPurpose::Subjects, false));
  const auto& version = keyring.versions().back();
  const auto id = version.id;
  BZ_TRY(auto secret, unwrap(keyring, version));
  BZ_TRY(const auto root, keys::KeyringRoot::make(id, version.purpose, keyring.owner(), std::move(secret)));
  BZ_TRY(const auto record, keys::seal_subject_tree(tree, root, random_));
  BZ_CHECK(vault::write_private_file(tree_file(keyring.owner()), record, vault::Replace::Yes, random_));
  trees_.erase(keyring.owner());
  given_.erase(keyring.owner());
  BZ_CHECK(settle_tree(keyring, id, authority));
  ++version_;
  return {};
}

Result<CellKeys::Subjects> CellKeys::subjects_in(keys::Keyring& keyring) {
  BZ_TRY(auto stored, stored_tree(keyring));
  if (!stored) {
    // A second tree in place of a lost one would bring those back that the first one had lost.
    const bool lost = std::ranges::any_of(keyring.versions(), [](const auto& version) {
      return of_subjects(version) && version.state != keys::KeyState::Pending;
    });
    if (lost) return fail(Errc::FailedPrecondition, "the tree of data subjects is missing: put today's key store back");
    BZ_CHECK(replace_tree(keyring, keys::SubjectTree::generate(random_), "a first tree that was not finished"));
    BZ_TRY(stored, stored_tree(keyring));
    if (!stored) return fail(Errc::Io, "the tree of data subjects is not there");
  } else {
    BZ_CHECK(settle_tree(keyring, stored->key, "replaced by key " + std::to_string(stored->key.get())));
  }
  return without_ordered(keyring.owner(), *stored);
}

Result<CellKeys::Subjects> CellKeys::subjects_of(const keys::KeyringOwner& owner) {
  if (is_revoked(owner)) return fail(Errc::PermissionDenied, "the keys of this owner are revoked");
  const std::lock_guard lock(mutex_);
  BZ_TRY(auto keyring, ensured(owner));
  return subjects_in(keyring);
}

Result<CellKeys::Subjects> CellKeys::find_subjects(const keys::KeyringOwner& owner) {
  const std::lock_guard lock(mutex_);
  BZ_CHECK(open());
  BZ_TRY(const auto keyring, store_->load(owner));
  if (std::ranges::none_of(keyring.versions(), [](const auto& version) {
        return of_subjects(version) && version.state != keys::KeyState::Destroyed;
      }))
    return Subjects();
  BZ_TRY(const auto stored, stored_tree(keyring));
  return stored ? stored->tree : Subjects();
}

void CellKeys::set_destroyed_subjects(std::map<keys::KeyringOwner, std::vector<keys::SubjectId>> ordered) {
  const std::lock_guard lock(mutex_);
  if (ordered == ordered_) return;
  ordered_ = std::move(ordered);
  ++version_;
}

Result<bool> CellKeys::puncture(const keys::KeyringOwner& owner, const std::vector<keys::SubjectId>& ids,
                                const std::string& authority) {
  const std::lock_guard lock(mutex_);
  BZ_CHECK(open());
  BZ_TRY(auto keyring, store_->load(owner));
  if (std::ranges::none_of(keyring.versions(), [](const auto& version) {
        return of_subjects(version) && version.state != keys::KeyState::Destroyed;
      }))
    return false;
  BZ_TRY(const auto stored, stored_tree(keyring));
  if (!stored)
    return fail(Errc::FailedPrecondition, "the tree of data subjects is missing: put today's key store back");
  if (std::ranges::all_of(ids, [&](const auto id) { return stored->tree->is_destroyed(id); }))
    return settle_tree(keyring, stored->key, authority);
  BZ_TRY(const auto tree, stored->tree->puncture(ids));
  BZ_CHECK(replace_tree(keyring, tree, authority));
  BZ_LOG(Warn, "keys.subjects_destroyed", {"owner", owner.id.to_string()}, {"subjects", ids.size()},
         {"authority", authority});
  return true;
}

}  // namespace bartizan::control
