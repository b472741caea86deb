#include "bartizan/session/prepared_names.hpp"

namespace bartizan::session {

const Prepared& PreparedNames::find(std::string_view name) const {
  static const Prepared none;
  if (name.empty()) return unnamed_;
  const auto found = named_.find(name);
  return found == named_.end() ? none : found->second;
}

bool PreparedNames::put(std::string_view name, Prepared statement) {
  if (name.empty()) {
    unnamed_ = std::move(statement);
    return true;
  }
  if (const auto found = named_.find(name); found != named_.end()) {
    found->second = std::move(statement);
    return true;
  }
  if (named_.size() >= kMaxNames) return false;
  named_.emplace(std::string(name), std::move(statement));
  return true;
}

void PreparedNames::erase(std::string_view name) {
  if (name.empty()) {
    unnamed_ = {};
  } else if (const auto found = named_.find(name); found != named_.end()) {
    named_.erase(found);
  }
}

}  // namespace bartizan::session
