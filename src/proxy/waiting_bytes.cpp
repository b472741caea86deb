#include "waiting_bytes.hpp"

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

bool send_now(net::Stream& stream, const session::ByteRuns& runs, Bytes& waiting) {
  if (runs.empty()) return true;
  ByteView single;
  if (waiting.empty() && runs.size() == 1) {
    single = runs[0];
  } else {
    for (std::size_t i = 0; i < runs.size(); ++i) {
      const ByteView run = runs[i];
      waiting.insert(waiting.end(), run.begin(), run.end());
    }
    single = waiting;
  }
  std::size_t done = 0;
  if (!write_some(stream, single, done)) return false;
  if (single.data() == waiting.data())
    waiting.erase(waiting.begin(), waiting.begin() + static_cast<std::ptrdiff_t>(done));
  else
    waiting.insert(waiting.end(), single.begin() + static_cast<std::ptrdiff_t>(done), single.end());
  if (waiting.empty() && waiting.capacity() > kKeptCapacity) waiting = Bytes();
  return true;
}

net::Task<bool> flush_waiting(net::Stream& stream, Bytes& waiting) {
  while (!waiting.empty() && stream.is_open()) {
    const bool ready = co_await stream.wait_writable();
    if (!ready) co_return false;
    std::size_t done = 0;
    if (!write_some(stream, waiting, done)) co_return false;
    waiting.erase(waiting.begin(), waiting.begin() + static_cast<std::ptrdiff_t>(done));
  }
  if (waiting.capacity() > kKeptCapacity) waiting = Bytes();
  co_return stream.is_open();
}

}  // namespace bartizan::proxy
