#include "bartizan/cells/depot_holder.hpp"

#include <utility>

namespace bartizan::cells {

void DepotHolder::publish(policy::DepotId depot, std::shared_ptr<const EncryptedDepot> state) {
  {
    const std::lock_guard lock(mutex_);
    if (state == nullptr)
      states_.erase(depot);
    else
      states_.insert_or_assign(depot, std::move(state));
  }
  changes_.fetch_add(1, std::memory_order_release);
}

std::shared_ptr<const EncryptedDepot> DepotHolder::find(policy::DepotId depot) const {
  const std::lock_guard lock(mutex_);
  const auto found = states_.find(depot);
  return found == states_.end() ? nullptr : found->second;
}

std::shared_ptr<const EncryptedDepot> DepotHolder::enter(policy::DepotId depot, Stay& stay) {
  std::shared_ptr<const EncryptedDepot> state;
  std::uint64_t generation = 0;
  {
    const std::lock_guard lock(mutex_);
    if (const auto found = states_.find(depot); found != states_.end()) state = found->second;
    generation = state ? state->generation : 0;
    ++stays_[depot][generation];
  }
  stay = Stay(this, depot, generation);
  return state;
}

std::size_t DepotHolder::others_than(policy::DepotId depot, std::uint64_t generation) const {
  const std::lock_guard lock(mutex_);
  std::size_t count = 0;
  if (const auto found = stays_.find(depot); found != stays_.end())
    for (const auto& [of, sessions] : found->second) count += of == generation ? 0 : sessions;
  return count;
}

DepotHolder::Stay& DepotHolder::Stay::operator=(Stay&& other) noexcept {
  if (this == &other) return *this;
  end();
  holder_ = std::exchange(other.holder_, nullptr);
  depot_ = other.depot_;
  generation_ = other.generation_;
  return *this;
}

void DepotHolder::Stay::end() noexcept {
  if (holder_ == nullptr) return;
  const std::lock_guard lock(holder_->mutex_);
  auto& generations = holder_->stays_[depot_];
  if (--generations[generation_] == 0) generations.erase(generation_);
  if (generations.empty()) holder_->stays_.erase(depot_);
  holder_ = nullptr;
}

}  // namespace bartizan::cells
