#include "bartizan/session/server_state.hpp"

#include <utility>

namespace bartizan::session {

bool ServerStatements::has(const SharedStatement& statement, std::uint64_t segment, std::uint64_t since) {
  const auto found = index_.find(statement.key);
  if (found == index_.end()) return false;
  order_.splice(order_.begin(), order_, found->second);
  if (found->second->moment < since) return false;
  return found->second->confirmed || found->second->segment == segment;
}

std::shared_ptr<const SharedStatement> ServerStatements::announce(std::shared_ptr<const SharedStatement> statement,
                                                                  std::uint64_t segment, std::uint64_t moment) {
  const auto key = statement->key;
  if (const auto found = index_.find(key); found != index_.end()) {
    order_.splice(order_.begin(), order_, found->second);
    found->second->segment = segment;
    found->second->moment = moment;
    found->second->confirmed = false;
    return nullptr;
  }
  order_.push_front({std::move(statement), segment, moment, false});
  index_.emplace(key, order_.begin());
  if (order_.size() <= most_) return nullptr;
  auto oldest = std::move(order_.back().statement);
  index_.erase(oldest->key);
  order_.pop_back();
  return oldest;
}

void ServerStatements::confirm(const SharedStatement& statement) {
  if (const auto found = index_.find(statement.key); found != index_.end()) found->second->confirmed = true;
}

void ServerStatements::forget(const SharedStatement& statement, std::uint64_t segment) {
  const auto found = index_.find(statement.key);
  if (found == index_.end() || found->second->segment != segment) return;
  order_.erase(found->second);
  index_.erase(found);
}

std::shared_ptr<const SharedStatement> ServerStatements::take_owed() {
  while (!owed_.empty()) {
    auto statement = std::move(owed_.back());
    owed_.pop_back();
    if (!index_.contains(statement->key)) return statement;  // else it is in use again
  }
  return nullptr;
}

void ServerStatements::forget_all() {
  index_.clear();
  order_.clear();
}

}  // namespace bartizan::session
