#include "bartizan/api/observability.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <map>
#include <thread>

#include "bartizan/base/log.hpp"
#include "bartizan/http/problem.hpp"
#include "bartizan/http/request_reader.hpp"
#include "bartizan/net/listener.hpp"
#include "bartizan/net/stream.hpp"
#include "observability_pages.hpp"

namespace bartizan::api {

namespace asio = net::asio;

namespace {

constexpr http::Limits kLimits{
    .head_bytes = 8192, .target_bytes = 2048, .fields = 64, .parameters = 16, .body_bytes = 4096};
constexpr int kBacklog = 64;
constexpr auto kAcceptPause = std::chrono::milliseconds(100);
/// After an answer that ends the connection: what the client still sends is read away for so
/// long, since closing on unread bytes makes TCP drop the answer on its way (RFC 9112 section 9.6).
constexpr auto kLinger = std::chrono::seconds(1);
constexpr std::size_t kLingerBytes = 256 * 1024;

/// A client. Lives on the server's thread; kept alive by the coroutine that serves it and by the
/// server's list, from which it goes as soon as it is closed.
struct Connection : std::enable_shared_from_this<Connection> {
  Connection(asio::io_context& context, int descriptor)
      : socket(descriptor), stream(context, descriptor), timer(context) {}

  /// Closes the stream when time is up, whatever it waits for.
  void allow(std::chrono::milliseconds time) {
    since = std::chrono::steady_clock::now();
    timer.expires_after(time);
    timer.async_wait([self = shared_from_this()](const boost::system::error_code& error) {
      // A wait that had ended when the timer was set anew arrives here without an error.
      if (!error && self->timer.expiry() <= std::chrono::steady_clock::now()) self->close();
    });
  }

  void close() {
    timer.cancel();
    stream.close();
  }

  int socket;  // the stream's; valid while it is open
  net::Stream stream;
  asio::steady_timer timer;
  std::chrono::steady_clock::time_point since;  // when it began to keep us waiting
};

class RunningServer final : public ObservabilityServer {
 public:
  RunningServer(ObservabilityOptions options, Sources sources)
      : options_(std::move(options)), sources_(std::move(sources)) {}
  ~RunningServer() override { stop(); }

  Result<void> open() {
    auto listener = net::Listener::open(context_, options_.address, options_.port, kBacklog);
    if (!listener) return tl::unexpected(std::move(listener).error());
    listener_ = std::make_unique<net::Listener>(std::move(*listener));
    port_ = listener_->port();
    asio::co_spawn(context_, accept(), [](std::exception_ptr) {});
    thread_ = std::thread([this] { context_.run(); });
    return {};
  }

  std::uint16_t port() const override { return port_; }
  std::size_t connections() const override { return count_.load(std::memory_order_relaxed); }

 private:
  net::Task<void> accept() {
    while (!stopping_) {
      auto accepted = co_await listener_->accept();
      if (accepted) {
        adopt(accepted->socket);
        continue;
      }
      if (stopping_) co_return;
      // Out of descriptors, or the like: the backlog holds clients until there is room.
      BZ_LOG(Error, "observability.accept_failed", {"reason", accepted.error().detail});
      pause_.expires_after(kAcceptPause);
      co_await pause_.async_wait(asio::as_tuple(asio::use_awaitable));
    }
  }

  void adopt(int socket) {
    if (stopping_) {
      ::close(socket);
      return;
    }
    if (connections_.size() >= options_.max_connections) shed();
    const auto id = next_id_++;
    auto connection = std::make_shared<Connection>(context_, socket);
    connections_.emplace(id, connection);
    count_.store(connections_.size(), std::memory_order_relaxed);
    connection->allow(options_.request_timeout);
    asio::co_spawn(context_, serve(connection), [this, id, connection](std::exception_ptr) {
      connection->close();
      leave(id);
    });
  }

