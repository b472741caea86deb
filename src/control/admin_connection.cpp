#include "admin_connection.hpp"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "bartizan/base/log.hpp"

namespace bartizan::control {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds kSendTimeout{10'000};
constexpr milliseconds kDrainTimeout{1'000};

}  // namespace

AdminConnection::AdminConnection(Descriptor socket, int stop, const AdminServerOptions& options, const Verbs& verbs)
    : socket_(std::move(socket)), stop_(stop), options_(options), verbs_(verbs), lines_(options.max_line_bytes) {}

AdminConnection::Wake AdminConnection::wait(short events, Deadline deadline) const {
  while (true) {
    std::array<pollfd, 2> set = {pollfd{socket_.get(), events, 0}, pollfd{stop_, POLLIN, 0}};
    const auto left = std::chrono::ceil<milliseconds>(deadline - steady_clock::now()).count();
    const int ready = ::poll(set.data(), set.size(), static_cast<int>(std::max<std::int64_t>(left, 0)));
    if (ready < 0 && errno == EINTR) continue;
    if (ready == 0) return Wake::TimedOut;
    if (ready < 0 || set[1].revents != 0) return Wake::Stopped;
    return Wake::Ready;
  }
}

bool AdminConnection::receive(Deadline deadline) {
  if (wait(POLLIN, deadline) != Wake::Ready) return false;
  const auto space = lines_.prepare();
  const auto count = ::recv(socket_.get(), space.data(), space.size(), 0);
  if (count < 0 && (errno == EAGAIN || errno == EINTR)) return true;
  if (count <= 0) return false;
  lines_.commit(static_cast<std::size_t>(count));
  return true;
}

bool AdminConnection::send(std::string_view text) {
  const auto deadline = steady_clock::now() + kSendTimeout;
  while (!text.empty()) {
    const auto count = ::send(socket_.get(), text.data(), text.size(), MSG_NOSIGNAL);
    if (count > 0) {
      text.remove_prefix(static_cast<std::size_t>(count));
    } else if (count < 0 && errno == EAGAIN) {
      // An answer that was worked out is delivered even while the server stops, within the deadline.
      pollfd writable{socket_.get(), POLLOUT, 0};
      const auto left = std::chrono::ceil<milliseconds>(deadline - steady_clock::now()).count();
      if (left <= 0 || (::poll(&writable, 1, static_cast<int>(left)) < 0 && errno != EINTR)) return false;
    } else if (errno != EINTR) {
      return false;
    }
  }
  return true;
}

/// Closing with unread bytes would reset the connection and could take our last words with it.
void AdminConnection::drain() {
  ::shutdown(socket_.get(), SHUT_WR);
  const auto deadline = steady_clock::now() + kDrainTimeout;
  std::array<std::byte, 65536> waste;
  while (wait(POLLIN, deadline) == Wake::Ready) {
    const auto count = ::recv(socket_.get(), waste.data(), waste.size(), 0);
    if (count == 0 || (count < 0 && errno != EAGAIN && errno != EINTR)) break;
  }
  secure_wipe(waste.data(), waste.size());
}

void AdminConnection::refuse(const Error& error) {
  if (send(error_line(error, {}) + "\n")) drain();
}

bool AdminConnection::answer_lines(const Peer& peer, Deadline& deadline) {
  while (true) {
    const auto line = lines_.next();
    if (!line) {
      refuse(line.error());
      return false;
    }
    if (!*line) return true;
    const auto answer =
        options_.for_readers ? verbs_.answer_reader(peer, **line) : verbs_.answer(options_.policy, peer, **line);
    if (!send(answer + "\n")) return false;
    deadline = steady_clock::now() + options_.idle_timeout;
  }
}

void AdminConnection::serve() {
  const auto peer = read_peer(socket_.get());
  if (!peer) return;
  if (auto allowed = authorise(options_.policy, *peer, ""); !options_.for_readers && !allowed) {
    BZ_LOG(Warn, "control.peer_refused", {"uid", peer->uid}, {"pid", peer->pid});
    refuse(allowed.error());
    return;
  }
  auto deadline = steady_clock::now() + options_.idle_timeout;
  while (receive(deadline) && answer_lines(*peer, deadline)) {
  }
}

}  // namespace bartizan::control
