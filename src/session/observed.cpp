#include "bartizan/session/observed.hpp"

#include <algorithm>
#include <string_view>

#include "bartizan/audit/log.hpp"

namespace bartizan::session {

const std::shared_ptr<const ConsumerText>& unserved_text() {
  static const std::shared_ptr<const ConsumerText> unserved = [] {
    auto text = std::make_shared<ConsumerText>();
    policy::Refuse refusal;
    refusal.sqlstate = {'5', '7', 'P', '0', '3'};
    refusal.message = "the policies can't be enforced for this identity now";
    text->refusal = std::move(refusal);
    return text;
  }();
  return unserved;
}

void append_observed(std::string& out, const ConsumerText& text, std::size_t index, std::size_t count) {
  std::string members;
  if (text.refusal) {
    audit::append_member(members, "decision", "deny");
    audit::append_member(members, "sqlstate", {text.refusal->sqlstate.data(), text.refusal->sqlstate.size()});
    audit::append_member(members, "why", text.refusal->message);
  } else {
    audit::append_member(members, "decision", would_mask(text) ? "mask" : "allow");
    // Where the two read the text as other statements, the first has it all.
    const bool alike = text.statements.size() == count;
    for (std::size_t i = alike ? index : 0; i < (alike ? index + 1 : (index == 0 ? text.statements.size() : 0)); ++i) {
      if (text.statements[i].audit.empty()) continue;
      members.append(",").append(text.statements[i].audit);
      break;  // a member stands once
    }
  }
  out.append(",\"observed\":{").append(members).append("}");
}

bool would_mask(const ConsumerText& text) noexcept {
  return std::ranges::any_of(text.statements, [](const ConsumerStatement& statement) {
    return statement.audit.find("\"masked\":[") != std::string::npos;
  });
}

}  // namespace bartizan::session
