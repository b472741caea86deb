#include "durable_waits.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <utility>

namespace bartizan::proxy {

namespace asio = net::asio;

namespace {
constexpr auto use_result = asio::as_tuple(asio::use_awaitable);
}  // namespace

/// Stands in the list as long as it lives.
class DurableWaits::Listed {
 public:
  Listed(DurableWaits& waits, Wait& wait) : waits_(waits), wait_(wait) {
    wait.next = waits.first_;
    wait.link = &waits.first_;
    if (wait.next != nullptr) wait.next->link = &wait.next;
    waits.first_ = &wait;
    // Ordered with the observer's: either it sees this one, or durable() is seen after this.
    waits.waiting_.fetch_add(1, std::memory_order_acq_rel);
  }
  ~Listed() {
    waits_.waiting_.fetch_sub(1, std::memory_order_relaxed);
    *wait_.link = wait_.next;
    if (wait_.next != nullptr) wait_.next->link = wait_.link;
  }
  Listed(const Listed&) = delete;
  Listed& operator=(const Listed&) = delete;

 private:
  DurableWaits& waits_;
  Wait& wait_;
};

DurableWaits::DurableWaits(audit::Log& log, asio::io_context& context, std::chrono::milliseconds longest)
    : log_(log), context_(context), longest_(longest) {
  observer_ = log_.on_durable([this](audit::Ticket) { on_flush(); });
}

DurableWaits::~DurableWaits() { log_.remove(observer_); }

/// On the log's thread.
void DurableWaits::on_flush() {
  if (waiting_.fetch_add(0, std::memory_order_acq_rel) == 0) return;
  post_wake();
}

void DurableWaits::post_wake() {
  if (posted_.exchange(true, std::memory_order_acq_rel)) return;
  asio::post(context_, [this] {
    posted_.store(false, std::memory_order_release);
    wake();
  });
}

void DurableWaits::wake() {
  for (Wait* wait = first_; wait != nullptr; wait = wait->next)
    if (log_.durable(wait->until)) wait->timer.cancel();
  // Apart first: whoever is told may end others, and those leave whichever list they stand in.
  Notice* due = nullptr;
  for (Notice* notice = notices_; notice != nullptr;) {
    Notice* const next = notice->next_;
    if (log_.durable(notice->until_)) {
      notice->leave();
      notice->enter(due);
    }
    notice = next;
  }
  while (due != nullptr) {
    Notice& notice = *due;
    notice.unlist();
    notice.told_(notice.owner_);
  }
}

void DurableWaits::Notice::enter(Notice*& head) noexcept {
  next_ = head;
  link_ = &head;
  if (next_ != nullptr) next_->link_ = &next_;
  head = this;
}

void DurableWaits::Notice::leave() noexcept {
  *link_ = next_;
  if (next_ != nullptr) next_->link_ = link_;
  next_ = nullptr;
  link_ = nullptr;
}

void DurableWaits::Notice::unlist() noexcept {
  if (link_ == nullptr) return;
  leave();
  std::exchange(waits_, nullptr)->waiting_.fetch_sub(1, std::memory_order_relaxed);
}

void DurableWaits::tell(Notice& notice, audit::Ticket until, Notice::Told told, void* owner) {
  if (!notice.waiting()) {
    ++waits_;
    notice.told_ = told;
    notice.owner_ = owner;
    notice.waits_ = this;
    notice.enter(notices_);
    // Ordered with the observer's, as in Listed.
    waiting_.fetch_add(1, std::memory_order_acq_rel);
  }
  notice.until_ = until;
  if (log_.durable(until)) post_wake();
}

void DurableWaits::abandon(const void* owner) noexcept {
  for (Wait* wait = first_; wait != nullptr; wait = wait->next) {
    if (wait->owner != owner) continue;
    wait->owner = nullptr;
    wait->timer.cancel();
  }
}

net::Task<bool> DurableWaits::until_durable(audit::Ticket ticket, const void* owner) {
  if (log_.durable(ticket)) co_return true;
  ++waits_;
  Wait wait(context_, ticket, owner);
  const Listed listed(*this, wait);
  wait.timer.expires_after(longest_);
  const auto deadline = wait.timer.expiry();
  while (!log_.durable(ticket) && wait.owner != nullptr && std::chrono::steady_clock::now() < deadline) {
    wait.timer.expires_at(deadline);
    co_await wait.timer.async_wait(use_result);
  }
  const bool durable = log_.durable(ticket) && wait.owner != nullptr;
  if (!durable) ++given_up_;
  co_return durable;
}

}  // namespace bartizan::proxy
