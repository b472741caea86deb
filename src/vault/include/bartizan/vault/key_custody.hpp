// Keys of owners who hold their root key themselves: where it is, and what it has opened of late. Secrets
// stay in memory for as long as the customer's provider goes on opening them: a refusal takes them away at
// the next check, silence after a time (ADR 0172).
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "bartizan/base/clock.hpp"
#include "bartizan/base/secret.hpp"
#include "bartizan/keys/keyring.hpp"
#include "bartizan/vault/provider_address.hpp"

namespace bartizan::vault {

/// Thread-safe. Only check(), wrap() and assign() ask a provider, and may block on it for seconds; secret() never
/// does. clock and random outlive it.
class KeyCustody {
 public:
  struct Times {
    std::chrono::milliseconds check{10'000};   ///< between two questions: a refusal is known within it
    std::chrono::milliseconds outage{60'000};  ///< without an answer secrets are kept for so long, and no longer
  };
  using Opener = std::function<Result<std::unique_ptr<keys::KeyProvider>>(const ProviderAddress&, bool may_make)>;
  /// folder: of the keyrings. open: open_provider(), unless a test says otherwise.
  KeyCustody(std::filesystem::path folder, const Clock& clock, Random& random, Opener open = {});
  ~KeyCustody();

  void set_times(Times times);
  /// Whether the owner holds the root key.
  [[nodiscard]] bool holds(const keys::KeyringOwner& owner) const;
  /// The addresses, the one that wraps first; empty: the root key is ours again. Durable.
  [[nodiscard]] Result<void> assign(const keys::KeyringOwner& owner, const std::vector<std::string>& addresses);
  [[nodiscard]] Result<std::vector<std::string>> addresses(const keys::KeyringOwner& owner) const;

  [[nodiscard]] Result<keys::WrappedSecret> wrap(const SecretBytes& secret, const keys::WrapContext& context);
  /// As it was opened at the last check. PermissionDenied: the customer refuses; Unavailable: no answer for too long.
  [[nodiscard]] Result<SecretBytes> secret(const keys::Keyring& keyring, const keys::KeyVersion& version);
  /// Asks for whatever is due; at_once: for everything. Whether other secrets can be had than before.
  [[nodiscard]] bool check(const keys::Keyring& keyring, bool at_once);
  /// Why its secrets can't be had; empty: they can.
  [[nodiscard]] std::string trouble(const keys::KeyringOwner& owner) const;

 private:
  struct Provider {
    ProviderAddress address;
    std::shared_ptr<keys::KeyProvider> opened;  // null: to be opened at its next use
  };
  struct Entry {
    std::mutex asking;  // one check at a time; taken before mutex_
    std::vector<Provider> providers;
    std::map<keys::KeyId, SecretBytes> secrets;
    std::string trouble;
    SteadyTime confirmed{};
    std::optional<SteadyTime> asked;  ///< last; when the next time is due, the times tell that hold then
  };
  [[nodiscard]] std::filesystem::path file_of(const keys::KeyringOwner& owner) const;
  Result<std::shared_ptr<Entry>> entry_of(const keys::KeyringOwner& owner);
  Result<keys::WrappedSecret> wrap_by(Provider& provider, const SecretBytes& secret, const keys::WrapContext& context);
  Result<SecretBytes> unwrap(Entry& entry, const keys::Keyring& keyring, const keys::KeyVersion& version);
  Result<std::shared_ptr<keys::KeyProvider>> opened(Provider& provider, bool may_make);

  std::filesystem::path folder_;
  const Clock& clock_;
  Random& random_;
  Opener open_;
  mutable std::mutex mutex_;  // guards the entries' fields too
  Times times_;
  std::map<keys::KeyringOwner, std::shared_ptr<Entry>> entries_;
};

}  // namespace bartizan::vault
