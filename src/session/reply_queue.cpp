#include "bartizan/session/reply_queue.hpp"

#include <utility>

namespace bartizan::session {

PendingReply& ReplyQueue::push(Awaited kind) {
  if (size_ == ring_.size()) {
    std::vector<PendingReply> larger(ring_.empty() ? 4 : ring_.size() * 2);
    for (std::size_t i = 0; i < size_; ++i) larger[i] = std::move(at(i));
    ring_ = std::move(larger);
    head_ = 0;
  }
  PendingReply& entry = at(size_);
  ++size_;
  entry.kind = kind;
  return entry;
}

void ReplyQueue::pop() noexcept {
  at(0) = PendingReply{};
  head_ = (head_ + 1) & (ring_.size() - 1);
  --size_;
}

void ReplyQueue::erase(std::size_t i) noexcept {
  for (; i + 1 < size_; ++i) at(i) = std::move(at(i + 1));
  at(size_ - 1) = PendingReply{};
  --size_;
}

}  // namespace bartizan::session
