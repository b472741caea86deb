// The part of KeyRotator that is about index keys (ADR 0241). Nothing in a cell names its index key, so the data key
// stands for it: a rotation of the index takes one of the data along, and a cell under a data key from before has
// the old index.
#include <fmt/format.h>

#include <algorithm>

#include "bartizan/base/log.hpp"
#include "bartizan/store/key_events.hpp"
#include "depot_cells.hpp"
#include "key_owners.hpp"
#include "key_rotator.hpp"

namespace bartizan::control {
namespace {

constexpr auto kRetryAfter = std::chrono::seconds(3);

bool has_index(const transform::ColumnKeySet& keys, keys::KeyId id) {
  return std::ranges::any_of(keys.index, [&](const auto& one) { return one.id == id; });
}

}  // namespace

/// Empty: every session asks for both indexes by now, and only then may there be cells that have the new one alone.
Result<std::string> KeyRotator::not_asked_yet(const keys::KeyringOwner& owner, keys::KeyId index) {
  BZ_TRY(const auto depots, this->depots());
  for (const auto& depot : depots) {
    const auto state = around_.holder.find(depot.id);
    if (state == nullptr) continue;
    for (const auto& column : state->cells)
      for (const auto& [under, keys] : column.keys) {
        const bool theirs =
            column.per_tenant ? owner == keys::KeyringOwner::of_tenant(under) : owner_of(depot) == owner;
        if (theirs && keys != nullptr && !keys->index.empty() && !has_index(*keys, index))
          return "not in force yet in depot " + depot.name;
      }
    const auto sessions = around_.holder.others_than(depot.id, state->generation);
    if (sessions > 0) return fmt::format("waits for the end of {} sessions of depot {}", sessions, depot.name);
  }
  return std::string();
}

Result<void> KeyRotator::activate_index(const keys::Keyring& keyring, const keys::KeyVersion& pending) {
  BZ_TRY(auto waits, not_asked_yet(keyring.owner(), pending.id));
  if (!waits.empty()) {
    say(pending.id, std::move(waits));
    return {};
  }
  // Broken off in between, the retired index is met without a data key of after it, and that is made up for.
  BZ_CHECK(around_.keys.activate(keyring.owner(), pending.id));
  BZ_CHECK(around_.keys.rotate(keyring.owner()));
  {
    const std::lock_guard lock(progress_mutex_);
    progress_.erase(pending.id);
  }
  return publish_();
}

/// The old index goes when no cell can have it any more.
Result<void> KeyRotator::finish_index(const keys::Keyring& keyring, const keys::KeyVersion& version) {
  auto& old = retired_[version.id];
  if (around_.clock.steady() < old.retry_at) return {};
  old.retry_at = around_.clock.steady() + kRetryAfter;
  const auto versions = keyring.versions();
  const auto* const active = keyring.active(keys::KeyPurpose::Index);
  const auto* const seals = keyring.active(keys::KeyPurpose::Data);
  if (active == nullptr || seals == nullptr) return {};
  // By their order, not by clocks: while an index is Pending no data version is made.
  const auto place = [&](keys::KeyId id) { return std::ranges::find(versions, id, &keys::KeyVersion::id); };
  const auto since = place(active->id);
  if (place(seals->id) < since) {
    BZ_CHECK(around_.keys.rotate(keyring.owner()));
    return publish_();
  }
  std::size_t columns = 0;
  std::optional<WallTime> counted;
  const auto still = migrations_.hold_still();
  for (auto at = versions.begin(); at != since; ++at) {
    if (at->purpose != keys::KeyPurpose::Data || at->state == keys::KeyState::Destroyed) continue;
    auto& data = retired_[at->id];
    if (!data.usage || data.usage->cells > 0) {
      say(version.id, fmt::format("waits for the cells under key {}", at->id.get()));
      return {};
    }
    if (!still) {
      say(version.id, "waits for a migration");
      return {};
    }
    BZ_TRY(auto waits, still_used(at->id, data));
    if (!waits.empty()) {
      say(version.id, std::move(waits));
      return {};
    }
    BZ_CHECK(survey(keyring.owner(), at->id, data));
    if (data.usage->cells > 0) return {};
    columns = data.columns;
    counted = data.usage->counted_at;
  }
  return destroy_index(keyring, version, columns, counted);
}

Result<void> KeyRotator::destroy_index(const keys::Keyring& keyring, const keys::KeyVersion& version,
                                       std::size_t columns, std::optional<WallTime> counted) {
  store::KeyDestruction evidence;
  evidence.owner = stored_owner(keyring.owner());
  evidence.key = version.id.get();
  evidence.columns = static_cast<std::int64_t>(columns);
  evidence.cells = 0;
  // Without a data key of before it, each of those went on a count of its own.
  evidence.counted_at = counted ? *counted : around_.clock.wall();
  evidence.authority = "rotation of the index: 0 cells under data keys of before it";
  BZ_CHECK(destroy_on(evidence, keyring, version));
  BZ_LOG(Info, "keys.index_rotated", {"owner", keyring.owner().id.to_string()}, {"old", version.id.get()});
  return publish_();
}

}  // namespace bartizan::control
