#include <doctest/doctest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <thread>

#include "bartizan/control/admin_server.hpp"
#include "control_fixture.hpp"

namespace bartizan::control {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;
using test::ControlFixture;

/// A client that speaks bytes.
class Client {
 public:
  explicit Client(const std::filesystem::path& path) : fd_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.c_str(), path.native().size() + 1);
    connected_ = ::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  }
  Client(Client&& other) noexcept : fd_(std::exchange(other.fd_, -1)), connected_(other.connected_) {}
  ~Client() {
    if (fd_ >= 0) ::close(fd_);
  }
  [[nodiscard]] bool connected() const { return connected_; }
  void send(std::string_view text) const {
    while (!text.empty()) {
      const auto count = ::send(fd_, text.data(), text.size(), MSG_NOSIGNAL);
      if (count <= 0) return;
      text.remove_prefix(static_cast<std::size_t>(count));
    }
  }
  /// One line, or what came until the end or five seconds passed.
  std::string line() {
    const auto until = steady_clock::now() + milliseconds(5000);
    while (held_.find('\n') == std::string::npos && steady_clock::now() < until) {
      pollfd readable{fd_, POLLIN, 0};
      if (::poll(&readable, 1, 100) <= 0) continue;
      std::array<char, 65536> bytes;
      const auto count = ::recv(fd_, bytes.data(), bytes.size(), 0);
      if (count <= 0) break;
      held_.append(bytes.data(), static_cast<std::size_t>(count));
    }
    const auto end = std::min(held_.find('\n'), held_.size());
    auto out = held_.substr(0, end);
    held_.erase(0, std::min(end + 1, held_.size()));
    return out;
  }
  /// Has the server closed, within the time?
  [[nodiscard]] bool closed(milliseconds time) const {
    const auto until = steady_clock::now() + time;
    while (steady_clock::now() < until) {
      pollfd readable{fd_, POLLIN, 0};
      if (::poll(&readable, 1, 50) <= 0) continue;
      char byte = 0;
      if (::recv(fd_, &byte, 1, 0) <= 0) return true;
    }
    return false;
  }

 private:
  int fd_;
  bool connected_ = false;
  std::string held_;
};

struct Served : ControlFixture {
  std::filesystem::path folder = [] {
    std::array<char, 32> pattern{"/tmp/bz-admin-XXXXXX"};
    REQUIRE(::mkdtemp(pattern.data()) != nullptr);
    return std::filesystem::path(pattern.data());
  }();
  std::filesystem::path path = folder / "admin.sock";
  std::unique_ptr<AdminServer> server;

  ~Served() {
    server.reset();
    std::filesystem::remove_all(folder);
  }
  Result<std::unique_ptr<AdminServer>> try_start(AdminServerOptions options = {}) const {
    options.socket_path = path;
    options.policy = AdminPolicy{::geteuid(), std::nullopt};
    return AdminServer::start(std::move(options), verbs);
  }
  void start(AdminServerOptions options = {}) {
    auto started = try_start(std::move(options));
    INFO((started ? "" : started.error().detail));
    REQUIRE(started.has_value());
    server = std::move(*started);
  }
};

const std::string kStatus = R"({"v":1,"verb":"status"})";
constexpr const char* kGood = R"({"ok":true)";

TEST_CASE_FIXTURE(Served, "requests are answered in order, several to a packet or a packet to a byte") {
  start();
  struct stat info{};
  REQUIRE(::stat(path.c_str(), &info) == 0);
  CHECK((info.st_mode & 0777) == 0660);
  Client client(path);
  client.send(R"({"v":1,"verb":"tenant.create","args":{"name":"a"}})"
              "\n"
              R"({"v":1,"verb":"tenant.list"})"
              "\n");
  CHECK(client.line().find(R"("name":"a")") != std::string::npos);
  CHECK(client.line().starts_with(R"({"ok":true,"result":[)"));
  for (const char c : kStatus + "\n") client.send(std::string(1, c));
  CHECK(client.line().starts_with(kGood));
  CHECK(sql("SELECT actor FROM bartizan.changes") == actor_name({::geteuid(), {}, 0}));
}

TEST_CASE_FIXTURE(Served, "garbage gets its error and the next line is served") {
  start();
  Client client(path);
  client.send("garbage\n\n\x01\xff\n" + kStatus + "\n");
  for (int i = 0; i < 3; ++i) CHECK(client.line().find(R"("code":"malformed")") != std::string::npos);
  CHECK(client.line().starts_with(kGood));
}

TEST_CASE_FIXTURE(Served, "an oversized line gets its error and the end") {
  start();
  Client client(path);
  std::thread sender([&] { client.send(std::string((std::size_t{16} << 20) + 4096, 'x')); });
  CHECK(client.line().find(R"("code":"too_large")") != std::string::npos);
  sender.join();
  CHECK(client.closed(milliseconds(3000)));
  CHECK(Client(path).connected());
}

TEST_CASE_FIXTURE(Served, "a line of just the greatest length is a request like any other") {
  AdminServerOptions options;
  options.max_line_bytes = 100;
  start(options);
  Client client(path);
  client.send(kStatus + std::string(100 - kStatus.size(), ' ') + "\n");
  CHECK(client.line().starts_with(kGood));
  client.send(kStatus + std::string(101 - kStatus.size(), ' ') + "\n");
  CHECK(client.line().find("too_large") != std::string::npos);
}

