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
  if (size_ == 0 && ring_.size() > kKeptWhenEmpty) {
    ring_ = std::vector<PendingReply>();
    head_ = 0;
  }
}

void ReplyQueue::erase(std::size_t first, std::size_t count) noexcept {
  if (count == 0) return;
  for (std::size_t i = first; i + count < size_; ++i) at(i) = std::move(at(i + count));
  for (std::size_t i = size_ - count; i < size_; ++i) at(i) = PendingReply{};
  size_ -= count;
}

}  // namespace bartizan::session
