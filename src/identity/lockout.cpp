#include "bartizan/identity/lockout.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include "bartizan/base/result.hpp"
#include "bartizan/base/secret.hpp"
#include "recency_table.hpp"

namespace bartizan::identity {
namespace {

using std::chrono::milliseconds;

milliseconds delay_after(const BackoffCurve& curve, std::uint32_t failures) {
  if (failures < curve.free_failures || failures == 0) return milliseconds(0);
  milliseconds delay = curve.first_delay;
  for (auto doublings = failures - curve.free_failures; doublings > 0 && delay < curve.max_delay; --doublings)
    delay *= 2;
  return std::min(delay, curve.max_delay);
}

bool is_forgotten(const RecencyTable::Entry& entry, milliseconds memory, SteadyTime now) {
  return now - entry.last >= memory;
}

/// How long from now until the curve admits the next attempt.
milliseconds wait(const RecencyTable& table, const RecencyTable::Key& key, const BackoffCurve& curve, SteadyTime now) {
  const auto* entry = table.find(key);
  if (entry == nullptr || is_forgotten(*entry, curve.memory, now)) return milliseconds(0);
  const auto left = entry->last + delay_after(curve, entry->count) - now;
  return std::max(std::chrono::ceil<milliseconds>(left), milliseconds(0));
}

void count_failure(RecencyTable& table, const RecencyTable::Key& key, const BackoffCurve& curve, SteadyTime now) {
  auto& entry = table.touch(key);
  if (entry.count > 0 && is_forgotten(entry, curve.memory, now)) entry.count = 0;
  if (entry.count < std::numeric_limits<std::uint32_t>::max()) ++entry.count;
  entry.last = now;
}

bool is_sound(const BackoffCurve& curve) {
  // Shorter memory than delay would turn the longest delay into an early release.
  return curve.free_failures >= 1 && curve.first_delay > milliseconds(0) && curve.max_delay >= curve.first_delay &&
         curve.memory >= curve.max_delay;
}

}  // namespace

struct SignInThrottle::Tables {
  Tables(const SignInThrottlePolicy& chosen, ByteView seed_bytes)
      : policy(chosen),
        seed(seed_bytes),
        pairs(chosen.max_entries),
        addresses(chosen.max_entries),
        accounts(chosen.max_entries),
        familiar(chosen.max_entries) {}

  struct Keys {
    RecencyTable::Key pair;
    RecencyTable::Key address;
    RecencyTable::Key account;
  };

  [[nodiscard]] Keys keys(std::string_view account, std::string_view address) const {
    const std::string block = address_block(address);
    // The block holds no NUL, so that the two parts of a pair cannot run into one another.
    const auto key = [&](char kind, std::string_view first, std::string_view second) {
      std::string text(1, kind);
      text.append(first).append(1, '\0').append(second);
      return crypto::hmac_sha256(seed.reveal(), as_bytes(text));
    };
    return {key('p', block, account), key('i', block, {}), key('a', {}, account)};
  }

  SignInThrottlePolicy policy;
  SecretBytes seed;
  RecencyTable pairs;
  RecencyTable addresses;
  RecencyTable accounts;
  RecencyTable familiar;  ///< pairs that signed in, by time of the last success
};

SignInThrottle::SignInThrottle(const SignInThrottlePolicy& policy, ByteView seed)
    : tables_(std::make_unique<Tables>(policy, seed)) {
  BZ_ASSERT(seed.size() >= 16 && policy.max_entries >= 1);
  BZ_ASSERT(is_sound(policy.pair) && is_sound(policy.address) && is_sound(policy.account));
}
SignInThrottle::SignInThrottle(SignInThrottle&&) noexcept = default;
SignInThrottle& SignInThrottle::operator=(SignInThrottle&&) noexcept = default;
SignInThrottle::~SignInThrottle() = default;

SignInThrottle::Verdict SignInThrottle::before_attempt(std::string_view account, std::string_view address,
                                                       SteadyTime now) const {
  const auto keys = tables_->keys(account, address);
  const auto& policy = tables_->policy;
  Verdict verdict;
  const auto consider = [&](Scope scope, milliseconds wait_for) {
    if (wait_for > verdict.retry_after) verdict = {false, wait_for, scope};
  };
  consider(Scope::Pair, wait(tables_->pairs, keys.pair, policy.pair, now));
  consider(Scope::Address, wait(tables_->addresses, keys.address, policy.address, now));
  const auto* signed_in = tables_->familiar.find(keys.pair);
  if (signed_in == nullptr || is_forgotten(*signed_in, policy.familiar_for, now))
    consider(Scope::Account, wait(tables_->accounts, keys.account, policy.account, now));
  return verdict;
}

void SignInThrottle::failed(std::string_view account, std::string_view address, SteadyTime now) {
  const auto keys = tables_->keys(account, address);
  count_failure(tables_->pairs, keys.pair, tables_->policy.pair, now);
  count_failure(tables_->addresses, keys.address, tables_->policy.address, now);
  count_failure(tables_->accounts, keys.account, tables_->policy.account, now);
}

void SignInThrottle::succeeded(std::string_view account, std::string_view address, SteadyTime now) {
  const auto keys = tables_->keys(account, address);
  tables_->pairs.erase(keys.pair);
  tables_->familiar.touch(keys.pair).last = now;
}

void SignInThrottle::use(const SignInThrottlePolicy& policy) {
  BZ_ASSERT(is_sound(policy.pair) && is_sound(policy.address) && is_sound(policy.account));
  BZ_ASSERT(policy.max_entries == tables_->policy.max_entries);
  tables_->policy = policy;
}

std::size_t SignInThrottle::size() const noexcept {
  return tables_->pairs.size() + tables_->addresses.size() + tables_->accounts.size() + tables_->familiar.size();
}

std::string address_block(std::string_view address) {
  static constexpr std::array<unsigned char, 12> kMappedPrefix = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  const std::string text(address.substr(0, address.find_first_of(std::string_view("%\0", 2))));
  std::array<unsigned char, 16> octets{};
  std::array<char, INET6_ADDRSTRLEN> block{};
  if (inet_pton(AF_INET6, text.c_str(), octets.data()) != 1) return text;
  if (std::equal(kMappedPrefix.begin(), kMappedPrefix.end(), octets.begin()))
    return inet_ntop(AF_INET, octets.data() + kMappedPrefix.size(), block.data(), block.size());
  std::fill(octets.begin() + 8, octets.end(), static_cast<unsigned char>(0));
  return std::string(inet_ntop(AF_INET6, octets.data(), block.data(), block.size())) + "/64";
}

}  // namespace bartizan::identity
