// What follows from a rotation, in the background: cells are sealed again under the new version, counted,
// and the old version is destroyed when nothing uses it. keys::due_steps says what is next; whatever is
// broken off is found again by looking, since keyring and cells alone say how far it came (ADR 0170).
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "bartizan/control/cell_keeper.hpp"
#include "bartizan/keys/plan.hpp"
#include "bartizan/store/key_events.hpp"
#include "cell_survey.hpp"
#include "column_migrations.hpp"

namespace bartizan::control {

/// Thread-safe. Owns a thread from start() to its destructor. Everything outlives it.
class KeyRotator {
 public:
  KeyRotator(const CellSurroundings& around, ColumnMigrations& migrations, std::function<Result<void>()> publish)
      : around_(around), migrations_(migrations), publish_(std::move(publish)) {}
  KeyRotator(const KeyRotator&) = delete;
  KeyRotator& operator=(const KeyRotator&) = delete;
  ~KeyRotator();

  void start();
  /// Looks at once.
  void wake() noexcept;
  [[nodiscard]] std::vector<KeyProgress> progress() const;
  /// How far the column's cells are, should they be sealed again just now.
  void describe(ColumnProgress& one) const;

 private:
  /// Cells under one key in one column.
  struct Found {
    std::string database;
    CellPosition position;
    std::uint64_t cells = 0;
  };
  /// What is known of a retired version; lost with the process, and then counted again.
  struct Retired {
    std::optional<keys::KeyUsage> usage;
    std::size_t columns = 0;    ///< that were counted, cells or none
    std::uint64_t destroyed = 0;  ///< cells of destroyed data subjects: they stay as they are, and keep no key
    std::vector<Found> found;   ///< with cells
    SteadyTime retry_at{};
    SteadyTime unused_since{};  ///< no published depot seals by it any more
    std::map<policy::DepotId, std::uint64_t> versions;  ///< of the depots then
  };
  struct Rates {
    keys::RotationPolicy policy;
    std::uint64_t cells_per_second = 1;
  };

  void run();
  Result<void> look();
  Result<Rates> rates();
  Result<void> advance(const keys::Keyring& keyring, const Rates& rates);
  Result<void> perform(const keys::Keyring& keyring, const keys::KeyStep& step, const Rates& rates);
  Result<void> count(const keys::Keyring& keyring, const keys::KeyVersion& version, const Rates& rates);
  Result<void> survey(const keys::KeyringOwner& owner, keys::KeyId key, Retired& retired);
  Result<void> destroy(const keys::Keyring& keyring, const keys::KeyVersion& version, Retired& retired);
  Result<void> destroy_on(const store::KeyDestruction& evidence, const keys::Keyring& keyring,
                          const keys::KeyVersion& version);
  Result<void> reseal(const keys::Keyring& keyring, const keys::KeyVersion& from, const Rates& rates);
  Result<void> reseal_column(const keys::Keyring& keyring, keys::KeyId from, const Found& found, const Rates& rates);
  /// Empty: nobody can seal under it any more. Else what is waited for.
  Result<std::string> still_used(keys::KeyId key, Retired& retired);
  Result<std::string> not_asked_yet(const keys::KeyringOwner& owner, keys::KeyId index);
  Result<void> activate_index(const keys::Keyring& keyring, const keys::KeyVersion& pending);
  Result<void> finish_index(const keys::Keyring& keyring, const keys::KeyVersion& version);
  Result<void> destroy_index(const keys::Keyring& keyring, const keys::KeyVersion& version, std::size_t columns,
                             std::optional<WallTime> counted);
  Result<std::vector<policy::Depot>> depots();
  Result<std::vector<keys::KeyringOwner>> owners_of_vaults();
  void say(keys::KeyId key, std::string step, std::string error = {});
  void pace(std::uint64_t cells, std::uint64_t per_second);

  const CellSurroundings around_;
  ColumnMigrations& migrations_;
  const std::function<Result<void>()> publish_;
  std::map<keys::KeyId, Retired> retired_;  // the thread's own

  mutable std::mutex progress_mutex_;
  std::map<keys::KeyId, KeyProgress> progress_;
  std::string resealing_;  // the column that is
  std::uint64_t done_ = 0;
  std::uint64_t total_ = 0;

  std::mutex stop_mutex_;
  std::condition_variable stop_;
  std::atomic<bool> stopping_ = false;
  bool woken_ = false;
  std::thread thread_;
};

}  // namespace bartizan::control
