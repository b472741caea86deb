#include "scram_key_cache.hpp"

#include <algorithm>

namespace bartizan::proxy {

Result<ScramKeyCache::Keys> ScramKeyCache::get(const Uuid& login, const SecretBytes& password,
                                               const identity::ServerFirst& first) {
  {
    const std::lock_guard lock(mutex_);
    const auto found = entries_.find(login);
    if (found != entries_.end() && found->second.salt == first.salt && found->second.iterations == first.iterations &&
        std::ranges::equal(found->second.password.reveal(), password.reveal()))
      return found->second.keys;
  }
  BZ_TRY(auto derived, identity::derive_scram_client_keys(password.reveal_chars(), first.salt, first.iterations));
  auto keys = std::make_shared<const identity::ScramClientKeys>(std::move(derived));
  const std::lock_guard lock(mutex_);
  if (entries_.size() >= kMaxEntries) entries_.clear();
  entries_.insert_or_assign(login, Entry{first.salt, first.iterations, password.clone(), keys});
  return keys;
}

}  // namespace bartizan::proxy
