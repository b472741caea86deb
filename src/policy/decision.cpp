#include "bartizan/policy/decision.hpp"

namespace bartizan::policy {

Decision decide(const Subject& subject, const sql::Analysis& analysis, WallTime now) {
  if (subject.valid_until && now >= *subject.valid_until) {
    Refuse refuse;
    refuse.sqlstate = {'4', '2', '5', '0', '1'};
    refuse.message = "your access to this depot has ended";
    refuse.hint = "Ask an administrator of the depot to renew the grant.";
    refuse.reasons = {"grant.expired"};
    return refuse;
  }
  Allow allow;
  allow.barrier = required_barrier(analysis, subject.barriers);
  return allow;
}

}  // namespace bartizan::policy
