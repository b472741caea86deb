// Sessions of one worker that wait for their audit intents to be durable. However many wait, a flush
// of the log posts once to the worker's loop, and not at all while nobody does.
#pragma once

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstdint>

#include "bartizan/audit/log.hpp"
#include "bartizan/net/stream.hpp"

namespace bartizan::proxy {

/// The worker thread's alone, but for the log's observer. Outlived by the log and by the io_context;
/// must not end while its loop still runs what it has posted.
class DurableWaits {
 public:
  DurableWaits(audit::Log& log, net::asio::io_context& context, std::chrono::milliseconds longest);
  ~DurableWaits();
  DurableWaits(const DurableWaits&) = delete;
  DurableWaits& operator=(const DurableWaits&) = delete;

  /// True once the ticket is durable; false when that takes too long, or when owner has been abandoned.
  [[nodiscard]] net::Task<bool> until_durable(audit::Ticket ticket, const void* owner);
  /// Whatever waits for owner ends with false.
  void abandon(const void* owner) noexcept;

  /// A wait without a coroutine: stands in its owner, allocates nothing and arms no timer, so the owner
  /// looks after the time itself. Leaves the list when it ends or is told. Worker thread only; must not
  /// outlive the DurableWaits.
  class Notice {
   public:
    using Told = void (*)(void* owner);
    Notice() = default;
    ~Notice() { unlist(); }
    Notice(const Notice&) = delete;
    Notice& operator=(const Notice&) = delete;
    [[nodiscard]] bool waiting() const noexcept { return link_ != nullptr; }
    void unlist() noexcept;

   private:
    friend class DurableWaits;
    void enter(Notice*& head) noexcept;
    void leave() noexcept;
    DurableWaits* waits_ = nullptr;  ///< while it waits
    audit::Ticket until_;
    Told told_ = nullptr;
    void* owner_ = nullptr;
    Notice* next_ = nullptr;
    Notice** link_ = nullptr;  ///< what points to this one
  };
  /// told is called once from the worker's loop, never from here. One that waits already waits for
  /// the later ticket instead.
  void tell(Notice& notice, audit::Ticket until, Notice::Told told, void* owner);
  [[nodiscard]] bool durable(audit::Ticket ticket) const { return log_.durable(ticket); }
  [[nodiscard]] std::chrono::milliseconds longest() const noexcept { return longest_; }
  /// A notice's owner has waited for longer than that.
  void count_given_up() noexcept { ++given_up_; }
  /// Since the start; the tick publishes them.
  struct Figures {
    std::uint64_t waits = 0;
    std::uint64_t given_up = 0;
  };
  [[nodiscard]] Figures figures() const noexcept { return {waits_, given_up_}; }

 private:
  /// Lives in the coroutine that waits: a wait allocates nothing of its own.
  struct Wait {
    Wait(net::asio::io_context& context, audit::Ticket ticket, const void* who)
        : until(ticket), owner(who), timer(context) {}
    audit::Ticket until;
    const void* owner;
    net::asio::steady_timer timer;
    Wait* next = nullptr;
    Wait** link = nullptr;  ///< what points to this one
  };
  class Listed;
  void on_flush();
  void post_wake();
  void wake();

  audit::Log& log_;
  net::asio::io_context& context_;
  const std::chrono::milliseconds longest_;
  Wait* first_ = nullptr;
  Notice* notices_ = nullptr;
  std::uint64_t waits_ = 0;
  std::uint64_t given_up_ = 0;
  std::atomic<std::uint32_t> waiting_{0};
  std::atomic<bool> posted_{false};
  audit::Log::ObserverId observer_;
};

}  // namespace bartizan::proxy
