// One depot's server connections, counted over all workers and pools of this gateway.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <unordered_map>
#include <utility>
#include <vector>

#include "bartizan/base/clock.hpp"
#include "bartizan/policy/model.hpp"
#include "bartizan/session/depot_traits.hpp"

namespace bartizan::proxy {

/// Thread-safe. Workers that wait are told when a place is given back.
class ServerBudget {
 public:
  using Wake = std::function<void()>;  ///< called from any thread, under no lock of the caller

  /// 0: no limit.
  void set_limit(std::uint32_t limit) {
    {
      const std::lock_guard lock(mutex_);
      if (limit_ == limit) return;
      limit_ = limit;
    }
    wake_all();
  }
  void set_workers(std::uint32_t workers) {
    const std::lock_guard lock(mutex_);
    workers_ = std::max(1u, workers);
  }

  /// False: no place for this worker, which waits for one from here on, until it takes one or withdraws; wake
  /// is called when one may be free. Those who wait come first: else the worker that yields a place, and is
  /// quicker, takes it again.
  [[nodiscard]] bool take(std::uint32_t worker, const Wake& wake) {
    bool more = false;
    {
      const std::lock_guard lock(mutex_);
      if (limit_ != 0 && (used_ >= limit_ || another_comes_first(worker))) {
        auto& waiting = waiting_[worker];
        if (waiting.turn == 0) waiting.turn = ++turns_;
        waiting.wake = wake;
        contended_.store(true, std::memory_order_relaxed);
        return false;
      }
      ++used_;
      ++by_worker_[worker];
      waiting_.erase(worker);
      contended_.store(!waiting_.empty(), std::memory_order_relaxed);
      more = !waiting_.empty() && used_ < limit_;
    }
    if (more) wake_all();
    return true;
  }
  /// It has no use for a place any more.
  void withdraw(std::uint32_t worker) {
    {
      const std::lock_guard lock(mutex_);
      if (waiting_.erase(worker) == 0) return;
      contended_.store(!waiting_.empty(), std::memory_order_relaxed);
      if (limit_ != 0 && used_ >= limit_) return;
    }
    wake_all();
  }
  /// Without waiting for one.
  [[nodiscard]] bool try_take(std::uint32_t worker) {
    const std::lock_guard lock(mutex_);
    if (limit_ != 0 && used_ >= limit_) return false;
    ++used_;
    ++by_worker_[worker];
    return true;
  }
  void give_back(std::uint32_t worker) {
    {
      const std::lock_guard lock(mutex_);
      --used_;
      --by_worker_[worker];
    }
    wake_all();
  }
  /// Whether this worker, which has a connection free now, should rather close it: another waits
  /// and has less than its share. Bounded in rate where there are fewer places than workers.
  [[nodiscard]] bool should_yield(std::uint32_t worker, SteadyTime now) {
    const std::lock_guard lock(mutex_);
    if (limit_ == 0 || used_ < limit_) return false;
    const bool other_waits =
        std::any_of(waiting_.begin(), waiting_.end(), [&](const auto& w) { return w.first != worker; });
    if (!other_waits) return false;
    if (by_worker_[worker] > (limit_ + workers_ - 1) / workers_) return true;
    if (limit_ >= workers_ || now - yielded_at_ < std::chrono::milliseconds(100)) return false;
    yielded_at_ = now;
    return true;
  }
  /// Whether this worker should close a connection that has been idle so long, for another that
  /// waits. One that is between two transactions stays: what opens in its place costs a handshake.
  [[nodiscard]] bool should_give_up(std::uint32_t worker, SteadyTime::duration idle_for) {
    const std::lock_guard lock(mutex_);
    if (idle_for >= kSpare || by_worker_[worker] > (limit_ + workers_ - 1) / workers_) return true;
    return std::any_of(waiting_.begin(), waiting_.end(),
                       [&](const auto& w) { return w.first != worker && by_worker_[w.first] == 0; });
  }
  [[nodiscard]] bool holds_some(std::uint32_t worker) {
    const std::lock_guard lock(mutex_);
    return by_worker_[worker] > 0;
  }
  /// Some worker waits for a place.
  [[nodiscard]] bool contended() const noexcept { return contended_.load(std::memory_order_relaxed); }
  /// Connections that no session uses, over all workers.
  void count_idle(int change) noexcept { idle_.fetch_add(change, std::memory_order_relaxed); }
  [[nodiscard]] int idle() const noexcept { return idle_.load(std::memory_order_relaxed); }
  [[nodiscard]] std::uint32_t used() const {
    const std::lock_guard lock(mutex_);
    return used_;
  }

  /// Some session of this identity has asked for currval or lastval: those of its sessions that write keep
  /// their server connection from then on. Lives as long as the budget.
  [[nodiscard]] std::atomic<bool>& sequences_matter_to(policy::IdentityId identity) {
    const std::lock_guard lock(mutex_);
    return sequences_matter_to_[identity.get()];
  }
  session::DepotTraits traits;

 private:
  static constexpr auto kSpare = std::chrono::milliseconds(100);

  /// Another waits that holds less, or that holds no more and has come before. Under the lock.
  [[nodiscard]] bool another_comes_first(std::uint32_t worker) {
    if (waiting_.empty()) return false;
    const auto own = waiting_.find(worker);
    const auto held = by_worker_[worker];
    return std::ranges::any_of(waiting_, [&](const auto& other) {
      if (other.first == worker) return false;
      const auto others = by_worker_[other.first];
      return others < held || (others == held && (own == waiting_.end() || other.second.turn < own->second.turn));
    });
  }

  void wake_all() {
    std::vector<Wake> wakes;
    {
      const std::lock_guard lock(mutex_);
      for (auto& [worker, waiting] : waiting_)
        if (waiting.wake) wakes.push_back(std::exchange(waiting.wake, nullptr));
    }
    for (const auto& wake : wakes) wake();
  }

  struct Waiting {
    Wake wake;  ///< null: it was woken, and has not asked again yet
    std::uint64_t turn = 0;
  };

  mutable std::mutex mutex_;
  std::uint32_t limit_ = 0;
  std::uint32_t workers_ = 1;
  std::uint32_t used_ = 0;
  std::map<std::uint32_t, std::uint32_t> by_worker_;
  std::map<std::uint32_t, Waiting> waiting_;
  std::uint64_t turns_ = 0;
  SteadyTime yielded_at_{};
  std::unordered_map<Uuid, std::atomic<bool>> sequences_matter_to_;  // node-based: references stay valid
  std::atomic<bool> contended_{false};
  std::atomic<int> idle_{0};
};

/// The budgets of all depots; they live as long as the gateway. Thread-safe.
class ServerBudgets {
 public:
  [[nodiscard]] ServerBudget& of(policy::DepotId depot) {
    const std::lock_guard lock(mutex_);
    return budgets_[depot.get()];
  }

 private:
  std::mutex mutex_;
  std::unordered_map<Uuid, ServerBudget> budgets_;  // node-based: references stay valid
};

}  // namespace bartizan::proxy
