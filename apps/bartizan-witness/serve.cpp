#include "serve.hpp"

#include <arpa/inet.h>
#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>

#include "bartizan/base/log.hpp"
#include "bartizan/http/request_reader.hpp"
#include "bartizan/http/response.hpp"

namespace bartizan::witness {
namespace {

using std::chrono::steady_clock;

/// One call: a log's machine asks once a minute, so one after the other is enough, and nobody holds us up longer.
constexpr auto kDeadline = std::chrono::seconds(5);
constexpr int kBacklog = 64;
constexpr http::Limits kLimits{
    .head_bytes = 8192, .target_bytes = 1024, .fields = 32, .parameters = 8, .body_bytes = 128 * 1024};

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  [[nodiscard]] int get() const noexcept { return fd_; }

 private:
  int fd_;
};

bool wait_for(int fd, short events, steady_clock::time_point until) {
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - steady_clock::now()).count();
    pollfd one{fd, events, 0};
    const int found = ::poll(&one, 1, static_cast<int>(std::max<std::int64_t>(left, 0)));
    if (found > 0) return true;
    if (found == 0 || errno != EINTR) return false;
  }
}

Result<int> open_listener(const std::string& listen) {
  const auto colon = listen.rfind(':');
  if (colon == std::string::npos || colon == 0) return fail(Errc::InvalidArgument, "--listen takes HOST:PORT");
  std::string host = listen.substr(0, colon);
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICHOST | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  if (::getaddrinfo(host.c_str(), listen.c_str() + colon + 1, &hints, &found) != 0)
    return fail(Errc::InvalidArgument, "--listen takes an IP address and a port");
  const int fd = ::socket(found->ai_family, found->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, found->ai_protocol);
  const int on = 1;
  const bool open = fd >= 0 && ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
                    ::bind(fd, found->ai_addr, found->ai_addrlen) == 0 && ::listen(fd, kBacklog) == 0;
  ::freeaddrinfo(found);
  if (open) return fd;
  if (fd >= 0) ::close(fd);
  return fail(Errc::Io, "can't listen on " + listen);
}

/// As "HOST:PORT", with the port that was taken.
std::string address_of(int fd) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  std::array<char, NI_MAXHOST> host{};
  std::array<char, NI_MAXSERV> port{};
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0 ||
      ::getnameinfo(reinterpret_cast<sockaddr*>(&address), size, host.data(), host.size(), port.data(), port.size(),
                    NI_NUMERICHOST | NI_NUMERICSERV) != 0)
    return {};
  const std::string name = host.data();
  return (name.find(':') == std::string::npos ? name : "[" + name + "]") + ":" + port.data();
}

http::Response answer_to(const Witness& judge, const http::Request& request) {
  const bool key = request.path == "/add-key";
  if (!key && request.path != "/add-checkpoint")
    return http::text_response(404, "the calls here are /add-checkpoint and /add-key\n");
  if (request.method != http::Method::Post) return http::text_response(405, "POST\n");
  const auto judged = key ? judge.add_key(request.body) : judge.add_checkpoint(request.body, system_clock().wall());
  BZ_LOG(Info, "witness.answered", {"status", judged.status});
  auto response = http::text_response(judged.status, judged.body);
  if (judged.status == 409 && !key)  // C2SP tlog-witness: the size that the next request has to start from
    for (auto& field : response.fields)
      if (field.name == "Content-Type") field.value = "text/x.tlog.size";
  return response;
}

void answer(int socket, const http::Response& response, http::Method method, steady_clock::time_point until) {
  http::Delivery delivery;
  delivery.method = method;
  const std::string bytes = http::serialize(response, delivery);
  std::string_view left = bytes;
  while (!left.empty() && wait_for(socket, POLLOUT, until)) {
    const auto count = ::send(socket, left.data(), left.size(), MSG_NOSIGNAL);
    if (count < 0 && errno != EAGAIN && errno != EINTR) return;
    if (count > 0) left.remove_prefix(static_cast<std::size_t>(count));
  }
  ::shutdown(socket, SHUT_WR);
}

void serve_one(const Witness& judge, int socket) {
  const auto until = steady_clock::now() + kDeadline;
  http::RequestReader reader(kLimits);
  std::array<std::byte, 16384> block;
  for (;;) {
    auto event = reader.next();
    if (const auto* request = std::get_if<http::Request>(&event))
      return answer(socket, answer_to(judge, *request), request->method, until);
    if (const auto* refusal = std::get_if<http::Refusal>(&event))
      return answer(socket, http::text_response(refusal->status, refusal->detail + "\n"), http::Method::Post, until);
    if (std::holds_alternative<http::SendContinue>(event)) {
      [[maybe_unused]] const auto sent = ::send(socket, http::kContinue.data(), http::kContinue.size(), MSG_NOSIGNAL);
      continue;
    }
    if (!wait_for(socket, POLLIN, until)) return;
    const auto count = ::recv(socket, block.data(), block.size(), 0);
    if (count == 0 || (count < 0 && errno != EAGAIN && errno != EINTR)) return;
    if (count > 0) reader.feed(ByteView(block).first(static_cast<std::size_t>(count)));
  }
}

}  // namespace

Result<void> serve(const Witness& judge, const std::string& listen, void (*told)(const std::string&)) {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  ::sigprocmask(SIG_BLOCK, &signals, nullptr);
  const Descriptor stop(::signalfd(-1, &signals, SFD_CLOEXEC));
  BZ_TRY(const int fd, open_listener(listen));
  const Descriptor listener(fd);
  told(address_of(listener.get()));
  for (;;) {
    std::array<pollfd, 2> set = {pollfd{stop.get(), POLLIN, 0}, pollfd{listener.get(), POLLIN, 0}};
    if (::poll(set.data(), set.size(), -1) < 0 && errno != EINTR) return fail(Errc::Io, "poll failed");
    if (set[0].revents != 0) return {};
    if (set[1].revents == 0) continue;
    const Descriptor client(::accept4(listener.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (client.get() >= 0) serve_one(judge, client.get());
  }
}

}  // namespace bartizan::witness
