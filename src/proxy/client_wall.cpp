// A session of a depot that policies protect: it is reached through the wall or not at all.
#include <fmt/format.h>

#include "client_session.hpp"
#include "granted.hpp"

namespace bartizan::proxy {

net::Task<void> ClientSession::refuse_walled(const policy::Identity& identity) {
  [[maybe_unused]] const bool recorded = record_sign_in(&identity, audit::Status::Refused, "57P03");
  co_await refuse(fatal(pgwire::sqlstate::kCannotConnectNow,
                        fmt::format("depot \"{}\" is protected by policies that can't be enforced now", depot_name_),
                        "An operator finds out why with `bartizan wall status`."));
}

}  // namespace bartizan::proxy
