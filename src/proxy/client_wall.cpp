// A session of a depot that policies protect: which class it belongs to, and what becomes of it
// when that is another one.
#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "bartizan/base/log.hpp"
#include "bartizan/session/class_settings.hpp"
#include "class_login.hpp"
#include "client_session.hpp"
#include "granted.hpp"

namespace bartizan::proxy {

namespace {

/// After a publication the classes stand a moment later: a sign-in waits for them so long.
constexpr auto kClassesComeWithin = std::chrono::seconds(3);
constexpr auto kLookAgain = std::chrono::milliseconds(50);
/// And a session that stands goes on so long as the class that it had.
constexpr auto kChangesTakeHoldWithin = std::chrono::milliseconds(800);
/// A transaction that has not ended by then is ended with its session.
constexpr auto kLastTransaction = std::chrono::seconds(10);

/// The purpose, if there is such a one: any other means none.
std::optional<std::string> known_purpose(const policy::Snapshot& snapshot, const std::optional<std::string>& stated) {
  if (!stated) return std::nullopt;
  const auto& grants = snapshot.policies().set.grants;
  const bool known = std::ranges::any_of(grants, [&](const auto& grant) { return grant.purpose == *stated; });
  return known && !stated->empty() ? stated : std::nullopt;
}

bool same_context(const std::vector<policy::ContextValue>& a, const std::vector<policy::ContextValue>& b) {
  return std::ranges::equal(
      a, b, [](const auto& one, const auto& other) { return one.name == other.name && one.value == other.value; });
}

/// By a snapshot: what is newer comes by set_acting_rights().
class SnapshotRights final : public session::ActingRights {
 public:
  SnapshotRights(std::shared_ptr<const policy::Snapshot> snapshot, policy::TenantRights rights)
      : snapshot_(std::move(snapshot)), rights_(std::move(rights)) {}

  [[nodiscard]] bool may_act_for(std::string_view tenant, WallTime now) const override {
    const auto* found = snapshot_->find_tenant(tenant);
    return found != nullptr && rights_.holds(found->id, now);
  }