  /// Probes must get through while someone holds connections open: the one that has kept us
  /// waiting longest goes.
  void shed() {
    const auto longest =
        std::ranges::min_element(connections_, {}, [](const auto& entry) { return entry.second->since; });
    if (longest == connections_.end()) return;
    BZ_LOG(Debug, "observability.connection_shed");
    longest->second->close();
    connections_.erase(longest);
  }

  void leave(std::uint64_t id) {
    connections_.erase(id);
    count_.store(connections_.size(), std::memory_order_relaxed);
  }

  net::Task<void> serve(std::shared_ptr<Connection> connection) {
    http::RequestReader reader(kLimits);
    for (;;) {
      auto event = reader.next();
      if (std::holds_alternative<http::NeedMore>(event)) {
        std::array<std::byte, 4096> bytes;
        auto got = co_await connection->stream.read_some(bytes);
        if (!got) co_return;
        reader.feed(ByteView(bytes.data(), *got));
        continue;
      }
      bool last = false;
      const auto answer = answer_to(event, last);
      auto sent = co_await connection->stream.write_all(as_bytes(answer));
      if (!sent) co_return;
      if (last) break;
      if (std::holds_alternative<http::Request>(event)) connection->allow(options_.request_timeout);
      // Neither reading nor writing need have waited: the others have their turn.
      co_await asio::post(context_, asio::use_awaitable);
    }
    co_await linger(*connection);
  }

  std::string answer_to(const http::RequestReader::Event& event, bool& last) {
    if (std::holds_alternative<http::SendContinue>(event)) return std::string(http::kContinue);
    http::Delivery delivery;
    delivery.date = system_clock().wall();
    if (const auto* request = std::get_if<http::Request>(&event)) {
      delivery.method = request->method;
      delivery.keep_alive = request->keep_alive;
      last = !request->keep_alive;
      return http::serialize(observe(sources_, *request), delivery);
    }
    last = true;
    return http::serialize(http::to_response(std::get<http::Refusal>(event)), delivery);
  }

  net::Task<void> linger(Connection& connection) {
    if (!connection.stream.is_open()) co_return;
    ::shutdown(connection.socket, SHUT_WR);
    connection.allow(std::min<std::chrono::milliseconds>(kLinger, options_.request_timeout));
    std::array<std::byte, 4096> bytes;
    for (std::size_t total = 0; total < kLingerBytes;) {
      auto got = co_await connection.stream.read_some(bytes);
      if (!got) co_return;
      total += *got;
    }
  }

  void stop() {
    if (!thread_.joinable()) return;
    asio::post(context_, [this] {
      stopping_ = true;
      pause_.cancel();
      listener_->close();
      for (const auto& [id, connection] : connections_) connection->close();
    });
    thread_.join();  // the loop ends with its last coroutine
  }

  ObservabilityOptions options_;
  Sources sources_;
  asio::io_context context_{1};
  asio::steady_timer pause_{context_};
  std::unique_ptr<net::Listener> listener_;
  std::map<std::uint64_t, std::shared_ptr<Connection>> connections_;
  std::atomic<std::size_t> count_{0};
  std::uint64_t next_id_ = 0;
  bool stopping_ = false;
  std::uint16_t port_ = 0;
  std::thread thread_;
};

}  // namespace

Result<std::unique_ptr<ObservabilityServer>> ObservabilityServer::start(ObservabilityOptions options, Sources sources) {
  if (!sources.metrics || !sources.not_ready)
    return fail(Errc::InvalidArgument, "the observability endpoint needs its sources");
  if (options.max_connections == 0) return fail(Errc::InvalidArgument, "max_connections is at least 1");
  if (options.request_timeout <= std::chrono::milliseconds(0))
    return fail(Errc::InvalidArgument, "request_timeout is positive");
  auto server = std::make_unique<RunningServer>(std::move(options), std::move(sources));
  BZ_CHECK(server->open());
  return std::unique_ptr<ObservabilityServer>(std::move(server));
}

}  // namespace bartizan::api
