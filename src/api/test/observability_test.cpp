// The endpoint over real sockets.
#include "bartizan/api/observability.hpp"

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

using namespace bartizan;
using namespace bartizan::api;
using namespace std::chrono_literals;

namespace {

constexpr auto kLongest = 10s;  // before a test that waits gives up

/// A client's socket.
class Client {
 public:
  explicit Client(std::uint16_t port) : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    REQUIRE(::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  }
  Client(Client&& other) noexcept : socket_(std::exchange(other.socket_, -1)) {}
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;
  ~Client() {
    if (socket_ >= 0) ::close(socket_);
  }

  /// False once the server is gone.
  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const auto n = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (n <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(n));
    }
    return true;
  }

  bool readable_within(std::chrono::milliseconds time) {
    pollfd waiting{socket_, POLLIN, 0};
    return ::poll(&waiting, 1, static_cast<int>(time.count())) == 1;
  }

  /// What the server sends until it ends the connection, or until the answers hold marker.
  std::string receive(std::string_view marker = {}) {
    std::string all;
    std::array<char, 4096> piece;
    while (readable_within(kLongest)) {
      const auto n = ::recv(socket_, piece.data(), piece.size(), 0);
      if (n <= 0) return all;
      all.append(piece.data(), static_cast<std::size_t>(n));
      if (!marker.empty() && all.find(marker) != std::string::npos) return all;
    }
    FAIL("the server neither answers nor ends");
    return all;
  }

 private:
  int socket_;
};

Sources sources() {
  return {[] { return std::string("# HELP m h\n# TYPE m gauge\nm 1\n"); }, [] { return std::optional<std::string>(); }};
}

std::unique_ptr<ObservabilityServer> started(ObservabilityOptions options = {}, Sources from = sources()) {
  auto server = ObservabilityServer::start(std::move(options), std::move(from));
  REQUIRE(server);
  return std::move(*server);
}

std::string ask(const ObservabilityServer& server, std::string_view request) {
  Client client(server.port());
  REQUIRE(client.send(request));
  return client.receive();
}

std::string get(std::string_view path, std::string_view method = "GET") {
  return std::string(method) + ' ' + std::string(path) + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
}

bool has(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

}  // namespace

TEST_CASE("answers over a socket") {
  const auto server = started();
  const auto metrics = ask(*server, get("/metrics"));
  CHECK(metrics.starts_with("HTTP/1.1 200 OK\r\nDate: "));
  CHECK(has(metrics, "\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n"));
  CHECK(has(metrics, "\r\nContent-Length: 30\r\n"));
  CHECK(metrics.ends_with("\r\n\r\n# HELP m h\n# TYPE m gauge\nm 1\n"));

  const auto head = ask(*server, get("/metrics", "HEAD"));
  CHECK(has(head, "\r\nContent-Length: 30\r\n"));
  CHECK(head.ends_with("\r\n\r\n"));

  CHECK(ask(*server, get("/livez")).ends_with("\r\n\r\nok"));
  CHECK(ask(*server, get("/readyz?verbose")).ends_with("\r\n\r\nok"));
  CHECK(ask(*server, get("/nothing")).starts_with("HTTP/1.1 404 "));
  const auto posted =
      ask(*server, "POST /metrics HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi");
  CHECK(posted.starts_with("HTTP/1.1 405 "));
  CHECK(has(posted, "\r\nAllow: GET, HEAD\r\n"));
  CHECK(ask(*server, "GET /livez HTTP/1.0\r\n\r\n").starts_with("HTTP/1.1 200 "));
}

TEST_CASE("readiness changes while the server runs") {
  std::atomic<bool> ready = false;
  Sources from = sources();
  from.not_ready = [&ready] { return ready ? std::nullopt : std::optional<std::string>("PostgreSQL is away"); };
  const auto server = started({}, from);
  const auto before = ask(*server, get("/readyz"));
  CHECK(before.starts_with("HTTP/1.1 503 "));
  CHECK(has(before, "PostgreSQL is away"));
  ready = true;
  CHECK(ask(*server, get("/readyz")).starts_with("HTTP/1.1 200 "));
}

TEST_CASE("one connection carries several requests, pipelined too") {
  const auto server = started();
  Client client(server->port());
  REQUIRE(client.send("GET /livez HTTP/1.1\r\nHost: h\r\n\r\n"));
  CHECK(has(client.receive("\r\n\r\nok"), "200 OK"));
  REQUIRE(client.send("GET /livez HTTP/1.1\r\nHost: h\r\n\r\nGET /none HTTP/1.1\r\nHost: h\r\n\r\n" + get("/metrics")));
  const auto rest = client.receive();
  const auto first = rest.find("200 OK"), second = rest.find("404 Not Found"), third = rest.find("m 1\n");
  CHECK(first < second);
  CHECK(second < third);
  CHECK(third != std::string::npos);
}

