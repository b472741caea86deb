#include "waiting_bytes.hpp"

#include <cstring>

#include "bartizan/base/secret.hpp"

namespace bartizan::proxy {

namespace {
constexpr std::size_t kKeptCapacity = 64 * 1024;

/// False when the peer is gone.
bool write_some(net::Stream& stream, ByteView bytes, std::size_t& done) {
  done = 0;
  while (done < bytes.size()) {
    const auto step = stream.try_write(bytes.subspan(done));
    if (step.status == net::IoStatus::WouldBlock) return true;
    if (step.status != net::IoStatus::Ok) return false;
    done += step.bytes;
  }
  return true;
}
}  // namespace

void drop_front(Bytes& bytes, std::size_t count) noexcept {
  const auto kept = bytes.size() - count;
  if (kept != 0) std::memmove(bytes.data(), bytes.data() + count, kept);
  secure_wipe(bytes.data() + kept, count);
  bytes.resize(kept);
}

void WaitingBytes::take(std::size_t count) {
  secure_wipe(bytes_.data() + written_, count);
  written_ += count;
  if (empty()) {
    bytes_.clear();
    written_ = 0;
    if (bytes_.capacity() > kKeptCapacity) bytes_ = Bytes();
  } else if (written_ >= kKeptCapacity && written_ >= bytes_.size() / 2) {
    // What is moved is no more than what was taken since it was moved last.
    bytes_.erase(bytes_.begin(), bytes_.begin() + static_cast<std::ptrdiff_t>(written_));
    written_ = 0;
  }
}

bool send_now(net::Stream& stream, const session::ByteRuns& runs, WaitingBytes& waiting) {
  if (runs.empty()) return true;
  std::size_t done = 0;
  if (waiting.empty() && runs.size() == 1) {
    const ByteView single = runs[0];
    if (!write_some(stream, single, done)) return false;
    waiting.append(single.subspan(done));
    return true;
  }
  for (std::size_t i = 0; i < runs.size(); ++i) waiting.append(runs[i]);
  if (!write_some(stream, waiting.left(), done)) return false;
  waiting.take(done);
  return true;
}

net::Task<bool> flush_waiting(net::Stream& stream, WaitingBytes& waiting) {
  while (!waiting.empty() && stream.is_open()) {
    const bool ready = co_await stream.wait_writable();
    if (!ready) co_return false;
    std::size_t done = 0;
    if (!write_some(stream, waiting.left(), done)) co_return false;
    waiting.take(done);
  }
  co_return stream.is_open();
}

}  // namespace bartizan::proxy
