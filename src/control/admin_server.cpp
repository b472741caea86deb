#include "bartizan/control/admin_server.hpp"

#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <list>
#include <system_error>
#include <thread>
#include <utility>

#include "admin_connection.hpp"
#include "bartizan/base/log.hpp"

namespace bartizan::control {
namespace {

Result<sockaddr_un> address_of(const std::filesystem::path& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const auto& text = path.native();
  if (text.empty() || text.size() >= sizeof address.sun_path) {
    return fail(Errc::InvalidArgument,
                "the admin socket's path has to be shorter than " + std::to_string(sizeof address.sun_path) + " bytes");
  }
  std::memcpy(address.sun_path, text.c_str(), text.size() + 1);
  return address;
}

Descriptor unix_socket() { return Descriptor(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)); }

const sockaddr* generic(const sockaddr_un& address) { return reinterpret_cast<const sockaddr*>(&address); }

/// Removes a socket on which nobody listens any more; refuses to touch anything else.
Result<void> clear_way(const std::filesystem::path& path, const sockaddr_un& address) {
  struct stat info{};
  if (::lstat(path.c_str(), &info) != 0) return {};
  if (!S_ISSOCK(info.st_mode)) return fail(Errc::AlreadyExists, path.string() + " is there and is no socket");
  const auto probe = unix_socket();
  if (::connect(probe.get(), generic(address), sizeof address) == 0 || errno != ECONNREFUSED) {
    return fail(Errc::AlreadyExists, "another gateway answers on " + path.string());
  }
  if (::unlink(path.c_str()) != 0) return fail(Errc::Io, "the old " + path.string() + " can't be removed");
  return {};
}

Result<Descriptor> listen_on(const AdminServerOptions& options) {
  BZ_TRY(const auto address, address_of(options.socket_path));
  BZ_CHECK(clear_way(options.socket_path, address));
  auto listener = unix_socket();
  // On Linux the socket file takes the socket's own mode less the umask: it is never wider than
  // this, and gets the group's bits only once it has the group.
  if (listener.get() < 0 || ::fchmod(listener.get(), 0600) != 0 ||
      ::bind(listener.get(), generic(address), sizeof address) != 0) {
    return fail(Errc::Io,
                "the admin socket " + options.socket_path.string() + " can't be made: " + std::strerror(errno));
  }
  if (!options.for_readers && options.policy.admin_group &&
      ::lchown(options.socket_path.c_str(), static_cast<uid_t>(-1), *options.policy.admin_group) != 0) {
    BZ_LOG(Warn, "control.socket_without_group", {"reason", std::strerror(errno)});
  }
  if (::chmod(options.socket_path.c_str(), options.for_readers ? 0666 : 0660) != 0 ||
      ::listen(listener.get(), 16) != 0) {
    return fail(Errc::Io, "the admin socket can't listen: " + std::string(std::strerror(errno)));
  }
  return listener;
}

}  // namespace

/// The accepting thread, and the list of serving ones, which only it touches until the end.
class AdminServer::Listener {
 public:
  Listener(AdminServerOptions options, const Verbs& verbs, Descriptor socket)
      : options_(std::move(options)),
        verbs_(verbs),
        socket_(std::move(socket)),
        stop_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    BZ_ASSERT(stop_.get() >= 0);
    thread_ = std::thread([this] { run(); });
  }
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;
  ~Listener() {
    [[maybe_unused]] const auto told = ::eventfd_write(stop_.get(), 1);
    thread_.join();
    for (Serving& one : serving_) one.thread.join();
    ::unlink(options_.socket_path.c_str());
  }

 private:
  struct Serving {
    std::thread thread;
    std::atomic<bool> done{false};
  };

  void run();
  void take(Descriptor client);
  void reap();

  const AdminServerOptions options_;
  const Verbs& verbs_;
  Descriptor socket_;
  Descriptor stop_;
  std::list<Serving> serving_;
  std::thread thread_;
};

void AdminServer::Listener::run() {
  while (true) {
    std::array<pollfd, 2> set = {pollfd{socket_.get(), POLLIN, 0}, pollfd{stop_.get(), POLLIN, 0}};
    if (::poll(set.data(), set.size(), -1) < 0 && errno != EINTR) return;
    if (set[1].revents != 0) return;
    reap();
    Descriptor client(::accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (client.get() >= 0) {
      take(std::move(client));
    } else if (errno == EMFILE || errno == ENFILE || errno == ENOMEM) {
      BZ_LOG(Error, "control.accept_failed", {"reason", std::strerror(errno)});
      pollfd stop{stop_.get(), POLLIN, 0};
      ::poll(&stop, 1, 200);  // not a busy loop while descriptors are short
    }
  }
}

void AdminServer::Listener::reap() {
  serving_.remove_if([](Serving& one) {
    if (!one.done) return false;
    one.thread.join();
    return true;
  });
}

void AdminServer::Listener::take(Descriptor client) {
  Serving& one = serving_.emplace_back();
  const bool full = serving_.size() > options_.max_connections;
  try {
    one.thread = std::thread([this, &one, full, fd = std::move(client)]() mutable {
      {
        AdminConnection connection(std::move(fd), stop_.get(), options_, verbs_);
        full ? connection.refuse({Errc::ResourceExhausted, "too many connections to the admin socket"})
             : connection.serve();
      }
      one.done = true;
    });
  } catch (const std::system_error&) {  // no thread to be had: the client is let go
    BZ_LOG(Error, "control.accept_failed", {"reason", "no thread"});
    serving_.pop_back();
  }
}

AdminServer::AdminServer(std::unique_ptr<Listener> listener) : listener_(std::move(listener)) {}
AdminServer::~AdminServer() = default;

Result<std::unique_ptr<AdminServer>> AdminServer::start(AdminServerOptions options, const Verbs& verbs) {
  BZ_TRY(auto socket, listen_on(options));
  return std::unique_ptr<AdminServer>(
      new AdminServer(std::make_unique<Listener>(std::move(options), verbs, std::move(socket))));
}

}  // namespace bartizan::control
