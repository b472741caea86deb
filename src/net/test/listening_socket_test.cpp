#include "bartizan/net/listening_socket.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>

#include "bartizan/net/listener.hpp"

namespace bartizan::net {
namespace {

/// High enough that nothing of the test program stands there.
constexpr int kFirst = 700;

void place(int socket, int at) {
  REQUIRE(::dup2(socket, at) == at);
  ::close(socket);
}

int listening(int family = AF_INET) {
  const int socket = ::socket(family, SOCK_STREAM, 0);
  REQUIRE(socket >= 0);
  REQUIRE(::listen(socket, 1) == 0);  // bound to any free port
  return socket;
}

Inheritance said(const char* count) { return {std::to_string(::getpid()), count, kFirst}; }

bool is_open(int descriptor) { return ::fcntl(descriptor, F_GETFD) >= 0; }

TEST_CASE("sockets that the service manager passed are ours, and go to no child") {
  place(listening(), kFirst);
  place(listening(), kFirst + 1);
  {
    auto sockets = inherited_sockets(said("2"), ::getpid());
    REQUIRE(sockets.has_value());
    REQUIRE(sockets->size() == 2);
    CHECK((*sockets)[1].get() == kFirst + 1);
    CHECK(::fcntl(kFirst, F_GETFD) == FD_CLOEXEC);
    boost::asio::io_context context;
    auto listener = Listener::adopt(context, std::move((*sockets)[0]));
    REQUIRE(listener.has_value());
    CHECK(listener->port() != 0);
    CHECK(listener->address() == "0.0.0.0");
  }
  CHECK_FALSE(is_open(kFirst));
  CHECK_FALSE(is_open(kFirst + 1));
}

TEST_CASE("what is said to another process, or not at all, is not ours") {
  place(listening(), kFirst);
  for (const Inheritance& row : {Inheritance{"", "1", kFirst}, Inheritance{"1", "1", kFirst},
                                 Inheritance{"12x", "1", kFirst}, Inheritance{"", "", kFirst}}) {
    const auto sockets = inherited_sockets(row, ::getpid());
    REQUIRE(sockets.has_value());
    CHECK(sockets->empty());
  }
  CHECK(is_open(kFirst));
  ::close(kFirst);
}

TEST_CASE("anything but listening TCP sockets is refused") {
  for (const char* count : {"", "-1", "x", "65", "1 "}) {
    CAPTURE(count);
    CHECK_FALSE(inherited_sockets(said(count), ::getpid()).has_value());
  }
  const int unconnected = ::socket(AF_INET, SOCK_STREAM, 0);
  const int datagram = ::socket(AF_INET, SOCK_DGRAM, 0);
  int local[2];
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM, 0, local) == 0);
  for (const int wrong : {unconnected, datagram, local[0], ::dup(STDERR_FILENO)}) {
    place(wrong, kFirst);
    const auto sockets = inherited_sockets(said("1"), ::getpid());
    REQUIRE_FALSE(sockets.has_value());
    CHECK(sockets.error().detail.find("ListenStream=") != std::string::npos);
    CHECK(is_open(kFirst));  // it may be anybody's
    ::close(kFirst);
  }
  ::close(local[1]);
  CHECK_FALSE(inherited_sockets(said("1"), ::getpid()).has_value());  // nothing stands there
}

}  // namespace
}  // namespace bartizan::net
