#include "bartizan/net/stream.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <climits>

#include "readiness.hpp"
#include "socket_bio.hpp"

namespace bartizan::net {
namespace {

using Side = WatchedSocket::Side;

IoResult from_errno(ssize_t n) {
  if (n > 0) return {IoStatus::Ok, static_cast<std::size_t>(n)};
  if (n == 0) return {IoStatus::EndOfStream, 0};
  if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR) return {IoStatus::WouldBlock, 0};
  if (errno == ECONNRESET || errno == EPIPE) return {IoStatus::EndOfStream, 0};
  return {IoStatus::Failed, 0};
}

/// SSL_get_error() must not see what another call left on the thread; mostly there is nothing.
void forget_errors() {
  if (ERR_peek_error() != 0) ERR_clear_error();
}

int clamp_to_int(std::size_t size) { return size > INT_MAX ? INT_MAX : static_cast<int>(size); }

std::string handshake_failure(SSL* ssl) {
  const long verified = SSL_get_verify_result(ssl);
  if (verified != X509_V_OK) return std::string("certificate refused: ") + X509_verify_cert_error_string(verified);
  const unsigned long code = ERR_peek_last_error();
  const char* reason = code == 0 ? nullptr : ERR_reason_error_string(code);
  return reason == nullptr ? "the peer ended the handshake" : reason;
}

Task<bool> given_up() { co_return false; }

}  // namespace

/// The waits end before the descriptor does.
struct Stream::Socket {
  Socket(asio::io_context& context, int descriptor) : watched(context, reads) { reads.socket = descriptor; }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  ~Socket() {
    watched.cancel();
    ::close(reads.socket);
  }

  SocketReads reads;
  WatchedSocket watched;
};

Stream::Stream(asio::io_context& context, int socket)
    : context_(context), socket_(std::make_unique<Socket>(context, socket)) {}

Stream::~Stream() {
  close();
  if (ssl_ != nullptr) SSL_free(ssl_);
}

IoResult Stream::classify(int returned) {
  if (returned > 0) return {IoStatus::Ok, static_cast<std::size_t>(returned)};
  const int saved_errno = errno;
  switch (SSL_get_error(ssl_, returned)) {
    case SSL_ERROR_WANT_READ: return {IoStatus::WouldBlock, 0};
    case SSL_ERROR_WANT_WRITE: read_wants_write_ = true; return {IoStatus::WouldBlock, 0};
    case SSL_ERROR_ZERO_RETURN: return {IoStatus::EndOfStream, 0};
    case SSL_ERROR_SYSCALL:
      tls_broken_ = true;
      return {saved_errno == 0 || saved_errno == ECONNRESET || saved_errno == EPIPE ? IoStatus::EndOfStream
                                                                                    : IoStatus::Failed,
              0};
    default: tls_broken_ = true; return {IoStatus::Failed, 0};
  }
}

IoResult Stream::try_read(std::span<std::byte> into) {
  if (socket_ == nullptr) return {IoStatus::EndOfStream, 0};
  if (ssl_ == nullptr) return from_errno(receive(socket_->reads, into));
  // What OpenSSL read ahead comes first; with none, an empty socket needs no attempt.
  // An end or a fault that came behind the last bytes is still to be told.
  const bool ended = tls_broken_ || SSL_get_shutdown(ssl_) != 0;
  if (socket_->reads.drained && !ended && SSL_has_pending(ssl_) == 0) return {IoStatus::WouldBlock, 0};
  forget_errors();
  std::size_t total = 0;
  // A record yields at most 16 KB: take what OpenSSL has decrypted or holds already, so that a
  // large read costs one pass of the caller.
  do {
    read_wants_write_ = false;
    errno = 0;
    const auto step = classify(SSL_read(ssl_, into.data() + total, clamp_to_int(into.size() - total)));
    if (step.status != IoStatus::Ok) return total > 0 ? IoResult{IoStatus::Ok, total} : step;
    total += step.bytes;
  } while (total < into.size() && SSL_has_pending(ssl_) == 1);
  return {IoStatus::Ok, total};
}

IoResult Stream::try_write(ByteView bytes) {
  if (socket_ == nullptr) return {IoStatus::EndOfStream, 0};
  if (bytes.empty()) return {IoStatus::Ok, 0};
  if (ssl_ == nullptr)
    return from_errno(::send(socket_->reads.socket, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL));
  forget_errors();
  errno = 0;
  const bool saved = read_wants_write_;
  const auto result = classify(SSL_write(ssl_, bytes.data(), clamp_to_int(bytes.size())));
  read_wants_write_ = saved;
  return result;
}

IoResult Stream::try_peek(std::span<std::byte> into) {
  BZ_ASSERT(ssl_ == nullptr);
  if (socket_ == nullptr) return {IoStatus::EndOfStream, 0};
  return from_errno(::recv(socket_->reads.socket, into.data(), into.size(), MSG_DONTWAIT | MSG_PEEK));
}

Task<bool> Stream::wait_readable() {
  if (socket_ == nullptr) return given_up();
  return socket_->watched.wait(Side::Read, read_wants_write_ ? Side::Write : Side::Read);
}

Task<bool> Stream::wait_writable() {
  if (socket_ == nullptr) return given_up();
  return socket_->watched.wait(Side::Write, Side::Write);
}

Task<Result<std::size_t>> Stream::read_some(std::span<std::byte> into) {
  for (;;) {
    const IoResult step = try_read(into);
    switch (step.status) {
      case IoStatus::Ok: co_return step.bytes;
      case IoStatus::EndOfStream: co_return fail(Errc::Unavailable, "end of stream");
      case IoStatus::Failed: co_return fail(Errc::Io, "read failed");
      case IoStatus::WouldBlock: break;
    }
    const bool ready = co_await wait_readable();
    if (!ready) co_return fail(Errc::Cancelled, "read cancelled");
  }
}

