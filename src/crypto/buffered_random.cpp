#include "bartizan/crypto/buffered_random.hpp"

#include <pthread.h>

#include <algorithm>
#include <atomic>

#include "bartizan/base/result.hpp"
#include "bartizan/base/secret.hpp"

namespace bartizan::crypto {
namespace {

/// Counts fork(2) calls, seen from both sides: before each, in the parent, so that both have it.
std::atomic<std::uint64_t>& forks() {
  static std::atomic<std::uint64_t> count{0};
  static const int registered = pthread_atfork([] { count.fetch_add(1, std::memory_order_relaxed); }, nullptr, nullptr);
  BZ_ASSERT(registered == 0);
  return count;
}

}  // namespace

BufferedRandom::~BufferedRandom() { drop(); }

void BufferedRandom::drop() noexcept {
  secure_wipe(buffer_.data(), buffer_.size());
  next_ = buffer_.size();
}

void BufferedRandom::fill(std::span<std::byte> out) {
  if (out.size() > buffer_.size() / 8) {
    source_.fill(out);
    return;
  }
  const auto epoch = forks().load(std::memory_order_relaxed);
  if (epoch != fork_epoch_ || out.size() > buffer_.size() - next_) {
    source_.fill(buffer_);
    next_ = 0;
    fork_epoch_ = epoch;
  }
  const auto taken = std::span(buffer_).subspan(next_, out.size());
  std::copy(taken.begin(), taken.end(), out.begin());
  secure_wipe(taken.data(), taken.size());
  next_ += out.size();
}

}  // namespace bartizan::crypto
