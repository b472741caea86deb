#include "bartizan/net/listening_socket.hpp"

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <charconv>
#include <cstdlib>
#include <optional>
#include <string_view>

namespace bartizan::net {
namespace {

constexpr int kMostSockets = 64;

std::optional<int> number(std::string_view text) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<int> option(int socket, int name) {
  int value = 0;
  socklen_t size = sizeof value;
  if (::getsockopt(socket, SOL_SOCKET, name, &value, &size) != 0) return std::nullopt;
  return value;
}

bool listens_on_tcp(int descriptor) {
  const auto domain = option(descriptor, SO_DOMAIN);
  return (domain == AF_INET || domain == AF_INET6) && option(descriptor, SO_PROTOCOL) == IPPROTO_TCP &&
         option(descriptor, SO_ACCEPTCONN) == 1;
}

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string() : std::string(value);
}

}  // namespace

ListeningSocket::~ListeningSocket() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

Result<std::vector<ListeningSocket>> inherited_sockets(const Inheritance& said, pid_t self) {
  std::vector<ListeningSocket> sockets;
  if (said.process_id.empty() || number(said.process_id) != self) return sockets;
  const auto count = number(said.count);
  if (!count || *count < 0 || *count > kMostSockets)
    return fail(Errc::InvalidArgument, "LISTEN_FDS is not a number from 0 to 64");
  for (int descriptor = said.first; descriptor < said.first + *count; ++descriptor) {
    if (!listens_on_tcp(descriptor))
      return fail(Errc::InvalidArgument, "descriptor " + std::to_string(descriptor) +
                                             " from the service manager is not a listening TCP socket; its socket unit "
                                             "needs ListenStream=ADDRESS:PORT and Accept=no");
    ::fcntl(descriptor, F_SETFD, FD_CLOEXEC);
    sockets.emplace_back(descriptor);
  }
  return sockets;
}

Result<std::vector<ListeningSocket>> take_inherited_sockets() {
  const Inheritance said{environment("LISTEN_PID"), environment("LISTEN_FDS")};
  for (const char* name : {"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"}) ::unsetenv(name);
  return inherited_sockets(said, ::getpid());
}

}  // namespace bartizan::net
