// Waiting for sockets: an epoll of our own per io_context, in which each socket stands once, edge
// triggered, from its first wait to its end. Asio's async_wait asks the kernel anew for each wait
// (epoll_ctl), and passes each through its scheduler's queue, locks and type erasure; a gateway
// waits twice a transaction (docs/adr/0095). Asio still runs the loop: our epoll is one descriptor
// to it, waited for only while somebody waits here, so that io_context::run() ends as ever.
#pragma once

#include <array>
#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/execution_context.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <utility>
#include <vector>

#include "socket_bio.hpp"

namespace bartizan::net {

namespace asio = boost::asio;

/// The coroutine that waits for one side of a socket, kept in place: a wait allocates nothing but
/// its awaitable. Empty or waiting.
class Waiter {
 public:
  Waiter() = default;
  Waiter(const Waiter&) = delete;
  Waiter& operator=(const Waiter&) = delete;
  ~Waiter() { drop(); }

  [[nodiscard]] bool waiting() const noexcept { return act_ != nullptr; }
  /// REQUIRES: !waiting()
  template <class Handler>
  void set(Handler handler) {
    static_assert(sizeof(Handler) <= kBytes && alignof(Handler) <= alignof(std::max_align_t));
    ::new (place_.data()) Handler(std::move(handler));
    act_ = [](Act act, void* place, Waiter* heir) {
      auto* kept = std::launder(static_cast<Handler*>(place));
      Handler taken(std::move(*kept));
      kept->~Handler();
      switch (act) {
        case Act::Drop: return;
        case Act::Move: return heir->set(std::move(taken));
        case Act::Ready: return std::move(taken)(true);
        case Act::GivenUp: return std::move(taken)(false);
      }
    };
  }
  /// Resumes the coroutine, which may destroy this. REQUIRES: waiting()
  void resume(bool ready) { take()(ready ? Act::Ready : Act::GivenUp, place_.data(), nullptr); }
  /// REQUIRES: waiting() and !heir.waiting()
  void move_to(Waiter& heir) { take()(Act::Move, place_.data(), &heir); }
  /// Destroys the coroutine without resuming it.
  void drop() {
    if (waiting()) take()(Act::Drop, place_.data(), nullptr);
  }

 private:
  enum class Act : std::uint8_t { Drop, Move, Ready, GivenUp };
  using Action = void (*)(Act act, void* place, Waiter* heir);
  [[nodiscard]] Action take() noexcept { return std::exchange(act_, nullptr); }

  static constexpr std::size_t kBytes = 64;
  alignas(std::max_align_t) std::array<std::byte, kBytes> place_{};
  Action act_ = nullptr;
};

class Readiness;

/// One socket's place in it. Belongs to a Stream, on the context's thread; ends before its Readiness.
class WatchedSocket {
 public:
  /// reads outlives it.
  WatchedSocket(asio::io_context& context, SocketReads& reads);
  WatchedSocket(const WatchedSocket&) = delete;
  WatchedSocket& operator=(const WatchedSocket&) = delete;
  ~WatchedSocket();

  enum class Side : std::uint8_t { Read, Write };
  /// True once the socket may be read, or written, or has ended (it may also not: try again); false
  /// when the wait was given up. One wait at a time as a reader and one as a writer.
  /// by: which of the two waits; a reader may have to wait for the Write side.
  [[nodiscard]] asio::awaitable<bool> wait(Side by, Side side);
  /// Ends the waits, from the loop. Before the socket is closed.
  void cancel();

 private:
  friend class Readiness;
  void begin(Side side);
  void deliver(std::uint32_t events);

  Readiness& readiness_;
  SocketReads& reads_;
  Waiter reader_;
  Waiter writer_;
  bool reader_wants_write_ = false;
  bool writable_ = false;  // an edge that nobody waited for
  bool registered_ = false;
  std::uint32_t index_ = 0;
};

/// An asio service, made at its first use; on the context's one thread.
/// Invariants: armed while anybody waits; an event reaches a socket only while it is watched.
class Readiness final : public asio::execution_context::service {
 public:
  using key_type = Readiness;
  static asio::execution_context::id id;
  explicit Readiness(asio::execution_context& context);
  ~Readiness() override;

 private:
  friend class WatchedSocket;
  struct Place {
    WatchedSocket* socket = nullptr;
    std::uint32_t generation = 0;  ///< tells an event of this socket from one of its place's last
  };

  void shutdown() override;
  [[nodiscard]] bool add(WatchedSocket& socket, int descriptor);
  void remove(WatchedSocket& socket) noexcept;
  void begin_wait();
  void end_wait();
  void arm();
  void deliver_events();

  asio::io_context& context_;
  int epoll_ = -1;
  asio::posix::basic_stream_descriptor<asio::io_context::executor_type> descriptor_;
  bool armed_ = false;
  std::size_t waiting_ = 0;
  std::vector<Place> places_;
  std::vector<std::uint32_t> free_;
};

}  // namespace bartizan::net
