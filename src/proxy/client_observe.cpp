// A session of a depot whose policies are observed: it is passed through, and what the policies would have done with its
// statements stands in their records (ADR 0201). Nothing here refuses anything.
#include "bartizan/base/log.hpp"
#include "client_session.hpp"
#include "granted.hpp"

namespace bartizan::proxy {

/// The class that it would be served by, as things stand now.
void ClientSession::follow_observed(const policy::Snapshot& snapshot) {
  const auto& around = shared_.around;
  const auto state = around.snapshots.wall();
  const auto found = state->find(snapshot, subject_.identity, subject_.depot, observed_purpose_, around.clock.wall());
  observed_->wall_class = found && (*found)->wall_class->views != nullptr ? (*found)->wall_class : nullptr;
}

void ClientSession::begin_observing(const policy::Snapshot& snapshot) {
  observed_ = std::make_unique<session::Observer>();
  if (request_) observed_purpose_ = request_->purpose;
  follow_observed(snapshot);
  if (relay_) relay_->observe(observed_.get());
}

/// Whether the session may go on as the depot now is.
bool ClientSession::fits_enforcement(const policy::Snapshot& snapshot, const policy::Depot& depot,
                                     const policy::GrantedLogin& grant) {
  if (!snapshot.policies().protects(depot.name) || grant.past_wall) {
    if (observed_ && relay_) relay_->observe(nullptr);
    observed_.reset();
    return true;
  }
  if (depot.enforcement == policy::Enforcement::Enforce) return walled_ != nullptr;
  if (walled_) return false;
  if (observed_)
    follow_observed(snapshot);
  else
    begin_observing(snapshot);
  return true;
}

}  // namespace bartizan::proxy
