#include "bartizan/cells/depot_holder.hpp"

#include <utility>

namespace bartizan::cells {

namespace {

void take_one(std::map<policy::DepotId, std::map<std::uint64_t, std::size_t>>& counts, policy::DepotId depot,
              std::uint64_t of) {
  auto& here = counts[depot];
  if (--here[of] == 0) here.erase(of);
  if (here.empty()) counts.erase(depot);
}

}  // namespace

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
  std::uint64_t version = 0;
  {
    const std::lock_guard lock(mutex_);
    if (const auto found = states_.find(depot); found != states_.end()) state = found->second;
    generation = state ? state->generation : 0;
    version = state ? state->version : 0;
    ++stays_[depot][generation];
    ++entered_[depot][version];
  }
  stay = Stay(this, depot, generation, version);
  return state;
}

std::size_t DepotHolder::others_than(policy::DepotId depot, std::uint64_t generation) const {
  const std::lock_guard lock(mutex_);
  std::size_t count = 0;
  if (const auto found = stays_.find(depot); found != stays_.end())
    for (const auto& [of, sessions] : found->second) count += of == generation ? 0 : sessions;
  return count;
}

std::size_t DepotHolder::entered_before(policy::DepotId depot, std::uint64_t version) const {
  const std::lock_guard lock(mutex_);
  std::size_t count = 0;
  if (const auto found = entered_.find(depot); found != entered_.end())
    for (const auto& [by, sessions] : found->second) count += by < version ? sessions : 0;
  return count;
}

DepotHolder::Stay& DepotHolder::Stay::operator=(Stay&& other) noexcept {
  if (this == &other) return *this;
  end();
  holder_ = std::exchange(other.holder_, nullptr);
  depot_ = other.depot_;
  generation_ = other.generation_;
  entered_ = other.entered_;
  return *this;
}

void DepotHolder::Stay::end() noexcept {
  if (holder_ == nullptr) return;
  const std::lock_guard lock(holder_->mutex_);
  take_one(holder_->stays_, depot_, generation_);
  take_one(holder_->entered_, depot_, entered_);
  holder_ = nullptr;
}

}  // namespace bartizan::cells
