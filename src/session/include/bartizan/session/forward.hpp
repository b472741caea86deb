// The one way to bytes for the server. A Forward has no public constructor; it comes from
// admit(), which wants an allowed decision and an audit ticket, or is one of the protocol's own
// messages, which carry no statement. ServerRuns takes bytes with a Forward only.
#pragma once

#include <utility>

#include "bartizan/audit/log.hpp"
#include "bartizan/policy/decision.hpp"
#include "bartizan/session/byte_runs.hpp"

namespace bartizan::session {

class Forward {
 public:
  /// For the message that carries the statement (Query, Parse) or runs it (Execute).
  friend Forward admit(const policy::Allow& allow, audit::Ticket ticket) noexcept;

 private:
  friend class Relay;
  Forward() = default;
};

[[nodiscard]] Forward admit(const policy::Allow& allow, audit::Ticket ticket) noexcept;

/// ByteRuns for the server.
class ServerRuns {
 public:
  void relay(const Forward&, ByteView bytes) { runs_.relay(bytes); }
  template <class Write>
  void make(const Forward&, Write&& write) {
    runs_.make(std::forward<Write>(write));
  }
  /// What other took with a Forward; its views must live as long as these.
  void append(const ServerRuns& other) {
    for (std::size_t i = 0; i < other.runs_.size(); ++i) {
      const ByteView run = other.runs_[i];
      if (other.runs_.is_view(i))
        runs_.relay(run);
      else
        runs_.make([run](Bytes& out) { out.insert(out.end(), run.begin(), run.end()); });
    }
  }
  void clear() noexcept { runs_.clear(); }
  [[nodiscard]] const ByteRuns& runs() const noexcept { return runs_; }

 private:
  ByteRuns runs_;
};

}  // namespace bartizan::session
