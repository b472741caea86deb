// A consumer session: one of an identity whose policies mask, filter or hide (DESIGN.md, "The
// wall"). No text of its client reaches the server: sql::rewrite's does, by the class's views; and
// the context that says who the client is stands in front of what needs it in every transaction.
// A session without a Consumer is passed through.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bartizan/base/clock.hpp"
#include "bartizan/base/secret.hpp"
#include "bartizan/policy/resolve.hpp"
#include "bartizan/policy/wall_class.hpp"

namespace bartizan::session {

/// For whom a consumer may act, as the snapshot has it that is in force.
class ActingRights {
 public:
  virtual ~ActingRights() = default;
  /// False for a tenant that does not exist. Any thread.
  [[nodiscard]] virtual bool may_act_for(std::string_view tenant, WallTime now) const = 0;
};

/// What a Relay is given to wall its client in. Fixed at sign-in: when any of it is another one,
/// the session has to end.
struct Consumer {
  std::shared_ptr<const policy::WallClass> wall_class;  ///< never null, and ready
  std::vector<policy::ContextValue> context;            ///< WallAssignment::context
  std::optional<WallTime> valid_until;                  ///< WallAssignment::valid_until
  std::int64_t policies = 0;                            ///< WallState::policies(), for the audit log
  std::string purpose;                                  ///< as it was resolved with; empty: none
  std::vector<std::string> search_path{"public"};       ///< the client's at its start
  std::string shown_user;  ///< what current_user gives, and stands in errors for the class's login
  /// Session pooling: wall::connection_key() of the one server connection. Under transaction
  /// pooling each ServerState holds its own.
  std::shared_ptr<const SecretBytes> connection_key;
  /// The policies' decisions with their reasons, for EXPLAIN POLICY; empty: it is refused. Costs a resolution.
  std::function<policy::Resolution()> explain;
  std::shared_ptr<const ActingRights> acting;  ///< null: for nobody but itself
  std::optional<std::string> tenant;           ///< for whom it acts from its start on; nullopt: itself
  /// Whether the statement that the server calls cancelled was ended for having waited for the owner's DDL.
  std::function<bool()> interrupted;
};

/// The audit members that say which class and policies a session is under: appended to those that say
/// who, once, so that its sign-in's record and its statements' say the same.
void append_class(std::string& who, const policy::WallClass& wall_class, std::int64_t policies);

/// Settings that a server reports and a consumer may be told. session_authorization, say, names
/// the class's login.
[[nodiscard]] bool told_to_consumers(std::string_view setting) noexcept;

}  // namespace bartizan::session
