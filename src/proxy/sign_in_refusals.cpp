#include "sign_in_refusals.hpp"

#include <algorithm>

#include "bartizan/base/log.hpp"
#include "bartizan/identity/lockout.hpp"

namespace bartizan::proxy {
namespace {

/// A name or depot longer than PostgreSQL's is cut: a stranger chose it.
constexpr std::size_t kMaxNamed = 63;

audit::Outcome outcome_of(std::string_view sqlstate) {
  audit::Outcome outcome;
  outcome.status = audit::Status::Refused;
  if (sqlstate.size() == outcome.sqlstate.size()) std::ranges::copy(sqlstate, outcome.sqlstate.begin());
  return outcome;
}

}  // namespace

std::string_view to_string(SignInRefusal reason) noexcept {
  switch (reason) {
    case SignInRefusal::WrongPassword: return "wrong_password";
    case SignInRefusal::UnknownIdentity: return "unknown_identity";
    case SignInRefusal::LockedOut: return "locked_out";
    case SignInRefusal::Plaintext: return "plaintext";
    case SignInRefusal::TlsHandshake: return "tls_handshake";
    case SignInRefusal::WrongCertificate: return "wrong_certificate";
    case SignInRefusal::Protocol: return "protocol";
    case SignInRefusal::TooManyClients: return "too_many_clients";
    case SignInRefusal::NotServing: return "not_serving";
  }
  return "unknown";
}

SignInRefusals::SignInRefusals(audit::Log& log, const Clock& clock, Bounds bounds, audit::Sealer* sealer)
    : log_(log), clock_(clock), bounds_(bounds), sealer_(sealer), began_(clock.steady()) {}

SignInRefusals::~SignInRefusals() { end_window(); }

bool SignInRefusals::record(const Refused& refused) {
  const std::lock_guard lock(mutex_);
  if (clock_.steady() - began_ >= bounds_.window) end_window();
  const auto block = identity::address_block(refused.host);
  auto known = by_address_.find(block);
  if (known == by_address_.end() && by_address_.size() < bounds_.addresses) known = by_address_.emplace(block, 0).first;
  const bool alone = recorded_ < bounds_.all && known != by_address_.end() && known->second < bounds_.by_address;
  if (!alone) {
    ++counted_[static_cast<std::size_t>(refused.reason)];
    return false;
  }
  ++recorded_;
  ++known->second;
  std::string who;
  audit::append_member(who, "identity", refused.identity.substr(0, kMaxNamed));
  if (!refused.depot.empty()) audit::append_member(who, "depot", refused.depot.substr(0, kMaxNamed));
  audit::append_address(who, sealer_, {}, refused.address, clock_.wall());
  std::string what;
  audit::append_member(what, "reason", to_string(refused.reason));
  if (const auto ticket = log_.begin({audit::Event::SignIn, clock_.wall(), who, what}))
    log_.finish(*ticket, outcome_of(refused.sqlstate));
  return true;
}

void SignInRefusals::settle() {
  const std::lock_guard lock(mutex_);
  if (clock_.steady() - began_ >= bounds_.window) end_window();
}

void SignInRefusals::end_window() {
  for (std::size_t i = 0; i < counted_.size(); ++i) {
    if (counted_[i] == 0) continue;
    const auto reason = to_string(static_cast<SignInRefusal>(i));
    std::string who;
    audit::append_member(who, "identity", "");
    std::string what;
    audit::append_member(what, "reason", reason);
    what.append(",\"further\":").append(std::to_string(counted_[i]));
    if (const auto ticket = log_.begin({audit::Event::SignIn, clock_.wall(), who, what}))
      log_.finish(*ticket, outcome_of("28000"));
    BZ_LOG(Warn, "session.refusals", {"reason", reason}, {"further", counted_[i]});
  }
  counted_.fill(0);
  by_address_.clear();
  recorded_ = 0;
  began_ = clock_.steady();
}

}  // namespace bartizan::proxy
