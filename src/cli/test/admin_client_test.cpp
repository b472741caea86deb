#include "bartizan/cli/admin_client.hpp"

#include <doctest/doctest.h>
#include <poll.h>

#include <string>

#include "fake_admin_server.hpp"

namespace bartizan::cli {
namespace {

using Fake = FakeAdminServer;
using namespace std::chrono_literals;

AdminClientOptions options_for(const Fake& server) { return {.socket_file = server.socket_file(), .timeout = 10s}; }

TEST_CASE("a line there, a line back") {
  std::string got;
  {
    const Fake server([&](int connection) {
      got = Fake::read_line(connection);
      Fake::send(connection, "{\"ok\":true}\n");
    });
    CHECK(ask_admin(options_for(server), R"({"v":1})").value() == R"({"ok":true})");
  }
  CHECK(got == R"({"v":1})");
}

TEST_CASE("the answer may come byte by byte") {
  const std::string answer = R"({"ok":true,"result":[1,2,3]})";
  const Fake server([&](int connection) {
    Fake::read_line(connection);
    for (const char c : answer + "\n") Fake::send(connection, std::string(1, c));
  });
  CHECK(ask_admin(options_for(server), "{}").value() == answer);
}

TEST_CASE("lines far larger than a socket's buffer pass both ways") {
  const std::string large(4u << 20, 'x');
  const Fake server([&](int connection) { Fake::send(connection, Fake::read_line(connection) + "\n"); });
  CHECK(ask_admin(options_for(server), large).value() == large);
}

TEST_CASE("each way to fail has its code") {
  struct Row {
    const char* name;
    Fake::Script script;
    Errc code;
  };
  const Row rows[] = {
      {"silence",
       [](int connection) {
         Fake::read_line(connection);
         Fake::hold(connection);
       },
       Errc::DeadlineExceeded},
      {"half an answer",
       [](int connection) {
         Fake::read_line(connection);
         Fake::send(connection, "{\"ok\":");
         Fake::hold(connection);
       },
       Errc::DeadlineExceeded},
      {"half an answer and the end",
       [](int connection) {
         Fake::read_line(connection);
         Fake::send(connection, "{\"ok\":");
       },
       Errc::Unavailable},
      {"the end at once", [](int connection) { ::shutdown(connection, SHUT_RDWR); }, Errc::Unavailable},
      {"two lines",
       [](int connection) {
         Fake::read_line(connection);
         Fake::send(connection, "{}\n{}\n");
       },
       Errc::Malformed},
      {"an endless line",
       [](int connection) {
         Fake::read_line(connection);
         Fake::send(connection, std::string(200'000, 'x'));
         Fake::hold(connection);
       },
       Errc::TooLarge},
  };
  for (const Row& row : rows) {
    CAPTURE(row.name);
    const Fake server(row.script);
    AdminClientOptions options = options_for(server);
    options.max_line_bytes = 100'000;
    if (row.code == Errc::DeadlineExceeded) options.timeout = 50ms;
    const auto answer = ask_admin(options, "{}");
    REQUIRE_FALSE(answer.has_value());
    CHECK(answer.error().code == row.code);
  }
}

TEST_CASE("a server that does not read cannot hold us") {
  const Fake server([](int connection) {
    // Leaves when the client has hung up, which shows without reading anything.
    pollfd entry{connection, POLLRDHUP, 0};
    ::poll(&entry, 1, 10'000);
  });
  AdminClientOptions options = options_for(server);
  options.timeout = 50ms;
  const auto answer = ask_admin(options, std::string(4u << 20, 'x'));
  REQUIRE_FALSE(answer.has_value());
  CHECK(answer.error().code == Errc::DeadlineExceeded);
}

TEST_CASE("an answer that comes instead of reading the whole request is heard") {
  const Fake server([](int connection) {
    Fake::send(connection, "{\"ok\":false}\n");
    ::shutdown(connection, SHUT_RD);
  });
  CHECK(ask_admin(options_for(server), std::string(4u << 20, 'x')).value() == "{\"ok\":false}");
}

TEST_CASE("where nobody listens") {
  AdminClientOptions options{.socket_file = "/nonexistent/admin.sock"};
  CHECK(ask_admin(options, "{}").error().code == Errc::Unavailable);
  options.socket_file = std::string(108, 'x');
  CHECK(ask_admin(options, "{}").error().code == Errc::InvalidArgument);
  options.socket_file = "";
  CHECK(ask_admin(options, "{}").error().code == Errc::InvalidArgument);
  std::string stale;
  {
    std::string pattern = (std::filesystem::temp_directory_path() / "bz-cli-XXXXXX").string();
    stale = std::string(::mkdtemp(pattern.data())) + "/admin.sock";
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::copy(stale.begin(), stale.end(), address.sun_path);
    const int fd = ::socket(AF_UNIX, SOCK_STREAM, 0);
    REQUIRE(::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    ::close(fd);
  }
  options.socket_file = stale;
  CHECK(ask_admin(options, "{}").error().code == Errc::Unavailable);
  std::filesystem::remove_all(std::filesystem::path(stale).parent_path());
}

TEST_CASE("a request over the limit is not sent") {
  AdminClientOptions options{.socket_file = "/nonexistent/admin.sock"};
  options.max_line_bytes = 10;
  CHECK(ask_admin(options, "0123456789").error().code == Errc::TooLarge);
}

}  // namespace
}  // namespace bartizan::cli
