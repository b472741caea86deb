// A connection to a receiver, blocking with deadlines: TCP, and TLS over it with the receiver's certificate checked
// against a CA and its name. Ends early when the program stops.
#pragma once

#include <openssl/ssl.h>

#include <chrono>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "bartizan/base/result.hpp"
#include "bartizan/shipping/sink.hpp"

namespace bartizan::shipping {

/// Set once, from any thread; every wait of a transport sees it.
class Stopper {
 public:
  Stopper();
  ~Stopper();
  Stopper(const Stopper&) = delete;
  Stopper& operator=(const Stopper&) = delete;
  void stop() noexcept;
  /// False: told to stop before that time was over.
  [[nodiscard]] bool sleep(std::chrono::milliseconds time) const;
  [[nodiscard]] int descriptor() const noexcept { return event_; }

 private:
  int event_;
};

/// Made once a sink, from files that it reads then.
class TlsContext {
 public:
  [[nodiscard]] static Result<TlsContext> open(const Peer& peer);
  [[nodiscard]] SSL_CTX* get() const noexcept { return context_.get(); }

 private:
  struct Free {
    void operator()(SSL_CTX* context) const noexcept { SSL_CTX_free(context); }
  };
  std::unique_ptr<SSL_CTX, Free> context_;
};

/// One thread's. After an error it is of no more use.
class Transport {
 public:
  using Deadline = std::chrono::steady_clock::time_point;

  /// tls: null for plain TCP.
  [[nodiscard]] static Result<std::unique_ptr<Transport>> connect(const Peer& peer, const TlsContext* tls,
                                                                  const Stopper& stopper, Deadline deadline);
  ~Transport();
  Transport(const Transport&) = delete;
  Transport& operator=(const Transport&) = delete;

  [[nodiscard]] Result<void> write(std::string_view bytes, Deadline deadline);
  /// At least one byte; 0: the receiver has ended the connection in order.
  [[nodiscard]] Result<std::size_t> read(std::span<char> out, Deadline deadline);
  /// The receiver's kernel has all that was written.
  [[nodiscard]] Result<void> drained(Deadline deadline);
  /// It has ended the connection, or broken it. What it says is passed over.
  [[nodiscard]] bool peer_gone();

 private:
  explicit Transport(const Stopper& stopper) : stopper_(stopper) {}
  [[nodiscard]] Result<void> open(const Peer& peer, Deadline deadline);
  [[nodiscard]] Result<void> handshake(const Peer& peer, const TlsContext& tls, Deadline deadline);
  [[nodiscard]] Result<void> wait(short events, Deadline deadline);
  [[nodiscard]] Result<void> wait_for_tls(int result, Deadline deadline, std::string_view what);

  const Stopper& stopper_;
  int socket_ = -1;
  SSL* tls_ = nullptr;
};

}  // namespace bartizan::shipping
