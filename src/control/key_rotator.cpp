#include "key_rotator.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "bartizan/base/log.hpp"
#include "bartizan/store/key_events.hpp"
#include "bartizan/store/settings.hpp"
#include "bartizan/store/snapshot_reader.hpp"
#include "depot_cells.hpp"
#include "key_owners.hpp"
#include "setting_specs.hpp"

namespace bartizan::control {
namespace {

constexpr auto kLook = std::chrono::seconds(1);
constexpr auto kRetryAfter = std::chrono::seconds(5);
constexpr auto kConnectDeadline = std::chrono::seconds(20);
/// What a session has sealed before it heard of the new version is at the server by then.
constexpr auto kSettle = std::chrono::seconds(2);

const std::string kActor = "key rotation";

}  // namespace

KeyRotator::~KeyRotator() {
  {
    const std::lock_guard lock(stop_mutex_);
    stopping_ = true;
  }
  stop_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void KeyRotator::start() {
  thread_ = std::thread([this] { run(); });
}

void KeyRotator::wake() noexcept {
  {
    const std::lock_guard lock(stop_mutex_);
    woken_ = true;
  }
  stop_.notify_all();
}

void KeyRotator::run() {
  bool worked = true;
  while (!stopping_) {
    const auto done = look();
    if (!done && worked && !stopping_) BZ_LOG(Error, "keys.rotation_failed", {"reason", done.error().detail});
    worked = done.has_value();
    std::unique_lock lock(stop_mutex_);
    stop_.wait_for(lock, kLook, [this] { return stopping_ || woken_; });
    woken_ = false;
  }
}

void KeyRotator::pace(std::uint64_t cells, std::uint64_t per_second) {
  std::unique_lock lock(stop_mutex_);
  stop_.wait_for(lock, std::chrono::microseconds(cells * 1'000'000 / per_second), [this] { return stopping_.load(); });
}

Result<KeyRotator::Rates> KeyRotator::rates() {
  BZ_TRY(auto transaction, around_.database.begin_read());
  BZ_TRY(const auto values, store::Settings(transaction).list());
  Rates out;
  const auto seconds = [&](std::string_view name) { return std::chrono::seconds(setting_in(values, name)); };
  const auto period = seconds(kRotateAfterSeconds);
  out.policy.period = period.count() == 0 ? std::chrono::microseconds::max() : std::chrono::microseconds(period);
  out.policy.distribution = std::chrono::microseconds(0);  // this gateway is the only one that holds keys
  out.policy.grace = seconds(kGraceSeconds);
  out.cells_per_second = static_cast<std::uint64_t>(setting_in(values, kCellsPerSecond));
  return out;
}

Result<std::vector<policy::Depot>> KeyRotator::depots() {
  BZ_TRY(auto transaction, around_.database.begin_read());
  BZ_TRY(const auto snapshot, store::read_snapshot(transaction));
  std::vector<policy::Depot> out;
  for (const policy::Depot& depot : snapshot->depots())
    if (depot.embedded) out.push_back(depot);
  return out;
}

Result<std::vector<keys::KeyringOwner>> KeyRotator::owners_of_vaults() {
  BZ_TRY(const auto depots, this->depots());
  BZ_TRY(const auto columns, read_encrypted_columns(around_.database));
  std::vector<keys::KeyringOwner> out;
  for (const auto& column : columns) {
    const auto depot = std::ranges::find(depots, column.depot, &policy::Depot::id);
    if (column.token_vaulted && depot != depots.end()) out.push_back(owner_of(*depot));
  }
  return out;
}

Result<void> KeyRotator::look() {
  if (!around_.keys.in_use()) return {};
  BZ_TRY(const auto rates, this->rates());
  BZ_TRY(const auto keyrings, around_.keys.known());
  BZ_TRY(const auto vaults, owners_of_vaults());
  Result<void> failed;
  for (const auto& keyring : *keyrings) {
    // Cells of a vault are in no column that would be counted or sealed again.
    if (std::ranges::find(vaults, keyring.owner()) != vaults.end()) continue;
    // What files lie under is not rotated: fscrypt can't put another key in its place.
    if (keyring.owner().kind == keys::OwnerKind::Storage || around_.keys.is_revoked(keyring.owner())) continue;
    // One owner's trouble, a customer's key that is held back for one, is not the others'.
    if (auto done = advance(keyring, rates); !done && failed) failed = std::move(done);
  }
  return failed;
}

Result<void> KeyRotator::advance(const keys::Keyring& keyring, const Rates& rates) {
  std::vector<keys::KeyUsage> usage;
  for (const auto& [id, one] : retired_)
    if (one.usage) usage.push_back(*one.usage);
  keys::KeyId resealed;
  for (const auto& step : keys::due_steps(keyring, rates.policy, usage, around_.clock.wall())) {
    if (stopping_) return {};
    if (const auto* again = std::get_if<keys::Reencrypt>(&step)) resealed = again->from;
    // It was counted just now, at its end.
    if (const auto* counted = std::get_if<keys::CountUsage>(&step); counted != nullptr && counted->id == resealed)
      continue;
    BZ_CHECK(perform(keyring, step, rates));
  }
  return {};
}

Result<void> KeyRotator::perform(const keys::Keyring& keyring, const keys::KeyStep& step, const Rates& rates) {
  if (const auto* create = std::get_if<keys::CreateVersion>(&step)) {
    // A keyring's first versions are made at their first use; index keys are rotated by order alone.
    if (create->purpose == keys::KeyPurpose::Index || keyring.active(create->purpose) == nullptr) return {};
    if (keyring.pending(keys::KeyPurpose::Index) != nullptr) return {};  // after that
    BZ_CHECK(around_.keys.rotate(keyring.owner()));
    BZ_LOG(Info, "keys.rotated_by_age", {"owner", keyring.owner().id.to_string()});
    return publish_();
  }
  if (const auto* activate = std::get_if<keys::ActivateVersion>(&step)) {
    const auto* const pending = keyring.find(activate->id);
    if (pending->purpose == keys::KeyPurpose::Index && keyring.active(pending->purpose) != nullptr)
      return activate_index(keyring, *pending);
    BZ_CHECK(around_.keys.activate(keyring.owner(), activate->id));
    return publish_();
  }
  keys::KeyId id;
  if (const auto* again = std::get_if<keys::Reencrypt>(&step)) id = again->from;
  if (const auto* counted = std::get_if<keys::CountUsage>(&step)) id = counted->id;
  if (const auto* destroyed = std::get_if<keys::DestroyVersion>(&step)) id = destroyed->id;
  const auto* const version = keyring.find(id);
  if (version == nullptr) return {};
  if (version->purpose == keys::KeyPurpose::Index) return finish_index(keyring, *version);
  auto& retired = retired_[id];
  if (around_.clock.steady() < retired.retry_at) return {};
  auto done = std::holds_alternative<keys::Reencrypt>(step) ? reseal(keyring, *version, rates)
                                                            : count(keyring, *version, rates);
  if (done || stopping_) return {};
  // Not the end of the other keyrings' work.
  retired.retry_at = around_.clock.steady() + kRetryAfter;
  say(id, "tries again", done.error().detail);
  BZ_LOG(Warn, "keys.rotation_step_failed", {"key", id.get()}, {"reason", done.error().detail});
  return {};
}

namespace {

/// As it is declared, of a column or of the twin of one that is on its way to cells. Null: nobody declared it.
const store::EncryptedColumn* declared(const std::vector<store::EncryptedColumn>& columns,
                                       const std::vector<policy::Depot>& depots, const std::string& database,
                                       const CellPosition& position) {
  for (const auto& column : columns) {
    const auto depot = std::ranges::find(depots, column.depot, &policy::Depot::id);
    if (depot == depots.end() || depot->database != database || column.schema != position.schema ||
        column.table != position.table)
      continue;
    const bool twin = column.state == store::ColumnState::Encrypting && twin_of(column.column) == position.column;
    if (column.column == position.column || twin) return &column;
  }
  return nullptr;
}

}  // namespace

Result<void> KeyRotator::survey(const keys::KeyringOwner& owner, keys::KeyId key, Retired& retired) {
  BZ_TRY(const auto depots, this->depots());
  BZ_TRY(const auto columns, read_encrypted_columns(around_.database));
  std::vector<std::string> databases;
  for (const auto& depot : depots) databases.push_back(depot.database);
  std::ranges::sort(databases);
  const auto same = std::ranges::unique(databases);
  databases.erase(same.begin(), same.end());
  keys::KeyUsage usage{key, 0, around_.clock.wall()};
  retired.found.clear();
  retired.columns = 0;
  retired.destroyed = 0;
  for (const auto& database : databases) {
    BZ_TRY(auto connection, around_.runtime.embedded_superuser(database, around_.clock.steady() + kConnectDeadline));
    CellSurvey survey(connection, around_.clock, [this] { return stopping_.load(); });
    BZ_CHECK(survey.prepare());
    BZ_TRY(const auto positions, survey.positions());
    for (const auto& position : positions) {
      const auto* const column = declared(columns, depots, database, position);
      RowKey row_key;
      CellKeys::Subjects subjects;
      if (column != nullptr && column->by_subject) {
        BZ_TRY(row_key, read_row_key(column->row_key));
        BZ_TRY(subjects, around_.keys.subjects_of(owner));
      }
      BZ_TRY(const auto counted, survey.count(position, key, row_key, subjects.get()));
      ++retired.columns;
      usage.cells += counted.cells;
      retired.destroyed += counted.destroyed;
      if (counted.cells > 0) retired.found.push_back({database, position, counted.cells});
    }
  }
  retired.usage = usage;
  {
    const std::lock_guard lock(progress_mutex_);
    auto& progress = progress_[key];
    progress.key = key;
    progress.cells = usage.cells;
    progress.counted_at = usage.counted_at;
  }
  BZ_LOG(Info, "keys.counted", {"key", key.get()}, {"cells", usage.cells}, {"columns", retired.columns},
         {"of_destroyed_subjects", retired.destroyed});
  return {};
}

Result<std::string> KeyRotator::still_used(keys::KeyId key, Retired& retired) {
  BZ_TRY(const auto depots, this->depots());
  const auto now = around_.clock.steady();
  for (const auto& depot : depots) {
    const auto state = around_.holder.find(depot.id);
    if (state == nullptr) continue;
    for (const auto& column : state->cells)
      for (const auto& [owner, keys] : column.keys)
        if (keys != nullptr && keys->active == key) return "not in force yet in depot " + depot.name;
  }
  if (retired.unused_since == SteadyTime{}) {
    for (const auto& depot : depots)
      if (const auto state = around_.holder.find(depot.id)) retired.versions[depot.id] = state->version;
    retired.unused_since = now;
  }
  std::size_t sessions = 0;
  for (const auto& [depot, version] : retired.versions) sessions += around_.holder.entered_before(depot, version);
  if (sessions > 0) return fmt::format("waits for the end of {} sessions from before the rotation", sessions);
  const auto settled = retired.unused_since + kSettle;
  if (now < settled) return std::string("settles");
  for (const auto& depot : depots) {
    BZ_TRY(auto connection, around_.runtime.embedded_superuser(depot.database, now + kConnectDeadline));
    CellSurvey survey(connection, around_.clock, [this] { return stopping_.load(); });
    const auto age = std::chrono::duration_cast<std::chrono::milliseconds>(around_.clock.steady() - settled);
    BZ_TRY(const auto older, survey.transactions_older_than(age));
    if (older > 0) return fmt::format("waits for the end of {} transactions in depot {}", older, depot.name);
  }
  return std::string();
}

Result<void> KeyRotator::count(const keys::Keyring& keyring, const keys::KeyVersion& version, const Rates& rates) {
  auto& retired = retired_[version.id];
  const bool over = around_.clock.wall() >= version.changed_at + rates.policy.grace;
  if (!over) {
    BZ_CHECK(survey(keyring.owner(), version.id, retired));
    say(version.id, retired.usage->cells == 0 ? "kept for its grace" : "to be encrypted again");
    return {};
  }
  // A migration holds the keys that it began with: none may run from here to the destruction.
  const auto still = migrations_.hold_still();
  if (!still) {
    say(version.id, "waits for a migration");
    return {};
  }
  BZ_TRY(auto waits, still_used(version.id, retired));
  if (!waits.empty()) {
    // What can be sealed again meanwhile, is.
    if (!retired.usage || retired.usage->counted_at <= version.changed_at)
      BZ_CHECK(survey(keyring.owner(), version.id, retired));
    say(version.id, std::move(waits));
    return {};
  }
  BZ_CHECK(survey(keyring.owner(), version.id, retired));
  if (retired.usage->cells > 0) {
    say(version.id, "to be encrypted again");
    return {};
  }
  return destroy(keyring, version, retired);
}

Result<void> KeyRotator::destroy(const keys::Keyring& keyring, const keys::KeyVersion& version, Retired& retired) {
  store::KeyDestruction evidence;
  evidence.owner = stored_owner(keyring.owner());
  evidence.key = version.id.get();
  evidence.columns = static_cast<std::int64_t>(retired.columns);
  evidence.cells = 0;
  evidence.counted_at = retired.usage->counted_at;
  evidence.authority = fmt::format("rotation: 0 cells in {} columns", retired.columns);
  if (retired.destroyed > 0)
    evidence.authority += fmt::format(", and {} of destroyed data subjects", retired.destroyed);
  BZ_CHECK(destroy_on(evidence, keyring, version));
  return publish_();
}

/// The evidence is kept before the key goes.
Result<void> KeyRotator::destroy_on(const store::KeyDestruction& evidence, const keys::Keyring& keyring,
                                    const keys::KeyVersion& version) {
  {
    BZ_TRY(auto transaction, around_.database.begin_write({kActor}));
    BZ_CHECK(store::KeyDestructions(transaction).put(evidence));
    BZ_CHECK(transaction.commit());
  }
  BZ_CHECK(around_.keys.destroy_version(keyring.owner(), version.id, evidence.authority));
  retired_.erase(version.id);
  {
    const std::lock_guard lock(progress_mutex_);
    progress_.erase(version.id);
  }
  return {};
}

Result<void> KeyRotator::reseal(const keys::Keyring& keyring, const keys::KeyVersion& from, const Rates& rates) {
  auto& retired = retired_[from.id];
  std::uint64_t before = 0;
  {
    const std::lock_guard lock(progress_mutex_);
    auto& progress = progress_[from.id];
    progress.key = from.id;
    progress.step = "encrypts again";
    progress.done = 0;
    progress.total = before = retired.usage->cells;
  }
  std::string problem;
  for (const auto& found : retired.found) {
    if (auto done = reseal_column(keyring, from.id, found, rates); !done) {
      if (stopping_) return {};
      problem = found.position.shown() + ": " + done.error().detail;
    }
  }
  {
    const std::lock_guard lock(progress_mutex_);
    resealing_.clear();
    progress_[from.id].error = problem;
  }
  BZ_CHECK(survey(keyring.owner(), from.id, retired));
  // No way forward just now: rows that are locked, cells that don't open.
  if (retired.usage->cells > 0 && (retired.usage->cells >= before || !problem.empty()))
    retired.retry_at = around_.clock.steady() + kRetryAfter;
  return {};
}

Result<void> KeyRotator::reseal_column(const keys::Keyring& keyring, keys::KeyId from, const Found& found,
                                       const Rates& rates) {
  BZ_TRY(const auto depots, this->depots());
  BZ_TRY(const auto columns, read_encrypted_columns(around_.database));
  const auto* const known = declared(columns, depots, found.database, found.position);
  if (known == nullptr) return fail(Errc::FailedPrecondition, "cells in a column that is not declared as encrypted");
  const auto& column = *known;
  const auto depot = std::ranges::find(depots, column.depot, &policy::Depot::id);
  const bool theirs =
      column.per_tenant ? keyring.owner().kind == keys::OwnerKind::Tenant : owner_of(*depot) == keyring.owner();
  if (!theirs) return fail(Errc::FailedPrecondition, "cells under another owner's key");
  BZ_TRY(const auto keys,
         around_.keys.keys_of(keyring.owner(), column.id, column.join_domain, column.searchable, column.by_subject));
  auto place = place_of(*depot, column);
  if (column.per_tenant) place.tenant = keyring.owner().id;
  BZ_TRY(auto cipher, transform::ColumnCipher::make(place, cells::clone(*keys)));
  BZ_TRY(auto connection,
         around_.runtime.embedded_superuser(found.database, around_.clock.steady() + kConnectDeadline));
  CellSurvey survey(connection, around_.clock,
                    [this, owner = keyring.owner()] { return stopping_.load() || around_.keys.is_revoked(owner); });
  BZ_CHECK(survey.prepare());
  {
    const std::lock_guard lock(progress_mutex_);
    resealing_ = column.id.to_string();
    done_ = 0;
    total_ = found.cells;
  }
  BZ_TRY(const auto row_key, read_row_key(column.row_key));
  const auto done = survey.reseal(found.position, from, cipher, row_key, around_.random, [&](std::uint64_t cells) {
    {
      const std::lock_guard lock(progress_mutex_);
      done_ += cells;
      progress_[from].done += cells;
    }
    pace(cells, rates.cells_per_second);
  });
  if (!done) return tl::unexpected(done.error());
  BZ_LOG(Info, "keys.resealed", {"column", column.shown()}, {"from", from.get()}, {"cells", done->cells});
  if (done->damaged > 0) return fail(Errc::Crypto, fmt::format("{} cells do not open", done->damaged));
  return {};
}

void KeyRotator::say(keys::KeyId key, std::string step, std::string error) {
  const std::lock_guard lock(progress_mutex_);
  auto& progress = progress_[key];
  progress.key = key;
  progress.step = std::move(step);
  if (!error.empty()) progress.error = std::move(error);
}

std::vector<KeyProgress> KeyRotator::progress() const {
  const std::lock_guard lock(progress_mutex_);
  std::vector<KeyProgress> out;
  for (const auto& [key, one] : progress_) out.push_back(one);
  return out;
}

void KeyRotator::describe(ColumnProgress& one) const {
  const std::lock_guard lock(progress_mutex_);
  if (!one.step.empty() || resealing_ != one.column.id.to_string()) return;
  one.step = "encrypt again";
  one.done = done_;
  one.total = total_;
}

}  // namespace bartizan::control
