// Sessions of a depot in observe: what their statements would come to, for their records.
#include "bartizan/session/observed.hpp"
#include "bartizan/session/relay.hpp"
#include "search_path.hpp"

namespace bartizan::session {

std::shared_ptr<const ConsumerText> Relay::observed(std::string_view text) {
  const auto& wall_class = observer_->wall_class;
  if (wall_class == nullptr || tools_.rewrites == nullptr) return unserved_text();
  auto found = tools_.rewrites->get(text, {wall_class.get(), &observer_->search_path, lex_});
  if (found->has_setting && !found->refusal)
    for (const auto& statement : found->statements)
      if (statement.setting && statement.setting->name == "search_path")
        observer_->search_path = statement.setting->action == sql::VirtualSetting::Action::Set
                                     ? statement.setting->values
                                     : std::vector<std::string>{"public"};
  return found;
}

void Relay::count_observed(const ConsumerText& text) noexcept {
  if (text.refusal)
    ++figures_.observed_denials;
  else if (would_mask(text))
    ++figures_.observed_masks;
}

}  // namespace bartizan::session
