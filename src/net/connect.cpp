#include "bartizan/net/connect.hpp"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>
#include <cstring>

namespace bartizan::net {
namespace {
constexpr auto use_result = asio::as_tuple(asio::use_awaitable);
}

Task<Result<std::unique_ptr<Stream>>> connect_unix(asio::io_context& context, std::string path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) co_return fail(Errc::InvalidArgument, "socket path too long: " + path);
  std::memcpy(address.sun_path, path.data(), path.size());
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) co_return fail(Errc::ResourceExhausted, "no socket: " + std::string(std::strerror(errno)));
  auto stream = std::make_unique<Stream>(context, fd);
  // A unix socket connects at once or its backlog is full (EAGAIN); there is nothing to wait for.
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    co_return fail(Errc::Unavailable, "no server at " + path + ": " + std::strerror(errno));
  co_return stream;
}

Task<Result<std::unique_ptr<Stream>>> connect_tcp(asio::io_context& context, std::string host, std::uint16_t port,
                                                  std::chrono::milliseconds patience) {
  // Shared with the timer's handler, which may run after this coroutine has ended.
  struct Attempt {
    explicit Attempt(asio::io_context& c) : resolver(c), socket(c), timer(c) {}
    asio::ip::tcp::resolver resolver;
    asio::ip::tcp::socket socket;
    asio::steady_timer timer;
    bool over = false;
  };
  const auto attempt = std::make_shared<Attempt>(context);
  attempt->timer.expires_after(patience);
  attempt->timer.async_wait([attempt](boost::system::error_code cancelled) {
    if (cancelled) return;
    attempt->over = true;
    attempt->resolver.cancel();
    boost::system::error_code ignored;
    attempt->socket.close(ignored);
  });
  const auto service = std::to_string(port);
  const auto [resolve_error, endpoints] = co_await attempt->resolver.async_resolve(host, service, use_result);
  if (resolve_error || attempt->over) {
    attempt->timer.cancel();
    co_return fail(Errc::Unavailable, "host " + host + " can't be resolved");
  }
  auto& socket = attempt->socket;
  const auto [connect_error, endpoint] = co_await asio::async_connect(socket, endpoints, use_result);
  attempt->timer.cancel();
  if (attempt->over) co_return fail(Errc::DeadlineExceeded, "no answer from " + host + ":" + service);
  if (connect_error)
    co_return fail(Errc::Unavailable, "no server at " + host + ":" + service + ": " + connect_error.message());
  boost::system::error_code ignored;
  socket.set_option(asio::ip::tcp::no_delay(true), ignored);
  socket.set_option(asio::socket_base::keep_alive(true), ignored);
  socket.native_non_blocking(true, ignored);
  const int fd = socket.release(ignored);
  co_return std::make_unique<Stream>(context, fd);
}

CloseAfter::CloseAfter(Stream& stream, std::chrono::milliseconds patience)
    : timer_(stream.context(), patience), stream_(std::make_shared<Stream*>(&stream)) {
  timer_.async_wait([target = stream_](boost::system::error_code cancelled) {
    if (!cancelled && *target != nullptr) (*target)->close();
  });
}

CloseAfter::~CloseAfter() { *stream_ = nullptr; }

}  // namespace bartizan::net
