#include "bartizan/cli/admin_client.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

#include "terminal_text.hpp"

namespace bartizan::cli {
namespace {

using Deadline = std::chrono::steady_clock::time_point;
using std::chrono::milliseconds;

class Socket {
 public:
  explicit Socket(int fd) : fd_(fd) {}
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  Socket(Socket&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Socket& operator=(Socket&&) = delete;
  ~Socket() {
    if (fd_ >= 0) ::close(fd_);
  }
  [[nodiscard]] int fd() const { return fd_; }

 private:
  int fd_;
};

std::string reason(int error) { return std::generic_category().message(error); }

tl::unexpected<Error> too_late() { return fail(Errc::DeadlineExceeded, "no answer in time"); }

milliseconds left_until(Deadline deadline) {
  return std::max(milliseconds(0), std::chrono::ceil<milliseconds>(deadline - std::chrono::steady_clock::now()));
}

/// Until the socket is ready for events, or the deadline.
Result<void> wait(int fd, short events, Deadline deadline) {
  for (;;) {
    const auto left = left_until(deadline);
    if (left == milliseconds(0)) return too_late();
    pollfd entry{fd, events, 0};
    const int ready = ::poll(&entry, 1, static_cast<int>(std::min<milliseconds::rep>(left.count(), 60'000)));
    if (ready > 0) return {};
    if (ready < 0 && errno != EINTR) return fail(Errc::Io, "cannot wait for the admin socket: " + reason(errno));
  }
}

Error connect_error(const std::string& path, int error) {
  const std::string name = visible(path);
  if (error == ENOENT) return {Errc::Unavailable, "there is no admin socket at " + name};
  if (error == ECONNREFUSED) return {Errc::Unavailable, "nobody listens on " + name};
  if (error == EACCES || error == EPERM) return {Errc::PermissionDenied, "you may not use " + name};
  if (error == EAGAIN) return {Errc::DeadlineExceeded, name + " takes no connection in time"};
  return {Errc::Io, "cannot connect to " + name + ": " + reason(error)};
}

/// connect(2) on a full AF_UNIX backlog gives no event to poll for, so it blocks, bounded by
/// SO_SNDTIMEO; the socket is non-blocking from then on.
Result<Socket> connect_to(const std::string& path, Deadline deadline) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof address.sun_path || path.find('\0') != std::string::npos) {
    return fail(Errc::InvalidArgument, "not a path that a unix socket can have (1 to 107 bytes): " + visible(path));
  }
  std::copy(path.begin(), path.end(), address.sun_path);
  Socket socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (socket.fd() < 0) return fail(Errc::Io, "cannot make a socket: " + reason(errno));
  const auto left = std::max(left_until(deadline), milliseconds(1));
  timeval limit{};
  limit.tv_sec = std::chrono::duration_cast<std::chrono::seconds>(left).count();
  limit.tv_usec = (left % std::chrono::seconds(1)).count() * 1000;
  if (::setsockopt(socket.fd(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit) != 0) {
    return fail(Errc::Io, "cannot set a time-out: " + reason(errno));
  }
  while (::connect(socket.fd(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    if (errno == EINTR && left_until(deadline) > milliseconds(0)) continue;
    return tl::unexpected(connect_error(path, errno));
  }
  const int flags = ::fcntl(socket.fd(), F_GETFL);
  if (flags < 0 || ::fcntl(socket.fd(), F_SETFL, flags | O_NONBLOCK) != 0)
    return fail(Errc::Io, "cannot set up the socket: " + reason(errno));
  return socket;
}

/// True when the peer took all of it; false when it closed first, perhaps with an answer that says why.
Result<bool> send_all(int fd, std::string_view bytes, Deadline deadline) {
  while (!bytes.empty()) {
    const ssize_t count = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count >= 0) {
      bytes.remove_prefix(static_cast<std::size_t>(count));
    } else if (errno == EPIPE || errno == ECONNRESET) {
      return false;
    } else if (errno == EAGAIN) {
      BZ_CHECK(wait(fd, POLLOUT, deadline));
    } else if (errno != EINTR) {
      return fail(Errc::Io, "cannot send to the admin socket: " + reason(errno));
    }
  }
  return true;
}

Result<std::string> receive_line(int fd, std::size_t max_bytes, Deadline deadline) {
  std::string line;
  char chunk[16 * 1024];
  for (;;) {
    BZ_CHECK(wait(fd, POLLIN, deadline));
    const ssize_t count = ::recv(fd, chunk, sizeof chunk, 0);
    if (count < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (count < 0 && errno != ECONNRESET) return fail(Errc::Io, "cannot read from the admin socket: " + reason(errno));
    if (count <= 0) return fail(Errc::Unavailable, "the connection was closed before the answer was complete");
    const std::string_view got(chunk, static_cast<std::size_t>(count));
    const auto newline = got.find('\n');
    line.append(got.substr(0, newline));
    if (line.size() >= max_bytes)
      return fail(Errc::TooLarge, "the answer is longer than " + std::to_string(max_bytes) + " bytes");
    if (newline == std::string_view::npos) continue;
    if (newline + 1 != got.size()) return fail(Errc::Malformed, "more than one line came as the answer");
    return line;
  }
}

}  // namespace

Result<std::string> ask_admin(const AdminClientOptions& options, std::string_view request) {
  BZ_ASSERT(request.find('\n') == std::string_view::npos);
  if (request.size() >= options.max_line_bytes) {
    return fail(Errc::TooLarge, "the request is longer than " + std::to_string(options.max_line_bytes) + " bytes");
  }
  const Deadline deadline = std::chrono::steady_clock::now() + options.timeout;
  BZ_TRY(const Socket socket, connect_to(options.socket_file, deadline));
  BZ_TRY(const bool sent, send_all(socket.fd(), request, deadline));
  if (sent) {
    BZ_TRY([[maybe_unused]] const bool ended, send_all(socket.fd(), "\n", deadline));
  }
  return receive_line(socket.fd(), options.max_line_bytes, deadline);
}

}  // namespace bartizan::cli
