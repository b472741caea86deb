#include "record_members.hpp"

namespace bartizan::control {

const Document* member_at(const Document& record, std::initializer_list<std::string_view> path) {
  const Document* found = &record;
  for (const auto name : path) {
    found = found->find(name);
    if (found == nullptr) return nullptr;
  }
  return found;
}

std::string text_at(const Document& record, std::initializer_list<std::string_view> path) {
  const Document* found = member_at(record, path);
  const auto* text = found == nullptr ? nullptr : found->as<std::string>();
  return text == nullptr ? std::string() : *text;
}

}  // namespace bartizan::control
