// Where the newest EncryptedDepot of each depot is found, and which sessions still work by an older
// one: before a column changes its form, those have to be gone. How proxy and control meet over keys.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>

#include "bartizan/base/uuid.hpp"
#include "bartizan/cells/encrypted_depot.hpp"
#include "bartizan/policy/model.hpp"

namespace bartizan::cells {

/// Thread-safe; outlives its readers.
class DepotHolder {
 public:
  /// null: the depot has no encrypted column.
  void publish(policy::DepotId depot, std::shared_ptr<const EncryptedDepot> state);
  [[nodiscard]] std::shared_ptr<const EncryptedDepot> find(policy::DepotId depot) const;
  /// Rises with each publication: cheap to ask.
  [[nodiscard]] std::uint64_t changes() const noexcept { return changes_.load(std::memory_order_acquire); }

  /// A session that has signed in by a state (0: by none) counts until its Stay ends.
  class Stay {
   public:
    Stay() = default;
    Stay(DepotHolder* holder, policy::DepotId depot, std::uint64_t generation, std::uint64_t entered)
        : holder_(holder), depot_(depot), generation_(generation), entered_(entered) {}
    Stay(Stay&& other) noexcept
        : holder_(other.holder_), depot_(other.depot_), generation_(other.generation_), entered_(other.entered_) {
      other.holder_ = nullptr;
    }
    Stay& operator=(Stay&& other) noexcept;
    Stay(const Stay&) = delete;
    Stay& operator=(const Stay&) = delete;
    ~Stay() { end(); }
    [[nodiscard]] std::uint64_t generation() const noexcept { return generation_; }

   private:
    void end() noexcept;
    DepotHolder* holder_ = nullptr;
    policy::DepotId depot_;
    std::uint64_t generation_ = 0;
    std::uint64_t entered_ = 0;  ///< the version that it signed in by
  };
  /// The state and the session's place by it, as one step.
  [[nodiscard]] std::shared_ptr<const EncryptedDepot> enter(policy::DepotId depot, Stay& stay);
  /// How many sessions of a depot work by another generation.
  [[nodiscard]] std::size_t others_than(policy::DepotId depot, std::uint64_t generation) const;
  /// How many sessions of a depot have signed in by a version before this one: what they have prepared may
  /// hold constants that were sealed under keys of then.
  [[nodiscard]] std::size_t entered_before(policy::DepotId depot, std::uint64_t version) const;

  /// Tables may have been made or changed: the catalog should be read again soon. The number of this wish.
  std::uint64_t ask_to_look() noexcept { return asked_.fetch_add(1, std::memory_order_acq_rel) + 1; }
  /// What stood in the catalogs at wishes up to this one is published.
  void looked(std::uint64_t through) noexcept { looked_.store(through, std::memory_order_release); }
  [[nodiscard]] std::uint64_t looked() const noexcept { return looked_.load(std::memory_order_acquire); }
  [[nodiscard]] std::uint64_t asked() const noexcept { return asked_.load(std::memory_order_acquire); }

 private:
  friend class Stay;
  mutable std::mutex mutex_;
  std::map<policy::DepotId, std::shared_ptr<const EncryptedDepot>> states_;
  std::map<policy::DepotId, std::map<std::uint64_t, std::size_t>> stays_;    // by generation
  std::map<policy::DepotId, std::map<std::uint64_t, std::size_t>> entered_;  // by version
  std::atomic<std::uint64_t> changes_{1};
  std::atomic<std::uint64_t> asked_{0};
  std::atomic<std::uint64_t> looked_{0};
};

}  // namespace bartizan::cells
