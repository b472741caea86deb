#include "context_signer.hpp"

#include <algorithm>
#include <utility>

namespace bartizan::session {

bool ContextSigner::lasts(WallTime expires, WallTime now) const noexcept {
  if (expires <= now || expires > now + wall::kMaxContextLife) return false;  // also a clock that was set back
  return expires - now >= kLeastLeft || (valid_until_ && expires >= *valid_until_);
}

Result<ContextSigner::Signed> ContextSigner::sign(const std::shared_ptr<const SecretBytes>& key, WallTime now) {
  if (!key) return fail(Errc::FailedPrecondition, "the server connection has no context key");
  if (key == key_ && lasts(expires_, now)) return Signed{text_, expires_};
  wall::Context context;
  context.expires = now + wall::kContextLife;
  if (valid_until_) context.expires = std::min(context.expires, *valid_until_);
  context.values = values_;
  BZ_TRY(text_, wall::sign_context(*key, context));
  key_ = key;
  expires_ = context.expires;
  return Signed{text_, expires_};
}

void ContextSigner::set(std::string_view name, const std::optional<std::string>& value) {
  const auto found = std::ranges::find(values_, name, &wall::ContextValue::name);
  if (found == values_.end() || found->value == value) return;
  found->value = value;
  key_.reset();
}

}  // namespace bartizan::session
