#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <chrono>
#include <memory>
#include <vector>

#include "bartizan/net/stream.hpp"

namespace bartizan::net {
namespace {

constexpr auto kPatience = std::chrono::seconds(5);

/// Two ends of a TCP connection over loopback, which unlike a socket pair can be broken off.
std::array<int, 2> tcp_pair() {
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  REQUIRE(::bind(listener, generic, size) == 0);
  REQUIRE(::listen(listener, 1) == 0);
  REQUIRE(::getsockname(listener, generic, &size) == 0);
  const int near = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  REQUIRE(::connect(near, generic, size) == 0);
  const int far = ::accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
  REQUIRE(far >= 0);
  ::close(listener);
  return {far, near};
}

void say(int socket, std::string_view text) {
  REQUIRE(::send(socket, text.data(), text.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(text.size()));
}

/// What a session does: reads until there is nothing, waits, until the end.
Task<void> collect(Stream& stream, std::size_t at_once, std::string& all, bool& over) {
  Bytes scratch(at_once);
  for (;;) {
    const auto read = stream.try_read(scratch);
    if (read.status == IoStatus::WouldBlock) {
      const bool ready = co_await stream.wait_readable();
      if (!ready) co_return;
      continue;
    }
    if (read.status != IoStatus::Ok) break;
    all.append(reinterpret_cast<const char*>(scratch.data()), read.bytes);
  }
  over = true;
}

TEST_CASE("the end of a peer is seen, whenever it comes") {
  enum class How : std::uint8_t { WithLastBytes, Later, Broken, HalfClosed };
  for (const How how : {How::WithLastBytes, How::Later, How::Broken, How::HalfClosed}) {
    CAPTURE(static_cast<int>(how));
    const auto ends = tcp_pair();
    asio::io_context context;
    Stream stream(context, ends[0]);
    std::string all;
    bool over = false;
    asio::co_spawn(context, collect(stream, 64, all, over), asio::detached);
    context.poll();
    say(ends[1], "some");
    context.run_for(std::chrono::milliseconds(20));
    CHECK(all == "some");
    if (how == How::Later) context.run_for(std::chrono::milliseconds(20));
    if (how == How::WithLastBytes || how == How::HalfClosed) say(ends[1], "last");
    if (how == How::HalfClosed) {
      REQUIRE(::shutdown(ends[1], SHUT_WR) == 0);
    } else {
      const linger at_once{1, 0};
      if (how == How::Broken) ::setsockopt(ends[1], SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
      ::close(ends[1]);
    }
    context.run_for(kPatience);
    CHECK(over);
    CHECK(all == (how == How::WithLastBytes || how == How::HalfClosed ? "somelast" : "some"));
    if (how == How::HalfClosed) ::close(ends[1]);
  }
}

TEST_CASE("nothing that comes between a short read and its wait is missed") {
  const auto ends = tcp_pair();
  asio::io_context context;
  Stream stream(context, ends[0]);
  std::string all;
  bool over = false;
  std::string sent;
  asio::co_spawn(context, collect(stream, 7, all, over), asio::detached);
  for (int i = 0; i < 500; ++i) {
    const std::string piece(static_cast<std::size_t>(1 + i % 20), static_cast<char>('a' + i % 26));
    say(ends[1], piece);
    sent += piece;
    if (i % 3 != 0) context.poll();
  }
  ::close(ends[1]);
  context.run_for(kPatience);
  CHECK(over);
  CHECK(all == sent);
}

TEST_CASE("a full socket is waited for, while another coroutine waits to read") {
  const auto ends = tcp_pair();
  asio::io_context context;
  Stream stream(context, ends[0]);
  std::string all;
  bool over = false;
  bool written = false;
  const Bytes large(std::size_t{8} << 20, std::byte{'x'});
  asio::co_spawn(context, collect(stream, 64, all, over), asio::detached);
  asio::co_spawn(
      context,
      [&]() -> Task<void> {
        auto done = co_await stream.write_all(large);
        written = done.has_value();
      },
      asio::detached);
  std::size_t got = 0;
  Bytes into(65536);
  while (got < large.size()) {
    context.poll();
    const ssize_t n = ::recv(ends[1], into.data(), into.size(), MSG_DONTWAIT);
    if (n > 0) got += static_cast<std::size_t>(n);
  }
  say(ends[1], "thanks");
  ::close(ends[1]);
  context.run_for(kPatience);
  CHECK(written);
  CHECK(over);
  CHECK(all == "thanks");
}

TEST_CASE("room that comes before anybody waits for it is not missed") {
  const auto ends = tcp_pair();
  asio::io_context context;
  Stream stream(context, ends[0]);
  bool over = false;
  bool ready = false;
  std::string all;
  asio::co_spawn(context, collect(stream, 64, all, over), asio::detached);
  context.poll();  // the socket is watched
  const Bytes large(std::size_t{1} << 20, std::byte{'x'});
  std::size_t sent = 0;
  for (IoResult step = stream.try_write(large); step.status == IoStatus::Ok; step = stream.try_write(large))
    sent += step.bytes;
  Bytes into(65536);
  for (std::size_t got = 0; got < sent;) {
    const ssize_t n = ::recv(ends[1], into.data(), into.size(), 0);
    got += n > 0 ? static_cast<std::size_t>(n) : 0;
  }
  context.run_for(std::chrono::milliseconds(50));  // the edge comes while nobody waits
  context.restart();
  asio::co_spawn(context, [&]() -> Task<void> { ready = co_await stream.wait_writable(); }, asio::detached);
  context.run_for(std::chrono::milliseconds(500));
  CHECK(ready);
  ::close(ends[1]);
}

TEST_CASE("a stream that closes another in its turn takes that one's event along") {
  // Both become readable at once; whoever is first closes the other and opens a third in its place.
  const auto first_ends = tcp_pair();
  const auto second_ends = tcp_pair();
  const auto third_ends = tcp_pair();
  asio::io_context context;
  std::vector<std::unique_ptr<Stream>> streams;
  streams.push_back(std::make_unique<Stream>(context, first_ends[0]));
  streams.push_back(std::make_unique<Stream>(context, second_ends[0]));
  int ready = 0;
  int given_up = 0;
  int third_ready = 0;
  const auto wait = [&](std::size_t which) -> Task<void> {
    const bool came = co_await streams[which]->wait_readable();
    if (!came) {
      ++given_up;
      co_return;
    }
    ++ready;
    streams[1 - which].reset();
    auto third = std::make_unique<Stream>(context, third_ends[0]);
    asio::co_spawn(
        context,
        [&third_ready, third = std::move(third)]() -> Task<void> {
          const bool came_too = co_await third->wait_readable();
          third_ready += came_too ? 1 : 0;
        },
        asio::detached);
  };
  asio::co_spawn(context, wait(0), asio::detached);
  asio::co_spawn(context, wait(1), asio::detached);
  context.poll();
  say(first_ends[1], "a");
  say(second_ends[1], "b");
  context.run_for(std::chrono::milliseconds(50));
  CHECK(ready == 1);
  CHECK(given_up == 1);
  CHECK(third_ready == 0);
  say(third_ends[1], "c");
  context.run_for(kPatience);
  CHECK(third_ready == 1);
  for (const auto& ends : {first_ends, second_ends, third_ends}) ::close(ends[1]);
}

TEST_CASE("a wait that is given up ends from the loop, and the loop with the last one") {
  const auto ends = tcp_pair();
  asio::io_context context;
  Stream stream(context, ends[0]);
  int ended = 0;
  for (int round = 0; round < 3; ++round) {
    asio::co_spawn(
        context,
        [&]() -> Task<void> {
          std::array<std::byte, 1> none{};
          if (stream.try_read(none).status != IoStatus::WouldBlock) co_return;
          const bool ready = co_await stream.wait_readable();
          if (!ready) ++ended;
        },
        asio::detached);
    context.restart();
    context.poll();
    CHECK(ended == round);
    round < 2 ? stream.cancel() : stream.close();
    CHECK(ended == round);
    const auto begun = std::chrono::steady_clock::now();
    context.restart();
    context.run_for(kPatience);
    CHECK(ended == round + 1);
    CHECK(std::chrono::steady_clock::now() - begun < kPatience / 2);
  }
  ::close(ends[1]);
}

TEST_CASE("a context that ends takes along what waits in it") {
  const auto ends = tcp_pair();
  auto alive = std::make_shared<int>();
  {
    asio::io_context context;
    asio::co_spawn(
        context,
        [](asio::io_context& around, int socket, std::shared_ptr<int>) -> Task<void> {
          Stream stream(around, socket);
          [[maybe_unused]] const bool ready = co_await stream.wait_readable();
        }(context, ends[0], alive),
        asio::detached);
    context.poll();
    CHECK(alive.use_count() == 2);
  }
  CHECK(alive.use_count() == 1);
  ::close(ends[1]);
}

}  // namespace
}  // namespace bartizan::net
