// The only place of base that touches the operating system: clocks, randomness, wiping.
#include <string.h>
#include <sys/random.h>

#include "bartizan/base/clock.hpp"
#include "bartizan/base/result.hpp"
#include "bartizan/base/secret.hpp"

namespace bartizan {
namespace {

class SystemClock final : public Clock {
 public:
  WallTime wall() const override {
    return std::chrono::time_point_cast<std::chrono::microseconds>(std::chrono::system_clock::now());
  }
  SteadyTime steady() const override { return std::chrono::steady_clock::now(); }
};

class SystemRandom final : public Random {
 public:
  void fill(std::span<std::byte> out) override {
    std::size_t done = 0;
    while (done < out.size()) {
      const ssize_t n = getrandom(out.data() + done, out.size() - done, 0);
      if (n < 0 && errno == EINTR) continue;
      BZ_ASSERT(n > 0);
      done += static_cast<std::size_t>(n);
    }
  }
};

}  // namespace

const Clock& system_clock() {
  static const SystemClock clock;
  return clock;
}

Random& system_random() {
  static SystemRandom random;
  return random;
}

void secure_wipe(void* data, std::size_t size) noexcept {
  if (size != 0) explicit_bzero(data, size);  // a null pointer is permitted with size 0 only here
}

}  // namespace bartizan
