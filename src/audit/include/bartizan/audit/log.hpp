// The seam between the data path and the audit log: an intent before something happens, an
// outcome after. One ticket a statement of a Query, an Execute of a portal, a COPY, a
// CancelRequest and a sign-in (ARCHITECTURE.md, "Seams").
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "bartizan/base/clock.hpp"
#include "bartizan/base/result.hpp"
#include "bartizan/base/strong.hpp"

namespace bartizan::audit {

/// Position of an intent in the log of one process run; starts at 1, rises by one.
using Ticket = Strong<struct TicketTag, std::uint64_t>;

/// Their numbers stand in the journal: new ones come last.
enum class Event : std::uint8_t {
  SignIn,
  SignOut,
  Statement,
  Execute,
  FunctionCall,
  Cancel,
  LogRead,
  BreakGlass,    ///< statements may go on, or no longer, while the log can't be written
  ApiCall,       ///< a verb of the admin socket
  ConfigChange,  ///< one row of the control database, with what it was and what it is
  KeyUse,        ///< a key that protects data was made, unwrapped, wrapped anew or destroyed
  Grant,         ///< a privilege or a role was given or taken
  Consent,       ///< a tenant lets somebody see its data, or no longer; nothing emits it yet
  Backup,        ///< likewise
  Drill,         ///< likewise
  Counts,        ///< how many intents each tree was given, once an hour
};
inline constexpr Event kLastEvent = Event::Counts;
[[nodiscard]] std::string_view to_string(Event event) noexcept;

/// What is about to happen. The views need to live for the call of begin() only.
struct Intent {
  Event event = Event::Statement;
  WallTime at{};
  std::string_view session;    ///< JSON members that say who, rendered once a session
  std::string_view statement;  ///< JSON members that say what; never literals or bind values
};

enum class Status : std::uint8_t { Ok, Failed, Refused, NotRun, Unknown };
[[nodiscard]] std::string_view to_string(Status status) noexcept;

struct Outcome {
  Status status = Status::Ok;
  std::array<char, 5> sqlstate{'0', '0', '0', '0', '0'};
  std::uint64_t rows = 0;
  std::uint64_t bytes = 0;  ///< sent to the client for it, framing included
  std::chrono::microseconds duration{};
};

/// Thread-safe; outlives every session. begin() fails when the log can't take the intent: the
/// caller must then refuse what it was about to do.
class Log {
 public:
  virtual ~Log() = default;
  [[nodiscard]] virtual Result<Ticket> begin(const Intent& intent) = 0;
  virtual void finish(Ticket ticket, const Outcome& outcome) = 0;
  /// True once the intent would survive a power cut.
  [[nodiscard]] virtual bool durable(Ticket ticket) const noexcept = 0;
  /// The newest write has failed: what is finished now would be lost with the process.
  [[nodiscard]] virtual bool unwritable() const noexcept { return false; }

  /// Called from a thread of the log's after each flush, with the newest durable ticket: all tickets up
  /// to it are durable, and durable() already says so. It must not block, nor call the log. Check
  /// durable() after registering. A log that nothing waits for never calls.
  using Observer = std::function<void(Ticket through)>;
  using ObserverId = Strong<struct ObserverTag, std::uint64_t>;
  [[nodiscard]] virtual ObserverId on_durable(Observer) { return {}; }
  /// When it returns, the observer is not running and won't run again.
  virtual void remove(ObserverId) {}
};

/// Appends `"name":"value"` with JSON escapes (RFC 8259 section 7), and a comma before it when
/// out is not empty. Bytes that are not UTF-8 are replaced by U+FFFD.
void append_member(std::string& out, std::string_view name, std::string_view value);

}  // namespace bartizan::audit
