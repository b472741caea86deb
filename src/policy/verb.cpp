#include "bartizan/policy/verb.hpp"

#include "bartizan/policy/detokenize.hpp"

namespace bartizan::policy {

std::string_view to_string(Verb verb) noexcept {
  if (verb == kDetokenize) return "detokenize";
  switch (verb) {
    case Verb::Read: return "read";
    case Verb::Insert: return "insert";
    case Verb::Update: return "update";
    case Verb::Delete: return "delete";
  }
  return "?";
}

}  // namespace bartizan::policy
