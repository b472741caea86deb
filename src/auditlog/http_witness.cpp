// The C2SP tlog-witness call over plain HTTP/1.1: one connection a call, all of it within a deadline.
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>

#include "bartizan/auditlog/witness_keeper.hpp"

namespace bartizan::auditlog {
namespace {

using std::chrono::steady_clock;

constexpr auto kDeadline = std::chrono::seconds(10);
constexpr std::size_t kMaxAnswer = 64 * 1024;
constexpr std::string_view kScheme = "http://";

struct Socket {
  int fd = -1;
  explicit Socket(int descriptor) : fd(descriptor) {}
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  ~Socket() {
    if (fd >= 0) ::close(fd);
  }
};

bool ready(int fd, short events, steady_clock::time_point until) {
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - steady_clock::now()).count();
    pollfd one{fd, events, 0};
    const int found = ::poll(&one, 1, static_cast<int>(std::max<std::int64_t>(left, 0)));
    if (found > 0) return true;
    if (found == 0 || errno != EINTR) return false;
  }
}

tl::unexpected<Error> silent() { return fail(Errc::DeadlineExceeded, "the witness does not answer in time"); }

class HttpWitness final : public WitnessChannel {
 public:
  HttpWitness(std::string host, std::string port, std::string path)
      : host_(std::move(host)), port_(std::move(port)), path_(std::move(path)) {}

  Result<WitnessReply> add_checkpoint(std::string_view request) override { return post("/add-checkpoint", request); }
  Result<WitnessReply> add_key(std::string_view note) override { return post("/add-key", note); }

 private:
  [[nodiscard]] Result<WitnessReply> post(std::string_view call, std::string_view request) const {
    const auto until = steady_clock::now() + kDeadline;
    BZ_TRY(const int fd, connect(until));
    const Socket socket(fd);
    std::string bytes =
        "POST " + path_ + std::string(call) + " HTTP/1.1\r\nHost: " + host_ + ":" + port_ +
        "\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: " + std::to_string(request.size()) +
        "\r\nConnection: close\r\n\r\n";
    bytes.append(request);
    BZ_CHECK(send(socket.fd, bytes, until));
    BZ_TRY(const auto answer, receive(socket.fd, until));
    return parse(answer);
  }
  [[nodiscard]] Result<int> connect(steady_clock::time_point until) const {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    if (::getaddrinfo(host_.c_str(), port_.c_str(), &hints, &found) != 0)
      return fail(Errc::Unavailable, "the witness's name has no address");
    int connected = -1;
    for (const addrinfo* at = found; at != nullptr && connected < 0; at = at->ai_next) {
      const int fd = ::socket(at->ai_family, at->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, at->ai_protocol);
      if (fd < 0) continue;
      int error = 0;
      socklen_t size = sizeof error;
      const bool there = ::connect(fd, at->ai_addr, at->ai_addrlen) == 0 ||
                         (errno == EINPROGRESS && ready(fd, POLLOUT, until) &&
                          ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) == 0 && error == 0);
      if (there)
        connected = fd;
      else
        ::close(fd);
    }
    ::freeaddrinfo(found);
    if (connected < 0) return fail(Errc::Unavailable, "the witness can't be reached");
    return connected;
  }

  [[nodiscard]] static Result<void> send(int fd, std::string_view bytes, steady_clock::time_point until) {
    while (!bytes.empty()) {
      const auto count = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (count > 0)
        bytes.remove_prefix(static_cast<std::size_t>(count));
      else if (errno != EAGAIN && errno != EINTR)
        return fail(Errc::Unavailable, "the witness ended the connection");
      else if (!ready(fd, POLLOUT, until))
        return silent();
    }
    return {};
  }

  /// All up to the end of the connection, which was asked for.
  [[nodiscard]] static Result<std::string> receive(int fd, steady_clock::time_point until) {
    std::string out;
    char block[4096];
    for (;;) {
      if (!ready(fd, POLLIN, until)) return silent();
      const auto count = ::recv(fd, block, sizeof block, 0);
      if (count == 0) return out;
      if (count < 0 && (errno == EAGAIN || errno == EINTR)) continue;
      if (count < 0) return fail(Errc::Unavailable, "the witness ended the connection");
      if (out.size() + static_cast<std::size_t>(count) > kMaxAnswer)
        return fail(Errc::TooLarge, "the witness's answer is too long");
      out.append(block, static_cast<std::size_t>(count));
    }
  }

  [[nodiscard]] static Result<WitnessReply> parse(std::string_view answer) {
    const auto malformed = [] { return fail(Errc::Malformed, "the witness does not speak HTTP/1.1"); };
    const auto end = answer.find("\r\n\r\n");
    if (end == std::string_view::npos || answer.size() < 12 || !answer.starts_with("HTTP/1.")) return malformed();
    WitnessReply reply;
    const auto [at, error] = std::from_chars(answer.data() + 9, answer.data() + 12, reply.status);
    if (error != std::errc{} || at != answer.data() + 12 || answer[8] != ' ') return malformed();
    std::string head(answer.substr(0, end));
    std::transform(head.begin(), head.end(), head.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
    if (head.find("\r\ntransfer-encoding:") != std::string::npos)
      return fail(Errc::Unsupported, "the witness answers in chunks, which is not understood here");
    reply.body = std::string(answer.substr(end + 4));
    // A length that was promised has to be there: half a cosignature is none.
    constexpr std::string_view kLength = "\r\ncontent-length:";
    if (const auto field = head.find(kLength); field != std::string::npos) {
      std::size_t length = 0;
      auto text = std::string_view(head).substr(field + kLength.size());
      while (text.starts_with(' ')) text.remove_prefix(1);
      std::from_chars(text.data(), text.data() + text.size(), length);
      if (length != reply.body.size()) return malformed();
    }
    return reply;
  }

  const std::string host_;
  const std::string port_;
  const std::string path_;
};

bool plain(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < '\x7f'; });
}

}  // namespace

Result<std::unique_ptr<WitnessChannel>> http_witness(std::string_view url) {
  const auto wrong = [] {
    return fail(Errc::InvalidArgument,
                "a witness is named http://HOST[:PORT][/PREFIX]: what goes there is signed on both sides");
  };
  if (!url.starts_with(kScheme) || !plain(url)) return wrong();
  url.remove_prefix(kScheme.size());
  const auto slash = std::min(url.find('/'), url.size());
  std::string_view where = url.substr(0, slash);
  std::string path(url.substr(slash));
  while (path.ends_with('/')) path.pop_back();
  std::string port = "80";
  const auto bracket = where.find(']');
  const auto colon = where.find(':', bracket == std::string_view::npos ? 0 : bracket);
  if (colon != std::string_view::npos) {
    port = std::string(where.substr(colon + 1));
    where = where.substr(0, colon);
  }
  if (where.starts_with('[') && where.ends_with(']')) where = where.substr(1, where.size() - 2);
  if (where.empty() || where.find('@') != std::string_view::npos || port.empty() || port.size() > 5 ||
      port.find_first_not_of("0123456789") != std::string::npos || path.find_first_of("?#") != std::string::npos)
    return wrong();
  return std::unique_ptr<WitnessChannel>(std::make_unique<HttpWitness>(std::string(where), std::move(port), path));
}

}  // namespace bartizan::auditlog
