// SCRAM keys toward servers, so that PBKDF2 runs once a login and not once a connection. Keyed
// by login and secret generation; holds what the control database holds, in memory only.
#pragma once

#include <memory>
#include <mutex>
#include <unordered_map>

#include "bartizan/identity/scram_client.hpp"
#include "bartizan/policy/model.hpp"

namespace bartizan::proxy {

/// Thread-safe. Bounded: forgets everything at kMaxEntries.
class ScramKeyCache {
 public:
  using Keys = std::shared_ptr<const identity::ScramClientKeys>;

  /// Null when nothing is cached for this salt, count and password.
  [[nodiscard]] Keys find(const Uuid& login, const SecretBytes& password, const identity::ServerFirst& first);
  /// PBKDF2, milliseconds of work: never on a worker's loop. The result is cached.
  [[nodiscard]] Result<Keys> derive(const Uuid& login, const SecretBytes& password, const identity::ServerFirst& first);

 private:
  static constexpr std::size_t kMaxEntries = 4096;
  struct Entry {
    Bytes salt;
    std::uint32_t iterations = 0;
    SecretBytes password;
    Keys keys;
  };
  std::mutex mutex_;
  std::unordered_map<Uuid, Entry> entries_;
};

}  // namespace bartizan::proxy
