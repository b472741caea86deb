// What the server still owes: one entry for each message sent to it that it will answer, in the
// order sent. Replies are matched against the front; anything that does not fit ends the server
// connection (poolers' worst faults were replies given to the wrong owner).
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "bartizan/audit/log.hpp"
#include "bartizan/base/clock.hpp"
#include "bartizan/pgwire/writer.hpp"
#include "bartizan/sql/analysis_cache.hpp"

namespace bartizan::session {

enum class Awaited : std::uint8_t {
  Query,
  FunctionCall,
  Parse,
  Bind,
  DescribeStatement,
  DescribePortal,
  Execute,
  Close,
  Sync,
  CopyEnd,  ///< CopyDone or CopyFail: no reply, a mark for what came before the COPY began
};

struct PendingReply {
  Awaited kind = Awaited::Sync;
  bool failed = false;          ///< its ErrorResponse has come
  bool has_ticket = false;
  bool parameters_seen = false; ///< DescribeStatement: ParameterDescription has come
  std::uint16_t completed = 0;  ///< statements of a Query that are done
  audit::Ticket ticket{};
  std::uint64_t rows = 0;
  std::uint64_t bytes_before = 0;
  SteadyTime begun{};
  std::array<char, 5> sqlstate{'0', '0', '0', '0', '0'};
  sql::AnalysisCache::Found statement;                  ///< Query: what runs; Parse: what is to be stored
  std::unique_ptr<std::string> name;                    ///< Parse and Close of a named statement
  std::unique_ptr<std::vector<audit::Ticket>> tickets;  ///< Query of several statements
  std::unique_ptr<pgwire::ErrorReport> refusal;         ///< replaces the server's error: the message was ours
};

/// A ring; grows, never shrinks below what one idle session may keep. Not thread-safe.
class ReplyQueue {
 public:
  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] PendingReply& front() noexcept { return at(0); }
  /// REQUIRES: i < size()
  [[nodiscard]] PendingReply& at(std::size_t i) noexcept { return ring_[(head_ + i) & (ring_.size() - 1)]; }
  PendingReply& push(Awaited kind);
  void pop() noexcept;
  /// Removes the i-th entry, keeping order.
  void erase(std::size_t i) noexcept;

 private:
  std::vector<PendingReply> ring_;
  std::size_t head_ = 0;
  std::size_t size_ = 0;
};

}  // namespace bartizan::session
