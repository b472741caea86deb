#include "readiness.hpp"

#include <sys/epoll.h>
#include <unistd.h>

#include <boost/asio/post.hpp>
#include <utility>

#include "bartizan/base/result.hpp"

namespace bartizan::net {
namespace {

constexpr std::size_t kEventsAtOnce = 128;
/// Ends and errors show on both sides.
constexpr std::uint32_t kEnd = EPOLLRDHUP | EPOLLHUP | EPOLLERR;

std::uint64_t event_key(std::uint32_t index, std::uint32_t generation) {
  return (std::uint64_t{generation} << 32) | index;
}

}  // namespace

asio::execution_context::id Readiness::id;

Readiness::Readiness(asio::execution_context& context)
    : service(context),
      context_(static_cast<asio::io_context&>(context)),
      epoll_(::epoll_create1(EPOLL_CLOEXEC)),
      descriptor_(context_.get_executor()) {
  BZ_ASSERT(epoll_ >= 0);
  descriptor_.assign(epoll_);
}

Readiness::~Readiness() = default;

/// The context ends: what waits is never resumed. Coroutines destroyed here take their streams
/// along, which then ask for their removal.
void Readiness::shutdown() {
  for (std::size_t i = 0; i < places_.size(); ++i) {
    if (places_[i].socket != nullptr) places_[i].socket->reader_.drop();
    if (places_[i].socket != nullptr) places_[i].socket->writer_.drop();
  }
  boost::system::error_code ignored;
  descriptor_.close(ignored);
  epoll_ = -1;
}

bool Readiness::add(WatchedSocket& socket, int descriptor) {
  if (epoll_ < 0) return false;
  std::uint32_t index = 0;
  if (free_.empty()) {
    index = static_cast<std::uint32_t>(places_.size());
    places_.emplace_back();
  } else {
    index = free_.back();
    free_.pop_back();
  }
  epoll_event event{};
  event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
  event.data.u64 = event_key(index, places_[index].generation);
  if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, descriptor, &event) != 0) {
    free_.push_back(index);
    return false;
  }
  places_[index].socket = &socket;
  socket.index_ = index;
  return true;
}

/// The kernel forgets a descriptor by its close, which follows.
void Readiness::remove(WatchedSocket& socket) noexcept {
  places_[socket.index_].socket = nullptr;
  ++places_[socket.index_].generation;
  free_.push_back(socket.index_);
}

void Readiness::begin_wait() {
  ++waiting_;
  arm();
}

/// With nobody left the loop must be able to end.
void Readiness::end_wait() {
  if (--waiting_ > 0 || !armed_) return;
  boost::system::error_code ignored;
  descriptor_.cancel(ignored);
}

void Readiness::arm() {
  if (armed_ || waiting_ == 0 || epoll_ < 0) return;
  armed_ = true;
  descriptor_.async_wait(asio::posix::descriptor_base::wait_read, [this](boost::system::error_code error) {
    armed_ = false;
    if (!error) deliver_events();
    arm();
  });
}

/// What does not fit comes next time, so that the loop's other work gets its turn.
void Readiness::deliver_events() {
  std::array<epoll_event, kEventsAtOnce> events;
  const int count = ::epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), 0);
  for (int i = 0; i < count; ++i) {
    const epoll_event& event = events[static_cast<std::size_t>(i)];
    const auto index = static_cast<std::uint32_t>(event.data.u64);
    const Place& place = places_[index];
    // A coroutine resumed before may have closed this socket, and opened another in its place.
    if (place.socket != nullptr && event_key(index, place.generation) == event.data.u64)
      place.socket->deliver(event.events);
  }
}

WatchedSocket::WatchedSocket(asio::io_context& context, SocketReads& reads)
    : readiness_(asio::use_service<Readiness>(context)), reads_(reads) {}

WatchedSocket::~WatchedSocket() {
  if (registered_) readiness_.remove(*this);
}

asio::awaitable<bool> WatchedSocket::wait(Side by, Side side) {
  return asio::async_initiate<const asio::use_awaitable_t<>, void(bool)>(
      [this, by, side](auto handler) {
        Waiter& waiter = by == Side::Read ? reader_ : writer_;
        BZ_ASSERT(!waiter.waiting());
        waiter.set(std::move(handler));
        if (by == Side::Read) reader_wants_write_ = side == Side::Write;
        begin(side);
      },
      asio::use_awaitable);
}

void WatchedSocket::begin(Side side) {
  readiness_.begin_wait();
  if (!registered_) {
    registered_ = readiness_.add(*this, reads_.socket);
    if (!registered_) cancel();
    return;
  }
  // What came since the socket was found empty or full, or while nobody looked: no edge will tell.
  std::uint32_t missed = 0;
  if (reader_.waiting() && !reader_wants_write_ && !reads_.drained) missed |= EPOLLIN;
  if (side == Side::Write && std::exchange(writable_, false)) missed |= EPOLLOUT;
  if (missed == 0) return;
  asio::post(readiness_.context_,
             [&readiness = readiness_, index = index_, missed, generation = readiness_.places_[index_].generation] {
               const auto& place = readiness.places_[index];
               if (place.socket != nullptr && place.generation == generation) place.socket->deliver(missed);
             });
}

void WatchedSocket::deliver(std::uint32_t events) {
  if ((events & kEnd) != 0) reads_.ended = true;
  const std::uint32_t for_reader = (reader_wants_write_ ? EPOLLOUT : EPOLLIN) | kEnd;
  if ((events & (for_reader | EPOLLIN)) != 0) reads_.drained = false;
  const bool write = (events & (EPOLLOUT | kEnd)) != 0;
  if (write && !writer_.waiting()) writable_ = true;
  Readiness& readiness = readiness_;
  const auto index = index_;
  const auto generation = readiness.places_[index].generation;
  if ((events & for_reader) != 0 && reader_.waiting()) {
    readiness.end_wait();
    reader_.resume(true);
  }
  // The reader may have closed the socket.
  if (!write || readiness.places_[index].generation != generation || !writer_.waiting()) return;
  readiness.end_wait();
  writer_.resume(true);
}

/// Not from within: whoever closes a stream does not expect its waits to go on in the middle of that.
void WatchedSocket::cancel() {
  for (Waiter* waiter : {&reader_, &writer_}) {
    if (!waiter->waiting()) continue;
    readiness_.end_wait();
    auto given_up = std::make_shared<Waiter>();
    waiter->move_to(*given_up);
    asio::post(readiness_.context_, [given_up] { given_up->resume(false); });
  }
}

}  // namespace bartizan::net