 private:
  std::shared_ptr<const policy::Snapshot> snapshot_;
  policy::TenantRights rights_;
};

std::shared_ptr<const session::ActingRights> acting_rights(const std::shared_ptr<const policy::Snapshot>& snapshot,
                                                           const policy::GrantedLogin& grant) {
  if (grant.act_for.empty()) return nullptr;
  return std::make_shared<const SnapshotRights>(snapshot, grant.act_for);
}

pgwire::ErrorReport not_yet(std::string_view depot) {
  return fatal(pgwire::sqlstate::kCannotConnectNow,
               fmt::format("the wall of depot \"{}\" is being brought up to date", depot),
               "Try again. If it lasts, an operator finds out why with `bartizan wall status`.");
}

pgwire::ErrorReport not_usable(std::string_view depot) {
  return fatal(pgwire::sqlstate::kCannotConnectNow,
               fmt::format("depot \"{}\" is protected by policies that can't be enforced for you now", depot),
               "An operator must look at `bartizan wall status`.");
}

}  // namespace

net::Task<void> ClientSession::refuse_class(const policy::Identity& identity, bool later) {
  BZ_LOG(Warn, "session.class_unusable", {"session", id_}, {"depot", depot_name_}, {"later", later});
  [[maybe_unused]] const auto recorded = record_sign_in(&identity, audit::Status::Refused, "57P03");
  auto report = later ? not_yet(depot_name_) : not_usable(depot_name_);
  co_await refuse(std::move(report));
}

/// The class of an identity on a protected depot. On refusal the client has been told.
net::Task<bool> ClientSession::enter_wall(Granted& granted) {
  const auto& around = shared_.around;
  const auto until = around.clock.steady() + kClassesComeWithin;
  auto wall = std::make_unique<Walled>();
  for (;;) {
    wall->state = around.snapshots.wall();
    wall->purpose = known_purpose(*granted.snapshot, request_->purpose);
    const auto found = wall->state->find(*granted.snapshot, granted.identity->id, granted.depot->id, wall->purpose,
                                         around.clock.wall());
    if (found) {
      wall->assignment = *found;
      break;
    }
    const bool later = found.error().code == Errc::Unavailable;
    if (!later || around.clock.steady() >= until || closing_) {
      co_await refuse_class(*granted.identity, later);
      co_return false;
    }
    progress_.expires_after(kLookAgain);
    co_await progress_.async_wait(net::asio::as_tuple(net::asio::use_awaitable));
    if (const auto resolved = resolve(granted); !resolved) {
      const auto reason = resolved.error().code;
      co_return co_await refuse_grant(*granted.identity, reason);
    }
    if (!granted.behind_wall()) co_return true;
  }
  const policy::Tenant* own =
      granted.identity->tenant ? granted.snapshot->find_tenant(*granted.identity->tenant) : nullptr;
  wall->acting = acting_rights(granted.snapshot, granted.grant);
  const bool for_itself = !request_->tenant || *request_->tenant == (own == nullptr ? "" : own->name);
  if (!for_itself && !(wall->acting && wall->acting->may_act_for(*request_->tenant, around.clock.wall()))) {
    [[maybe_unused]] const auto recorded = record_sign_in(granted.identity, audit::Status::Refused, "42501");
    co_await refuse(
        fatal(pgwire::sqlstate::kInsufficientPrivilege, "you may not act for this tenant",
              "Leave out bartizan.tenant, name your own, or have a grant that lets you (grant add --act-for)."));
    co_return false;
  }
  session::append_class(who_, *wall->assignment->wall_class, wall->state->policies());
  if (wall->purpose) audit::append_member(who_, "purpose", *wall->purpose);
  walled_ = std::move(wall);
  co_return true;
}

/// Makes of a request to the depot's server one of the class. On refusal the client has been told.
net::Task<bool> ClientSession::ask_as_class(const Granted& granted, LinkRequest& request) {
  const auto& views = walled_->assignment->wall_class->views;
  auto settings = session::class_settings(request.settings, views->operator_schemas);
  if (!settings) {
    const bool value = settings.error().code == Errc::InvalidArgument;
    const auto sqlstate = value ? pgwire::sqlstate::kInvalidParameterValue : pgwire::sqlstate::kInsufficientPrivilege;
    [[maybe_unused]] const auto recorded = record_sign_in(granted.identity, audit::Status::Refused, sqlstate.view());
    co_await refuse(
        fatal(sqlstate, settings.error().detail, "Leave it out of the connection string, PGOPTIONS and options."));
    co_return false;
  }
  request.settings = std::move(settings->for_server);
  walled_->search_path = std::move(settings->search_path);
  request.wall_class = walled_->assignment->wall_class;
  request.class_login = login_of(*request.wall_class);
  request.login = request.class_login.get();
  co_return true;
}

/// What its relay is told about the class.
std::unique_ptr<session::Consumer> ClientSession::consumer() const {
  auto out = std::make_unique<session::Consumer>();
  const auto& assignment = *walled_->assignment;
  out->wall_class = assignment.wall_class;
  out->context = assignment.context;
  out->valid_until = assignment.valid_until;
  out->policies = walled_->state->policies();
  out->purpose = walled_->purpose.value_or("");
  out->acting = walled_->acting;
  out->explain = [snapshots = &shared_.around.snapshots, depot = depot_name_, state = walled_->state, &assignment] {
    const auto snapshot = snapshots->current();
    return policy::resolve(snapshot->policies().set, assignment.basis, depot, *assignment.wall_class->catalog,
                           policy::Explain::Yes);
  };
  out->interrupted = [this] {
    auto* all = shared_.around.interruptions;
    return all != nullptr && server_ && all->take(subject_.depot, server_->process_id());
  };
  if (request_->tenant && !request_->tenant->empty()) out->tenant = request_->tenant;
  out->search_path = walled_->search_path;
  out->shown_user = identity_name_;
  if (server_ && pool_->mode() == policy::PoolMode::Session) out->connection_key = server_->state().context_key;
  return out;
}

/// Whether the class is still the one that the session has, and what its client may see too.
void ClientSession::follow_wall(SteadyTime now) {
  const auto& around = shared_.around;
  const auto snapshot = around.snapshots.current();
  const auto state = around.snapshots.wall();
  const auto purpose = known_purpose(*snapshot, walled_->purpose);
  const auto found = state->find(*snapshot, subject_.identity, subject_.depot, purpose, around.clock.wall());
  if (!found && found.error().code == Errc::Unavailable) {
    if (!walled_->unsure_since) walled_->unsure_since = now;
    return;
  }
  const auto& mine = *walled_->assignment;
  const bool same = found && purpose == walled_->purpose && (*found)->wall_class->version == mine.wall_class->version &&
                    same_server_side(*(*found)->wall_class, *mine.wall_class) &&
                    same_context((*found)->context, mine.context) && (*found)->valid_until == mine.valid_until;
  walled_->unsure_since.reset();
  const auto grant = snapshot->resolve_grant(subject_.identity, subject_.depot, around.clock.wall());
  walled_->acting = grant ? acting_rights(snapshot, *grant) : nullptr;
  if (relay_) relay_->set_acting_rights(walled_->acting);
  if (!same || (relay_ && relay_->acts_beyond_rights())) walled_->over_since = now;
}

/// The tick of a walled session.
void ClientSession::check_wall(SteadyTime now, bool news) {
  const auto valid_until = walled_->assignment->valid_until;
  const bool out_of_time = valid_until && shared_.around.clock.wall() >= *valid_until;
  if (!walled_->over_since && (news || out_of_time)) follow_wall(now);
  if (!walled_->over_since && walled_->unsure_since && now - *walled_->unsure_since > kChangesTakeHoldWithin)
    walled_->over_since = now;
  if (walled_->over_since) end_with_class(now - *walled_->over_since > kLastTransaction);
}

/// Ends the session whose class is over, where no transaction is open or at once.
void ClientSession::end_with_class(bool at_once) {
  if (!walled_ || !walled_->over_since || closing_ || !relay_) return;
  if (!at_once && !relay_->idle()) return;
  end_with(pgwire::sqlstate::kAdminShutdown, "terminating connection: what the policies let you see has changed",
           "Connect again.");
}

}  // namespace bartizan::proxy
