#include "scram_key_cache.hpp"

#include <algorithm>

namespace bartizan::proxy {

ScramKeyCache::Keys ScramKeyCache::find(const Uuid& login, const SecretBytes& password,
                                        const identity::ServerFirst& first) {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(login);
  if (found == entries_.end()) return nullptr;
  const Entry& entry = found->second;
  // The password is the control database's own on both sides: its comparison tells a peer nothing.
  const bool fits = entry.salt == first.salt && entry.iterations == first.iterations &&
                    std::ranges::equal(entry.password.reveal(), password.reveal());
  return fits ? entry.keys : nullptr;
}

Result<ScramKeyCache::Keys> ScramKeyCache::derive(const Uuid& login, const SecretBytes& password,
                                                  const identity::ServerFirst& first) {
  BZ_TRY(auto derived, identity::derive_scram_client_keys(password.reveal_chars(), first.salt, first.iterations));
  auto keys = std::make_shared<const identity::ScramClientKeys>(std::move(derived));
  const std::lock_guard lock(mutex_);
  if (entries_.size() >= kMaxEntries) entries_.clear();
  entries_.insert_or_assign(login, Entry{first.salt, first.iterations, password.clone(), keys});
  return keys;
}

}  // namespace bartizan::proxy
