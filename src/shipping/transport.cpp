#include "bartizan/shipping/transport.hpp"

#include <arpa/inet.h>
#include <linux/sockios.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace bartizan::shipping {
namespace {

tl::unexpected<Error> failed(std::string_view what, int error) {
  return fail(Errc::Unavailable, std::string(what) + ": " + std::strerror(error));
}

/// The newest of OpenSSL's errors in a few words: never data.
tl::unexpected<Error> tls_failed(std::string_view what) {
  const unsigned long error = ERR_get_error();
  ERR_clear_error();
  const char* reason = error == 0 ? nullptr : ERR_reason_error_string(error);
  return fail(Errc::Unavailable, std::string(what) + ": " + (reason == nullptr ? "TLS failed" : reason));
}

int milliseconds_until(Transport::Deadline deadline) {
  const auto left =
      std::chrono::duration_cast<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now()).count();
  return left <= 0 ? 0 : static_cast<int>(std::min<std::int64_t>(left + 1, 3'600'000));
}

struct FreeAddresses {
  void operator()(addrinfo* list) const noexcept { ::freeaddrinfo(list); }
};

}  // namespace

Stopper::Stopper() : event_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) { BZ_ASSERT(event_ >= 0); }

Stopper::~Stopper() { ::close(event_); }

void Stopper::stop() noexcept {
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto written = ::write(event_, &one, sizeof one);
}

bool Stopper::sleep(std::chrono::milliseconds time) const {
  pollfd wait{event_, POLLIN, 0};
  return ::poll(&wait, 1, static_cast<int>(time.count())) == 0;
}

Result<TlsContext> TlsContext::open(const Peer& peer) {
  TlsContext out;
  out.context_.reset(SSL_CTX_new(TLS_client_method()));
  SSL_CTX* const context = out.context_.get();
  if (context == nullptr || SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) != 1) return tls_failed("TLS");
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  const int trusted = peer.ca_file.empty() ? SSL_CTX_set_default_verify_paths(context)
                                           : SSL_CTX_load_verify_locations(context, peer.ca_file.c_str(), nullptr);
  if (trusted != 1) return tls_failed(peer.ca_file.empty() ? "the system's authorities" : peer.ca_file);
  if (peer.certificate_file.empty()) return out;
  if (SSL_CTX_use_certificate_chain_file(context, peer.certificate_file.c_str()) != 1)
    return tls_failed(peer.certificate_file);
  if (SSL_CTX_use_PrivateKey_file(context, peer.private_key_file.c_str(), SSL_FILETYPE_PEM) != 1)
    return tls_failed(peer.private_key_file);
  return out;
}

Transport::~Transport() {
  if (tls_ != nullptr) {
    SSL_shutdown(tls_);
    SSL_free(tls_);
    ERR_clear_error();
  }
  if (socket_ >= 0) ::close(socket_);
}

Result<std::unique_ptr<Transport>> Transport::connect(const Peer& peer, const TlsContext* tls, const Stopper& stopper,
                                                      Deadline deadline) {
  std::unique_ptr<Transport> out(new Transport(stopper));
  BZ_CHECK(out->open(peer, deadline));
  if (tls != nullptr) BZ_CHECK(out->handshake(peer, *tls, deadline));
  return out;
}

Result<void> Transport::open(const Peer& peer, Deadline deadline) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int error = ::getaddrinfo(peer.host.c_str(), std::to_string(peer.port).c_str(), &hints, &found);
  if (error != 0) return fail(Errc::Unavailable, peer.host + ": " + ::gai_strerror(error));
  const std::unique_ptr<addrinfo, FreeAddresses> addresses(found);
  int last = 0;
  for (const addrinfo* at = found; at != nullptr; at = at->ai_next) {
    socket_ = ::socket(at->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (socket_ < 0) return failed("socket", errno);
    const int one = 1;
    ::setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    ::setsockopt(socket_, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof one);
    last = ::connect(socket_, at->ai_addr, at->ai_addrlen) == 0 ? 0 : errno;
    if (last == EINPROGRESS) {
      BZ_CHECK(wait(POLLOUT, deadline));
      socklen_t size = sizeof last;
      ::getsockopt(socket_, SOL_SOCKET, SO_ERROR, &last, &size);
    }
    if (last == 0) return {};
    ::close(std::exchange(socket_, -1));
  }
  return failed("connect to " + peer.host, last);
}

