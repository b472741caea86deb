#include "bartizan/session/prepared_names.hpp"

#include <utility>

namespace bartizan::session {

void PreparedNames::announce(std::string_view name, const Prepared& statement, std::uint64_t segment) {
  if (name.size() > kMaxNameBytes) return;
  Announced& announced = name.empty() ? unnamed_announced_ : announced_.try_emplace(std::string(name)).first->second;
  announced.newest = statement;
  announced.segment = segment;
  ++announced.count;
}

void PreparedNames::settle(std::string_view name) {
  if (name.empty()) {
    if (--unnamed_announced_.count == 0) unnamed_announced_ = {};
    return;
  }
  const auto found = announced_.find(name);
  if (found != announced_.end() && --found->second.count == 0) announced_.erase(found);
}

std::optional<Prepared> PreparedNames::find(std::string_view name, std::uint64_t segment) const {
  const Announced* announced = name.empty() ? &unnamed_announced_ : nullptr;
  if (!name.empty())
    if (const auto found = announced_.find(name); found != announced_.end()) announced = &found->second;
  if (announced != nullptr && announced->count > 0) {
    if (announced->segment != segment) return std::nullopt;
    return announced->newest;
  }
  if (name.empty()) return unnamed_;
  const auto found = named_.find(name);
  return found == named_.end() ? Prepared{} : found->second;
}

void PreparedNames::put(std::string_view name, Prepared statement) {
  if (name.empty()) {
    unnamed_ = std::move(statement);
  } else if (const auto found = named_.find(name); found != named_.end()) {
    found->second = std::move(statement);
  } else if (name.size() <= kMaxNameBytes && named_.size() < kMaxNames) {
    named_.emplace(std::string(name), std::move(statement));
  }
}

void PreparedNames::erase(std::string_view name) {
  if (name.empty()) {
    unnamed_ = {};
  } else if (const auto found = named_.find(name); found != named_.end()) {
    named_.erase(found);
  }
}

}  // namespace bartizan::session
