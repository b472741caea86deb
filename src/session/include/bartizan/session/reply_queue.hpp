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
#include "bartizan/policy/decision.hpp"
#include "bartizan/session/carried_settings.hpp"
#include "bartizan/session/depot_traits.hpp"
#include "bartizan/session/prepared.hpp"

namespace bartizan::session {

enum class Awaited : std::uint8_t {
  Query,
  FunctionCall,
  Parse,
  Bind,
  DescribeStatement,
  DescribePortal,
  Execute,
  CloseStatement,
  ClosePortal,
  Sync,
  CopyEnd,  ///< CopyDone or CopyFail: no reply, a mark for what came before the COPY began
};

struct PendingReply {
  Awaited kind = Awaited::Sync;
  bool failed = false;          ///< its ErrorResponse has come
  bool has_ticket = false;
  bool answered = false;        ///< Query and FunctionCall: a reply that ReadyForQuery may follow has come
  bool copying = false;         ///< between its CopyInResponse and what ends the COPY
  bool renames = false;         ///< may give a prepared statement's name another meaning
  bool renames_portals = false; ///< or a cursor's
  bool parameters_seen = false; ///< DescribeStatement: ParameterDescription has come
  bool hidden = false;          ///< sent by the gateway for itself: what answers it is not for the client
  bool quiet = false;           ///< hidden, and its ErrorResponse is not for the client either
  bool duplicate = false;       ///< Parse of a name that is taken: the server is to refuse it
  bool context = false;         ///< hidden, sets a consumer's context, or brings what that takes: may fail
  bool concealed = false;       ///< the result that comes now is that of a statement of ours
  bool carrier = false;         ///< Parse of what stands there already: a Close of nothing was sent for it
  policy::Barrier barrier = policy::Barrier::None;  ///< what waits for its tickets
  bool attaches = false;        ///< hidden: makes the server connection this session's
  bool clears = false;          ///< hidden: of what has to be repeated if it fails
  bool materialised = false;    ///< for it the client's name was made to stand on the server
  bool resets_name = false;     ///< sets application_name back to what the client has started with
  std::unique_ptr<DepotTraits::Question> traits;  ///< hidden: asks this of the depot
  CarriedSettings::Mask asked = 0;  ///< hidden: whose values the rows tell
  std::uint32_t completed = 0;  ///< statements of a Query that are done; a Query may hold millions
  audit::Ticket ticket{};
  std::uint64_t rows = 0;
  std::uint64_t bytes_before = 0;
  SteadyTime begun{};
  std::array<char, 5> sqlstate{'0', '0', '0', '0', '0'};
  std::uint64_t serial = 0;   ///< Parse without a name: which of the session's
  std::uint64_t segment = 0;  ///< the messages between two Syncs that it belongs to
  Prepared statement;  ///< Query, Execute: what runs; Parse, Bind: what the name will mean
  std::string name;  ///< Parse, Bind, Close: the statement's or the portal's
  std::string called;  ///< Bind, DescribeStatement under a shared name: the client's name for it
  std::unique_ptr<std::vector<std::uint32_t>> concealed_results;  ///< Query: which, falling; the next one last
  std::uint32_t results = 0;    ///< Query with concealed_results: those that have come
  std::unique_ptr<std::vector<audit::Ticket>> tickets;  ///< Query of several statements
  std::unique_ptr<pgwire::ErrorReport> refusal;  ///< replaces the server's error: the message was ours
};

/// A ring; grows, and lets go of what an idle session need not keep. Not thread-safe.
class ReplyQueue {
 public:
  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] PendingReply& front() noexcept { return at(0); }
  /// REQUIRES: i < size()
  [[nodiscard]] PendingReply& at(std::size_t i) noexcept { return ring_[(head_ + i) & (ring_.size() - 1)]; }
  PendingReply& push(Awaited kind);
  void pop() noexcept;
  /// Removes count entries from the first-th on, keeping order. Linear in what stands behind them.
  /// REQUIRES: first + count <= size()
  void erase(std::size_t first, std::size_t count) noexcept;

 private:
  static constexpr std::size_t kKeptWhenEmpty = 1024;

  std::vector<PendingReply> ring_;
  std::size_t head_ = 0;
  std::size_t size_ = 0;
};

}  // namespace bartizan::session
