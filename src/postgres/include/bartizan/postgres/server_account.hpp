// The operating system user that the embedded PostgreSQL runs as. PostgreSQL refuses to run as
// root, and its files must not be the gateway's to lose: under root it gets a system user of its
// own; otherwise it runs as the user that we are.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>

#include "bartizan/base/clock.hpp"
#include "bartizan/base/result.hpp"

namespace bartizan::postgres {

struct ServerAccount {
  std::string name;
  uid_t uid = 0;
  gid_t gid = 0;
  bool separate = false;  ///< another user than the gateway's (we are root)
};

/// Under root: finds or creates (useradd, else adduser) the system user; a name that is root or
/// another person's login is refused with FailedPrecondition. Otherwise: ourselves.
Result<ServerAccount> resolve_server_account(std::string_view system_user, SteadyTime deadline);

}  // namespace bartizan::postgres
