// The admin socket's verbs: one line of JSON in, one out (docs/formats/admin-socket.md). Here a
// request is decoded, the peer authorised, the service called and its answer or error encoded;
// the services themselves are one file a resource.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "bartizan/audit/log.hpp"
#include "bartizan/base/clock.hpp"
#include "bartizan/base/result.hpp"
#include "bartizan/control/authorisation.hpp"
#include "bartizan/control/document.hpp"
#include "bartizan/control/runtime.hpp"
#include "bartizan/policy/snapshot.hpp"
#include "bartizan/store/database.hpp"

namespace bartizan::auditlog {
class BreakGlass;
class SlotStore;
}  // namespace bartizan::auditlog

namespace bartizan::control {

class CellKeeper;
class CellKeys;
class ChangeRecorder;
class WallKeeper;
class AuditFollowers;
class AuditReaderSignIn;
struct AuditSource;

/// What the services work with; all of it outlives Verbs.
struct ServiceContext {
  store::Database& database;
  const policy::SnapshotHolder& snapshots;
  Runtime& runtime;
  const Clock& clock;
  Random& random;
  int scram_iterations = 4096;
  WallKeeper* walls = nullptr;  ///< null: nobody keeps walls here
  const AuditSource* audit = nullptr;  ///< null: no provable log
  AuditFollowers* audit_followers = nullptr;   ///< null: nobody follows the log
  AuditReaderSignIn* audit_readers = nullptr;  ///< null: tenants' readers are not let in
  auditlog::BreakGlass* break_glass = nullptr;  ///< null: no provable log
  audit::Log* log = nullptr;            ///< what calls are recorded in; null: in none
  ChangeRecorder* changes = nullptr;    ///< told of each change; null: nobody records them
  auditlog::SlotStore* slots = nullptr;  ///< keys of sealed values; null: nothing is sealed
  CellKeeper* cells = nullptr;         ///< null: no encryption of columns here
  CellKeys* keys = nullptr;            ///< null likewise
};

/// Thread-safe: each call works in transactions of its own.
class Verbs {
 public:
  explicit Verbs(ServiceContext context) : context_(context) {}

  /// The answer to one line (both without their newline). Never fails: an error is an answer.
  [[nodiscard]] std::string answer(const AdminPolicy& policy, const Peer& peer, std::string_view line) const;
  /// The answer on the socket of tenants' readers: a few verbs, and name and password with each request.
  [[nodiscard]] std::string answer_reader(const Peer& peer, std::string_view line) const;
  /// The same past authorisation, for callers in this process.
  [[nodiscard]] Result<Document> call(const std::string& actor, std::string_view verb, Document args) const;

  [[nodiscard]] static std::vector<std::string_view> names();

 private:
  ServiceContext context_;
};

/// {"ok":false,…} on one line.
[[nodiscard]] std::string error_line(const Error& error, std::string_view hint);

}  // namespace bartizan::control
