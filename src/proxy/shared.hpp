// What all workers of one gateway share. Thread-safe member by member.
#pragma once

#include <array>
#include <atomic>
#include <boost/asio/thread_pool.hpp>
#include <map>
#include <mutex>
#include <string>
#include <unordered_map>

#include "bartizan/identity/scram_shapes.hpp"
#include "bartizan/net/stream.hpp"
#include "bartizan/proxy/gateway.hpp"
#include "bartizan/session/client_startup.hpp"
#include "scram_key_cache.hpp"
#include "server_budget.hpp"
#include "sign_in_refusals.hpp"

namespace bartizan::proxy {

/// How to reach a depot's server, resolved once from a snapshot.
struct ServerAddress {
  policy::Endpoint endpoint;
  std::shared_ptr<const net::TlsContext> tls;  ///< null: a unix socket
};

class ClientSession;
class Worker;

/// Whom a CancelRequest with our key is for. What it means on a server, its worker knows.
struct CancelTarget {
  Worker* worker = nullptr;
  std::weak_ptr<ClientSession> session;  ///< to be locked on the worker's thread only
  std::string who;                       ///< audit members of the session
};

/// Our cancel keys: random, never the server's own. A key leads to its session, and to nothing
/// once that has ended.
class CancelRegistry {
 public:
  void add(session::CancelKey key, std::shared_ptr<const CancelTarget> target) {
    const std::lock_guard lock(mutex_);
    targets_[packed(key)] = std::move(target);
  }
  void remove(session::CancelKey key) {
    const std::lock_guard lock(mutex_);
    targets_.erase(packed(key));
  }
  [[nodiscard]] std::shared_ptr<const CancelTarget> find(session::CancelKey key) const {
    const std::lock_guard lock(mutex_);
    const auto found = targets_.find(packed(key));
    return found == targets_.end() ? nullptr : found->second;
  }

 private:
  static std::uint64_t packed(session::CancelKey key) { return (std::uint64_t{key.process_id} << 32) | key.secret; }
  mutable std::mutex mutex_;
  std::unordered_map<std::uint64_t, std::shared_ptr<const CancelTarget>> targets_;
};

/// Connections an address holds.
class AddressCounts {
 public:
  /// False when the address is at its limit (0: none).
  [[nodiscard]] bool enter(const std::string& host, std::uint32_t limit) {
    const std::lock_guard lock(mutex_);
    auto& count = counts_[host];
    if (limit != 0 && count >= limit) return false;
    ++count;
    return true;
  }
  void leave(const std::string& host) {
    const std::lock_guard lock(mutex_);
    const auto found = counts_.find(host);
    if (found != counts_.end() && --found->second == 0) counts_.erase(found);
  }

 private:
  std::mutex mutex_;
  std::unordered_map<std::string, std::uint32_t> counts_;
};

/// TLS contexts toward servers, one a CA text and certificate of ours (which has one key only).
class ServerTlsContexts {
 public:
  /// certificate: null for none.
  [[nodiscard]] Result<std::shared_ptr<const net::TlsContext>> get(
      const policy::TlsVerifyFull& tls, const policy::ClientCertificate* certificate = nullptr) {
    std::string key = tls.ca_pem;
    if (certificate != nullptr) key.append(1, '\0').append(certificate->chain_pem);
    const std::lock_guard lock(mutex_);
    if (const auto found = contexts_.find(key); found != contexts_.end()) return found->second;
    net::TlsClientOptions options;
    options.ca_pem = tls.ca_pem;
    if (certificate != nullptr) {
      options.certificate_chain_pem = certificate->chain_pem;
      options.private_key_pem = certificate->key_pem.clone();
    }
    BZ_TRY(auto made, net::TlsContext::client(options));
    if (contexts_.size() > 256) contexts_.clear();
    contexts_.emplace(std::move(key), made);
    return made;
  }

 private:
  std::mutex mutex_;
  std::map<std::string, std::shared_ptr<const net::TlsContext>> contexts_;
};

/// What a mock exchange looks like, as the identities of the newest snapshot do.
class MockShapes {
 public:
  [[nodiscard]] identity::ScramShape draw(const policy::Snapshot& snapshot, std::string_view user, ByteView mock_secret,
                                          identity::ScramShape fallback) {
    const std::lock_guard lock(mutex_);
    if (snapshot.epoch() != epoch_) {
      shapes_ = {};
      for (const auto& identity : snapshot.identities()) shapes_.add(identity.scram_verifier.reveal_chars());
      epoch_ = snapshot.epoch();
    }
    return shapes_.draw(user, mock_secret, fallback);
  }

 private:
  std::mutex mutex_;
  identity::ScramShapes shapes_;
  std::int64_t epoch_ = -1;
};

/// Places of `limits.clients`. Taken once the password is proven and until the session's end: who
/// has not proven anything takes none from those who will.
class ClientPlaces {
 public:
  [[nodiscard]] bool full(std::uint32_t limit) const noexcept {
    return limit != 0 && taken_.load(std::memory_order_relaxed) >= limit;
  }
  [[nodiscard]] bool take(std::uint32_t limit) noexcept {
    if (taken_.fetch_add(1, std::memory_order_relaxed) < limit || limit == 0) return true;
    give_back();
    return false;
  }
  void give_back() noexcept { taken_.fetch_sub(1, std::memory_order_relaxed); }

 private:
  std::atomic<std::uint32_t> taken_{0};
};

inline constexpr std::size_t kPinReasons = 11;

struct Counters {
  std::atomic<std::uint64_t> accepted{0}, sessions{0}, half_open{0}, sign_ins{0}, sign_in_failures{0},
      refused_connections{0}, cancels{0}, statements{0}, statements_refused{0}, observed_denials{0}, observed_masks{0},
      errors{0}, rows{0}, bytes_from_clients{0}, bytes_to_clients{0}, queue_timeouts{0};
  std::array<std::atomic<std::uint64_t>, kPinReasons> pins{};  ///< sessions pinned, by sql::PinReason
};

struct Shared {
  Shared(GatewayOptions o, Gateway::Surroundings s, SecretBytes mock, ByteView throttle_seed)
      : options(std::move(o)),
        around(s),
        mock_secret(std::move(mock)),
        throttle(options.throttle, throttle_seed),
        refusals(around.log, around.clock, {}, around.sealer) {}

  [[nodiscard]] ServerCertificate certificate() const {
    const std::lock_guard lock(certificate_mutex);
    return certificate_in_use;
  }

  const GatewayOptions options;
  const Gateway::Surroundings around;
  const SecretBytes mock_secret;
  mutable std::mutex certificate_mutex;
  ServerCertificate certificate_in_use;
  std::mutex throttle_mutex;
  identity::SignInThrottle throttle;
  SignInRefusals refusals;
  MockShapes mock_shapes;
  ClientPlaces places;
  CancelRegistry cancels;
  AddressCounts per_address;
  ServerTlsContexts server_tls;
  ScramKeyCache scram_keys;
  ServerBudgets budgets;
  std::vector<Worker*> workers;  ///< set before the first starts
  Counters counters;
  std::atomic<std::uint64_t> next_session{1};
  std::atomic<bool> draining{false};
  net::asio::thread_pool slow_work{1};  ///< PBKDF2; joined while the workers still exist
  std::atomic<bool> stale{false};  ///< the control database is away for longer than max_stale
};

}  // namespace bartizan::proxy
