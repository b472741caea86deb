// A byte stream over a connected socket, in the clear or under TLS, for one coroutine a
// direction. Why not asio::ssl::stream: OpenSSL works on the socket itself here, so a record is
// copied once, an idle session holds no buffer of ours, and a read that can be answered at once
// costs no round through the reactor (docs/adr/0005).
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "bartizan/base/bytes.hpp"
#include "bartizan/base/result.hpp"
#include "bartizan/net/tls.hpp"

struct ssl_st;

namespace bartizan::net {

namespace asio = boost::asio;
template <class T>
using Task = asio::awaitable<T>;

enum class IoStatus : std::uint8_t { Ok, WouldBlock, EndOfStream, Failed };

struct IoResult {
  IoStatus status = IoStatus::Ok;
  std::size_t bytes = 0;
};

/// Owns the socket. Lives on one io_context thread; not thread-safe. At most one coroutine may
/// wait to read and one to write. close() or cancel() from the same thread ends their waits.
class Stream {
 public:
  /// Takes a connected, non-blocking socket.
  Stream(asio::io_context& context, int socket);
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  ~Stream();

  /// Never suspends. EndOfStream stays EndOfStream.
  [[nodiscard]] IoResult try_read(std::span<std::byte> into);
  [[nodiscard]] IoResult try_write(ByteView bytes);
  /// Reads without consuming; only in the clear.
  [[nodiscard]] IoResult try_peek(std::span<std::byte> into);
  /// For after a try that would have blocked; may end with nothing there. False when the wait was
  /// cancelled.
  [[nodiscard]] Task<bool> wait_readable();
  [[nodiscard]] Task<bool> wait_writable();

  /// As many bytes as there are, at least one; EndOfStream is Errc::Cancelled's neighbour
  /// Errc::Unavailable with detail "end of stream".
  [[nodiscard]] Task<Result<std::size_t>> read_some(std::span<std::byte> into);
  [[nodiscard]] Task<Result<void>> read_exactly(std::span<std::byte> into);
  [[nodiscard]] Task<Result<void>> write_all(ByteView bytes);

  /// REQUIRES: no byte of the peer has been read beyond what was decoded (the caller checks).
  [[nodiscard]] Task<Result<void>> handshake_server(std::shared_ptr<const TlsContext> context);
  /// Verifies the chain and that the certificate names host (RFC 6125; IP addresses too).
  [[nodiscard]] Task<Result<void>> handshake_client(std::shared_ptr<const TlsContext> context, std::string host);

  [[nodiscard]] bool is_tls() const noexcept { return ssl_ != nullptr; }
  [[nodiscard]] std::string tls_version() const;
  [[nodiscard]] bool alpn_is_postgresql() const;
  /// DER of the peer's certificate, empty without one.
  [[nodiscard]] Bytes peer_certificate_der() const;
  /// Common name of the peer's *verified* certificate, empty without one.
  [[nodiscard]] std::string peer_common_name() const;

  /// Ends waits; the stream stays usable.
  void cancel();
  /// Sends close_notify if that needs no waiting, and closes. Idempotent.
  void close();
  /// The peer has closed its side, whatever is still to be read. Asks the kernel.
  [[nodiscard]] bool peer_has_closed();
  [[nodiscard]] bool is_open() const noexcept { return socket_ != nullptr; }
  [[nodiscard]] asio::io_context& context() noexcept { return context_; }

 private:
  struct Socket;
  [[nodiscard]] bool start_tls();
  [[nodiscard]] Task<Result<void>> handshake();
  [[nodiscard]] IoResult classify(int returned);

  asio::io_context& context_;
  std::unique_ptr<Socket> socket_;  // null once closed
  ssl_st* ssl_ = nullptr;
  std::shared_ptr<const TlsContext> tls_;
  bool tls_broken_ = false;      // a fatal TLS error: no close_notify any more
  bool read_wants_write_ = false;  // SSL_read asked for writability (a key update)
};

}  // namespace bartizan::net
