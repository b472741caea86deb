#include "search_path.hpp"

#include <algorithm>

namespace bartizan::session {

namespace {

void append_identifier(std::string& out, std::string_view name) {
  const auto plain = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'; };
  if (!name.empty() && !(name.front() >= '0' && name.front() <= '9') && std::ranges::all_of(name, plain)) {
    out.append(name);
    return;
  }
  out.push_back('"');
  for (const char c : name) out.append(c == '"' ? 2 : 1, c);
  out.push_back('"');
}

}  // namespace

std::string KeptSetting::shown() const {
  std::string out;
  for (const auto& schema : value()) {
    if (!out.empty()) out.append(", ");
    append_identifier(out, schema);
  }
  return out;
}

void KeptSetting::set(Value value, bool local) {
  if (local) {
    now_.local = std::move(value);
  } else {
    now_.session = std::move(value);
    now_.local.reset();
  }
}

void KeptSetting::commit() {
  now_.local.reset();
  committed_ = now_.session;
  savepoints_.clear();
}

void KeptSetting::rollback() {
  now_ = {committed_, {}};
  savepoints_.clear();
}

void KeptSetting::savepoint(std::string_view name) {
  if (savepoints_.size() < kMaxSavepoints) savepoints_.push_back({std::string(name), now_});
}

std::size_t KeptSetting::find(std::string_view name) const noexcept {
  for (std::size_t i = savepoints_.size(); i > 0; --i)
    if (savepoints_[i - 1].name == name) return i - 1;
  return savepoints_.size();
}

void KeptSetting::release(std::string_view name) { savepoints_.resize(find(name)); }

void KeptSetting::rollback_to(std::string_view name) {
  const auto at = find(name);
  if (at == savepoints_.size()) return;
  now_ = savepoints_[at].state;
  savepoints_.resize(at + 1);  // it stands still
}

}  // namespace bartizan::session
