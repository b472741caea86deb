// The keys of sealed values on disk, so that they can be destroyed: one file of slots and one of its key for each
// tree and month (docs/formats/audit-log.md, "Sealed values"). Not part of any tree, and not to be kept in backups.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "bartizan/audit/sealing.hpp"

namespace bartizan::auditlog {

/// Thread-safe. Slots are written and synced by a thread of its own, within kFlushEvery: a process that dies before
/// leaves values that nobody can open, never a slot that is used twice.
class SlotStore final : public audit::Sealer {
 public:
  static constexpr std::chrono::milliseconds kFlushEvery{50};

  /// directory is made if need be. root wraps the months' keys.
  [[nodiscard]] static Result<std::unique_ptr<SlotStore>> open(std::string directory, crypto::SealingKey root,
                                                               Random& random = system_random());
  ~SlotStore() override;
  SlotStore(const SlotStore&) = delete;
  SlotStore& operator=(const SlotStore&) = delete;

  /// Blocks for a sync once a month of each tree.
  [[nodiscard]] Result<std::string> seal(std::string_view tenant, std::string_view members, WallTime at) override;
  /// NotFound once it was erased.
  [[nodiscard]] Result<std::string> open_value(const audit::Sealed& sealed);

  /// Durable when they return. NotFound when there was nothing to erase.
  [[nodiscard]] Result<void> erase_slot(const audit::Slot& slot);
  [[nodiscard]] Result<void> erase_month(const std::string& tree, const std::string& month);
  [[nodiscard]] Result<unsigned> erase_tree(const std::string& tree);  ///< how many months

 private:
  struct Month;
  using Name = std::pair<std::string, std::string>;  // tree, month

  SlotStore(std::string directory, crypto::SealingKey root, Random& random);
  [[nodiscard]] std::string path(const Name& name, std::string_view suffix) const;
  [[nodiscard]] Result<Month*> month_of(const Name& name, bool make);
  [[nodiscard]] Result<void> flush();
  [[nodiscard]] Result<void> erase_month_locked(const Name& name);
  void run();

  const std::string directory_;
  const crypto::SealingKey root_;
  Random& random_;
  std::mutex io_mutex_;  // taken before mutex_: who reads, erases and writes slots
  std::mutex mutex_;
  std::condition_variable wake_;
  std::map<Name, std::unique_ptr<Month>> months_;  // guarded by mutex_
  bool dirty_ = false;                             // guarded by mutex_
  bool stopping_ = false;                          // guarded by mutex_
  std::thread thread_;
};

}  // namespace bartizan::auditlog