Task<Result<void>> Stream::read_exactly(std::span<std::byte> into) {
  while (!into.empty()) {
    auto got = co_await read_some(into);
    if (!got) co_return tl::unexpected(std::move(got).error());
    into = into.subspan(*got);
  }
  co_return Result<void>{};
}

Task<Result<void>> Stream::write_all(ByteView bytes) {
  while (!bytes.empty()) {
    const IoResult step = try_write(bytes);
    switch (step.status) {
      case IoStatus::Ok: bytes = bytes.subspan(step.bytes); continue;
      case IoStatus::EndOfStream: co_return fail(Errc::Unavailable, "end of stream");
      case IoStatus::Failed: co_return fail(Errc::Io, "write failed");
      case IoStatus::WouldBlock: break;
    }
    const bool ready = co_await wait_writable();
    if (!ready) co_return fail(Errc::Cancelled, "write cancelled");
  }
  co_return Result<void>{};
}

Task<Result<void>> Stream::handshake() {
  for (;;) {
    ERR_clear_error();
    errno = 0;
    const int returned = SSL_do_handshake(ssl_);
    if (returned == 1) co_return Result<void>{};
    const int error = SSL_get_error(ssl_, returned);
    bool ready = false;
    if (error == SSL_ERROR_WANT_READ) {
      ready = co_await wait_readable();
    } else if (error == SSL_ERROR_WANT_WRITE) {
      ready = co_await wait_writable();
    } else {
      tls_broken_ = true;
      auto reason = handshake_failure(ssl_);
      ERR_clear_error();
      co_return fail(Errc::Unauthenticated, "TLS handshake failed: " + reason);
    }
    if (!ready) co_return fail(Errc::Cancelled, "TLS handshake cancelled");
  }
}

bool Stream::start_tls() {
  BIO* bio = make_socket_bio(socket_->reads);
  if (bio == nullptr) return false;
  ssl_ = SSL_new(tls_->native());
  if (ssl_ == nullptr) {
    BIO_free(bio);
    return false;
  }
  SSL_set_bio(ssl_, bio, bio);
  return true;
}

Task<Result<void>> Stream::handshake_server(std::shared_ptr<const TlsContext> context) {
  BZ_ASSERT(ssl_ == nullptr);
  tls_ = std::move(context);
  if (!start_tls()) co_return fail(Errc::Internal, "no TLS session");
  SSL_set_accept_state(ssl_);
  auto done = co_await handshake();
  co_return done;
}

Task<Result<void>> Stream::handshake_client(std::shared_ptr<const TlsContext> context, std::string host) {
  BZ_ASSERT(ssl_ == nullptr);
  tls_ = std::move(context);
  if (!start_tls()) co_return fail(Errc::Internal, "no TLS session");
  X509_VERIFY_PARAM* parameters = SSL_get0_param(ssl_);
  if (X509_VERIFY_PARAM_set1_ip_asc(parameters, host.c_str()) != 1) {
    SSL_set_hostflags(ssl_, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    std::string name(host);  // SSL_set_tlsext_host_name, whose macro casts in the old style
    if (SSL_set1_host(ssl_, name.c_str()) != 1 ||
        SSL_ctrl(ssl_, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, name.data()) != 1)
      co_return fail(Errc::InvalidArgument, "host name refused");
  }
  ERR_clear_error();
  SSL_set_connect_state(ssl_);
  auto done = co_await handshake();
  co_return done;
}

std::string Stream::tls_version() const { return ssl_ == nullptr ? std::string() : SSL_get_version(ssl_); }

bool Stream::alpn_is_postgresql() const {
  if (ssl_ == nullptr) return false;
  const unsigned char* name = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(ssl_, &name, &size);
  return std::string_view(reinterpret_cast<const char*>(name), size) == "postgresql";
}

Bytes Stream::peer_certificate_der() const {
  X509* certificate = ssl_ == nullptr ? nullptr : SSL_get0_peer_certificate(ssl_);
  if (certificate == nullptr) return {};
  unsigned char* der = nullptr;
  const int size = i2d_X509(certificate, &der);
  if (size <= 0) return {};
  const auto* first = reinterpret_cast<const std::byte*>(der);
  Bytes out(first, first + size);
  OPENSSL_free(der);
  return out;
}

std::string Stream::peer_common_name() const {
  X509* certificate = ssl_ == nullptr ? nullptr : SSL_get0_peer_certificate(ssl_);
  if (certificate == nullptr || SSL_get_verify_result(ssl_) != X509_V_OK) return {};
  X509_NAME* subject = X509_get_subject_name(certificate);
  const int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
  if (at < 0) return {};
  unsigned char* text = nullptr;
  const int size = ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
  if (size < 0) return {};
  std::string out(reinterpret_cast<const char*>(text), static_cast<std::size_t>(size));
  OPENSSL_free(text);
  // A NUL inside a name is how a forged certificate shows one name and means another.
  if (out.find('\0') != std::string::npos) return {};
  return out;
}

bool Stream::peer_has_closed() {
  if (socket_ == nullptr) return true;
  pollfd state{socket_->reads.socket, POLLRDHUP, 0};
  return ::poll(&state, 1, 0) > 0 && (state.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0;
}

void Stream::cancel() {
  if (socket_ != nullptr) socket_->watched.cancel();
}

void Stream::close() {
  if (socket_ == nullptr) return;
  if (ssl_ != nullptr && !tls_broken_ && SSL_is_init_finished(ssl_)) {
    ERR_clear_error();
    SSL_shutdown(ssl_);  // one try; the peer's answer is not waited for
    ERR_clear_error();
  }
  socket_.reset();
}

}  // namespace bartizan::net
