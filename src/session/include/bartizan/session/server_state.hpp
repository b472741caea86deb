// What is known of one server connection, whichever session uses it: the settings in force, the
// prepared statements that stand there, and whose the unnamed one is. Lives as long as the
// connection; a session works on it between attach and detach.
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <unordered_map>
#include <vector>

#include "bartizan/base/clock.hpp"
#include "bartizan/base/secret.hpp"
#include "bartizan/session/carried_settings.hpp"
#include "bartizan/session/reported_settings.hpp"
#include "bartizan/session/shared_statement.hpp"

namespace bartizan::session {

/// The shared statements of one server connection, the least recently used given up first.
/// A statement counts as there from its Parse on, but only within the messages up to the next
/// Sync until the server has answered: behind a Sync its failure would not be noticed.
/// Whatever is not there for certain is closed before it is prepared. Not thread-safe.
class ServerStatements {
 public:
  explicit ServerStatements(std::size_t most) : most_(most) {}

  /// Read there no earlier than at this moment of the worker's: what a client prepares, it may
  /// expect to be read by the tables as they are then.
  [[nodiscard]] bool has(const SharedStatement& statement, std::uint64_t segment, std::uint64_t since = 0);
  /// Its Parse is sent. What has to be closed for it, or null.
  std::shared_ptr<const SharedStatement> announce(std::shared_ptr<const SharedStatement> statement,
                                                  std::uint64_t segment, std::uint64_t moment);
  /// A Close of one that was given up has been skipped: it is still there.
  void owe_close(std::shared_ptr<const SharedStatement> statement) { owed_.push_back(std::move(statement)); }
  /// One that has to be closed still, or null.
  std::shared_ptr<const SharedStatement> take_owed();
  void confirm(const SharedStatement& statement);
  /// The Parse of this segment failed or was skipped.
  void forget(const SharedStatement& statement, std::uint64_t segment);
  void forget_all();
  [[nodiscard]] std::size_t size() const noexcept { return index_.size(); }

 private:
  struct Entry {
    std::shared_ptr<const SharedStatement> statement;
    std::uint64_t segment = 0;
    std::uint64_t moment = 0;
    bool confirmed = false;
  };
  using Order = std::list<Entry>;
  std::size_t most_;
  Order order_;
  std::unordered_map<sql::Digest, Order::iterator> index_;
  std::vector<std::shared_ptr<const SharedStatement>> owed_;
};

struct ServerState {
  /// Prepared statements kept on one connection.
  static constexpr std::size_t kMostStatements = 256;

  ReportedSettings settings;
  ReportedSettings defaults;       ///< those of its start, to which RESET ALL leads
  CarriedSettings carried;         ///< that a session has brought along
  std::uint64_t last_session = 0;  ///< whose traces may stand there; 0: none
  ServerStatements statements{kMostStatements};
  std::uint32_t process_id = 0;
  std::uint64_t unnamed_of = 0;  ///< the session whose statement without a name stands there; 0: none
  std::uint64_t unnamed_serial = 0;  ///< and which of that session's
  /// The session whose statements may have moved sequences on there last (0: none since they were
  /// discarded), and whether another's may have before: what currval and lastval would tell.
  std::uint64_t sequences_of = 0;
  bool sequences_mixed = false;
  /// Statements without a name that were read there before this moment of the worker's are read again: since
  /// then something may have been defined, or time has passed.
  std::uint64_t unnamed_since = 0;
  SteadyTime unnamed_read_from{};
  std::uint64_t definitions = 0;  ///< as the depot counted them then
  bool traces = false;  ///< what a reset ends may stand there, beside what is followed above
  bool foul = false;  ///< something of a session stands there that no reset is known to end: not to be used again
  /// wall::connection_key(): by what contexts for this connection are signed; null unless its login
  /// is a policy class's.
  std::shared_ptr<const SecretBytes> context_key;
};

}  // namespace bartizan::session
