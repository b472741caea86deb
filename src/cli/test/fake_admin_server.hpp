// An admin socket of one connection, on a thread of its own: it reads a line (or not), then does
// what the script says. For the tests of the client.
#pragma once

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <thread>

namespace bartizan::cli {

/// Joins its thread at its end: the script must come to one when the client hangs up.
class FakeAdminServer {
 public:
  using Script = std::function<void(int connection)>;

  explicit FakeAdminServer(Script script) {
    std::string pattern = (std::filesystem::temp_directory_path() / "bz-cli-XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
    listener_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string path = socket_file();
    std::copy(path.begin(), path.end(), address.sun_path);
    if (::bind(listener_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
        ::listen(listener_, 1) != 0)
      std::abort();
    thread_ = std::jthread([this, script = std::move(script)] {
      for (int connection = 0; (connection = ::accept(listener_, nullptr, nullptr)) >= 0; ::close(connection))
        script(connection);
    });
  }
  FakeAdminServer(const FakeAdminServer&) = delete;
  FakeAdminServer& operator=(const FakeAdminServer&) = delete;
  ~FakeAdminServer() {
    ::shutdown(listener_, SHUT_RDWR);  // wakes accept()
    thread_.join();
    ::close(listener_);
    std::filesystem::remove_all(folder_);
  }

  [[nodiscard]] std::string socket_file() const { return (folder_ / "admin.sock").native(); }

  static std::string read_line(int connection) {
    std::string line;
    char c = 0;
    while (::recv(connection, &c, 1, 0) == 1 && c != '\n') line.push_back(c);
    return line;
  }
  static void send(int connection, std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t count = ::send(connection, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (count <= 0) return;
      bytes.remove_prefix(static_cast<std::size_t>(count));
    }
  }
  /// Until the client hangs up.
  static void hold(int connection) {
    char bytes[4096];
    while (::recv(connection, bytes, sizeof bytes, 0) > 0) {
    }
  }

 private:
  std::filesystem::path folder_;
  int listener_ = -1;
  std::jthread thread_;
};

}  // namespace bartizan::cli
