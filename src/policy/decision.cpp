#include "bartizan/policy/decision.hpp"

namespace bartizan::policy {

Decision decide(const Subject& subject, const sql::Analysis&, WallTime now) {
  if (subject.valid_until && now >= *subject.valid_until) {
    Refuse refuse;
    refuse.sqlstate = {'4', '2', '5', '0', '1'};
    refuse.message = "your access to this depot has ended";
    refuse.hint = "Ask an administrator of the depot to renew the grant.";
    refuse.reasons = {"grant.expired"};
    return refuse;
  }
  return Allow{};
}

}  // namespace bartizan::policy