Result<void> Transport::handshake(const Peer& peer, const TlsContext& tls, Deadline deadline) {
  tls_ = SSL_new(tls.get());
  if (tls_ == nullptr || SSL_set_fd(tls_, socket_) != 1) return tls_failed("TLS");
  // An address is checked as an address: it has no name to be confused with.
  std::array<unsigned char, 16> address{};
  const bool numeric = ::inet_pton(AF_INET, peer.host.c_str(), address.data()) == 1 ||
                       ::inet_pton(AF_INET6, peer.host.c_str(), address.data()) == 1;
  if (numeric) {
    if (X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(tls_), peer.host.c_str()) != 1) return tls_failed("TLS");
  } else if (SSL_set1_host(tls_, peer.host.c_str()) != 1 || SSL_set_tlsext_host_name(tls_, peer.host.c_str()) != 1) {
    return tls_failed("TLS");
  }
  for (;;) {
    ERR_clear_error();
    const int done = SSL_connect(tls_);
    if (done == 1) return {};
    BZ_CHECK(wait_for_tls(done, deadline, "TLS with " + peer.host));
  }
}

Result<void> Transport::wait(short events, Deadline deadline) {
  for (;;) {
    std::array<pollfd, 2> waits = {{{socket_, events, 0}, {stopper_.descriptor(), POLLIN, 0}}};
    const int ready = ::poll(waits.data(), waits.size(), milliseconds_until(deadline));
    if (ready < 0 && errno == EINTR) continue;
    if (ready < 0) return failed("poll", errno);
    if (waits[1].revents != 0) return fail(Errc::Cancelled, "the program ends");
    if (ready > 0) return {};
    return fail(Errc::DeadlineExceeded, "the receiver does not answer");
  }
}

Result<void> Transport::wait_for_tls(int result, Deadline deadline, std::string_view what) {
  switch (SSL_get_error(tls_, result)) {
    case SSL_ERROR_WANT_READ: return wait(POLLIN, deadline);
    case SSL_ERROR_WANT_WRITE: return wait(POLLOUT, deadline);
    case SSL_ERROR_ZERO_RETURN: return fail(Errc::Unavailable, std::string(what) + ": the receiver has hung up");
    case SSL_ERROR_SYSCALL: return failed(what, errno == 0 ? ECONNRESET : errno);
    default: break;
  }
  const long verified = SSL_get_verify_result(tls_);
  if (verified == X509_V_OK) return tls_failed(what);
  ERR_clear_error();
  return fail(Errc::Unauthenticated, std::string(what) + ": " + X509_verify_cert_error_string(verified));
}

Result<void> Transport::write(std::string_view bytes, Deadline deadline) {
  while (!bytes.empty()) {
    if (tls_ != nullptr) {
      ERR_clear_error();
      std::size_t sent = 0;
      if (SSL_write_ex(tls_, bytes.data(), bytes.size(), &sent) == 1) {
        bytes.remove_prefix(sent);
        continue;
      }
      BZ_CHECK(wait_for_tls(0, deadline, "send"));
      continue;
    }
    const ssize_t sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent > 0) {
      bytes.remove_prefix(static_cast<std::size_t>(sent));
      continue;
    }
    if (errno == EINTR) continue;
    if (errno != EAGAIN) return failed("send", errno);
    BZ_CHECK(wait(POLLOUT, deadline));
  }
  return {};
}

Result<std::size_t> Transport::read(std::span<char> out, Deadline deadline) {
  for (;;) {
    if (tls_ != nullptr) {
      ERR_clear_error();
      std::size_t got = 0;
      if (SSL_read_ex(tls_, out.data(), out.size(), &got) == 1) return got;
      if (SSL_get_error(tls_, 0) == SSL_ERROR_ZERO_RETURN) return std::size_t{0};
      BZ_CHECK(wait_for_tls(0, deadline, "receive"));
      continue;
    }
    const ssize_t got = ::recv(socket_, out.data(), out.size(), 0);
    if (got >= 0) return static_cast<std::size_t>(got);
    if (errno == EINTR) continue;
    if (errno != EAGAIN) return failed("receive", errno);
    BZ_CHECK(wait(POLLIN, deadline));
  }
}

Result<void> Transport::drained(Deadline deadline) {
  for (;;) {
    int unsent = 0;
    if (::ioctl(socket_, SIOCOUTQ, &unsent) != 0) return failed("SIOCOUTQ", errno);
    if (unsent == 0) return {};
    if (peer_gone()) return fail(Errc::Unavailable, "the receiver has hung up");
    if (std::chrono::steady_clock::now() >= deadline)
      return fail(Errc::DeadlineExceeded, "the receiver does not take what was sent");
    if (!stopper_.sleep(std::chrono::milliseconds(5))) return fail(Errc::Cancelled, "the program ends");
  }
}

bool Transport::peer_gone() {
  std::array<char, 1024> passed_over{};
  for (;;) {
    if (tls_ != nullptr) {
      ERR_clear_error();
      std::size_t got = 0;
      if (SSL_read_ex(tls_, passed_over.data(), passed_over.size(), &got) == 1) continue;
      return SSL_get_error(tls_, 0) != SSL_ERROR_WANT_READ;
    }
    const ssize_t got = ::recv(socket_, passed_over.data(), passed_over.size(), 0);
    if (got > 0) continue;
    return got == 0 || (errno != EAGAIN && errno != EINTR);
  }
}

}  // namespace bartizan::shipping