TEST_CASE("a body is asked for with 100 Continue") {
  const auto server = started();
  Client client(server->port());
  REQUIRE(client.send(
      "POST /livez HTTP/1.1\r\nHost: h\r\nConnection: close\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n"));
  CHECK(client.receive("\r\n\r\n") == "HTTP/1.1 100 Continue\r\n\r\n");
  REQUIRE(client.send("hi"));
  CHECK(client.receive().starts_with("HTTP/1.1 405 "));
}

TEST_CASE("refusals arrive, and end the connection, whatever is still being sent") {
  const auto server = started();
  CHECK(ask(*server, "GET / HTTP/1.1\r\nHost: h\r\nX: " + std::string(100'000, 'x')).starts_with("HTTP/1.1 431 "));
  CHECK(ask(*server, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 100000\r\n\r\n" + std::string(100'000, 'x'))
            .starts_with("HTTP/1.1 413 "));
  const auto smuggled =
      ask(*server, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" +
                       get("/metrics"));
  CHECK(smuggled.starts_with("HTTP/1.1 400 "));
  CHECK(!has(smuggled, "m 1"));
}

TEST_CASE("idle and slow clients are dropped, however busy they look") {
  const auto server = started({.request_timeout = 150ms});
  Client idle(server->port());
  Client partial(server->port());
  REQUIRE(partial.send("GET /livez HTTP/1.1\r\nHost: h\r\nX: "));
  CHECK(idle.receive().empty());
  CHECK(partial.receive().empty());

  const auto begun = std::chrono::steady_clock::now();  // the server's time runs from its accept
  Client dripping(server->port());
  REQUIRE(dripping.send("GET /livez HTTP/1.1\r\nHost: h\r\nX: "));
  while (!dripping.readable_within(10ms) && std::chrono::steady_clock::now() - begun < kLongest)
    static_cast<void>(dripping.send("x"));
  CHECK(dripping.readable_within(0ms));
  CHECK(std::chrono::steady_clock::now() - begun < kLongest);
  CHECK(std::chrono::steady_clock::now() - begun >= 150ms);
}

TEST_CASE("a client that does not read its answers is dropped") {
  Sources from = sources();
  from.metrics = [] { return std::string(std::size_t{32} << 20, 'm'); };  // more than the kernel takes
  const auto server = started({.request_timeout = 150ms}, from);
  Client client(server->port());
  REQUIRE(client.send("GET /metrics HTTP/1.1\r\nHost: h\r\n\r\n"));
  const auto begun = std::chrono::steady_clock::now();
  while (server->connections() == 0 && std::chrono::steady_clock::now() - begun < kLongest) std::this_thread::yield();
  while (server->connections() != 0 && std::chrono::steady_clock::now() - begun < kLongest) std::this_thread::yield();
  CHECK(server->connections() == 0);
}

TEST_CASE("probes get through while connections are held") {
  const auto server = started({.max_connections = 4});
  std::vector<Client> held;
  for (int i = 0; i < 12; ++i) {
    held.emplace_back(server->port());
    REQUIRE(held.back().send("GET /livez HTTP/1.1\r\n"));
  }
  CHECK(ask(*server, get("/livez")).ends_with("ok"));
  CHECK(server->connections() <= 4);
  CHECK(held.front().receive().empty());  // the one that waited longest went
  REQUIRE(held.back().send("Host: h\r\n\r\n"));
  CHECK(held.back().receive("ok").ends_with("ok"));
}

TEST_CASE("stopping ends held connections at once") {
  auto server = started();
  Client idle(server->port());
  Client kept(server->port());
  REQUIRE(kept.send("GET /livez HTTP/1.1\r\nHost: h\r\n\r\n"));
  CHECK(kept.receive("ok").ends_with("ok"));
  const auto begun = std::chrono::steady_clock::now();
  server.reset();
  CHECK(std::chrono::steady_clock::now() - begun < 5s);  // request_timeout is 10 s
  CHECK(idle.receive().empty());
  CHECK(kept.receive().empty());
}

TEST_CASE("what can't be started says why") {
  const auto server = started();
  const auto second = ObservabilityServer::start({.port = server->port()}, sources());
  REQUIRE(!second);
  CHECK(second.error().code == Errc::AlreadyExists);
  CHECK(ObservabilityServer::start({.address = "localhost"}, sources()).error().code == Errc::InvalidArgument);
  CHECK(!ObservabilityServer::start({.max_connections = 0}, sources()));
  CHECK(!ObservabilityServer::start({.request_timeout = 0ms}, sources()));
  CHECK(!ObservabilityServer::start({}, Sources{}));
}