TEST_CASE_FIXTURE(Served, "one connection too many is told so, and a place that gets free is given again") {
  AdminServerOptions options;
  options.max_connections = 3;
  start(options);
  std::vector<Client> clients;
  for (int i = 0; i < 3; ++i) {
    clients.emplace_back(path);
    clients.back().send(kStatus + "\n");
    CHECK(clients.back().line().starts_with(kGood));
  }
  Client refused(path);
  CHECK(refused.line().find(R"("code":"resource_exhausted")") != std::string::npos);
  CHECK(refused.closed(milliseconds(3000)));
  clients.pop_back();
  bool served = false;
  for (int i = 0; i < 100 && !served; ++i) {
    Client again(path);
    again.send(kStatus + "\n");
    served = again.line().starts_with(kGood);
    if (!served) std::this_thread::sleep_for(milliseconds(20));
  }
  CHECK(served);
}

TEST_CASE_FIXTURE(Served, "idle connections are closed, trickling ones too") {
  AdminServerOptions options;
  options.idle_timeout = milliseconds(300);
  start(options);
  Client idle(path);
  Client trickling(path);
  const auto begin = steady_clock::now();
  std::thread trickle([&] {
    for (int i = 0; i < 40; ++i) {
      trickling.send("x");
      std::this_thread::sleep_for(milliseconds(50));
    }
  });
  CHECK(idle.closed(milliseconds(2000)));
  CHECK(trickling.closed(milliseconds(1500)));
  CHECK(steady_clock::now() - begin < milliseconds(1900));
  trickle.join();
}

TEST_CASE_FIXTURE(Served, "a client that leaves in the middle, or never reads, harms nobody") {
  start();
  for (int i = 0; i < 5; ++i) {
    Client client(path);
    client.send(R"({"v":1,"verb":"sta)");
  }
  Client deaf(path);
  for (int i = 0; i < 50; ++i) deaf.send(kStatus + "\n");
  Client other(path);
  other.send(kStatus + "\n");
  CHECK(other.line().starts_with(kGood));
}

TEST_CASE_FIXTURE(Served, "it stops at once with clients connected, and takes its socket away") {
  start();
  Client client(path);
  client.send(kStatus + "\n");
  CHECK(client.line().starts_with(kGood));
  const auto begin = steady_clock::now();
  server.reset();
  CHECK(steady_clock::now() - begin < milliseconds(1000));
  CHECK(client.closed(milliseconds(1000)));
  CHECK_FALSE(std::filesystem::exists(path));
}

TEST_CASE_FIXTURE(Served, "a socket left over is taken over, a live one and anything else is not") {
  start();
  CHECK(try_start().error().code == Errc::AlreadyExists);
  Client still(path);
  still.send(kStatus + "\n");
  CHECK(still.line().starts_with(kGood));
  server.reset();
  {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.c_str(), path.native().size() + 1);
    const int dead = ::socket(AF_UNIX, SOCK_STREAM, 0);
    REQUIRE(::bind(dead, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    ::close(dead);
  }
  start();
  server.reset();
  std::ofstream(path) << "precious";
  CHECK(try_start().error().code == Errc::AlreadyExists);
  CHECK(std::filesystem::file_size(path) == 8);
  path = folder / std::string(120, 'x');
  CHECK(try_start().error().code == Errc::InvalidArgument);
}

TEST_CASE_FIXTURE(Served, "who may not is told so and disconnected") {
  AdminServerOptions options;
  options.socket_path = path;
  options.policy = AdminPolicy{::geteuid() + 1, std::nullopt};
  if (::geteuid() == 0) return;  // root may always; the next test drops root
  auto started = AdminServer::start(options, verbs);
  REQUIRE(started.has_value());
  Client client(path);
  CHECK(client.line().find(R"("code":"permission_denied")") != std::string::npos);
  CHECK(client.closed(milliseconds(3000)));
}

TEST_CASE_FIXTURE(Served,
                  "another user is refused by the file's mode, and by peer credentials where the mode lets it in") {
  if (::geteuid() != 0) return;
  start();
  const auto as_nobody = [&](const std::string& mode) {
    std::filesystem::permissions(folder, std::filesystem::perms(0755));
    std::string answer;
    std::array<int, 2> ends{};
    REQUIRE(::pipe(ends.data()) == 0);
    if (mode == "open") REQUIRE(::chmod(path.c_str(), 0666) == 0);
    const auto child = ::fork();
    if (child == 0) {
      if (::setgid(65534) != 0 || ::setuid(65534) != 0) ::_exit(2);
      Client client(path);
      const auto text = client.connected() ? client.line() : std::string("no connection");
      [[maybe_unused]] const auto done = ::write(ends[1], text.data(), text.size());
      ::_exit(0);
    }
    ::close(ends[1]);
    std::array<char, 4096> bytes;
    while (true) {
      const auto count = ::read(ends[0], bytes.data(), bytes.size());
      if (count <= 0) break;
      answer.append(bytes.data(), static_cast<std::size_t>(count));
    }
    ::close(ends[0]);
    return answer;
  };
  CHECK(as_nobody("closed") == "no connection");
  CHECK(as_nobody("open").find(R"("code":"permission_denied")") != std::string::npos);
}

}  // namespace
}  // namespace bartizan::control
