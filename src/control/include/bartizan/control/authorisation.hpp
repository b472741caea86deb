// Who may use the admin socket. The kernel names the peer (unix(7), SO_PEERCRED and
// SO_PEERGROUPS); nothing the peer says is asked. Pure, except for read_peer.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bartizan/base/result.hpp"

namespace bartizan::control {

struct Peer {
  uid_t uid = 0;
  std::vector<gid_t> groups;  ///< primary and supplementary
  pid_t pid = 0;
};

/// Whom a gateway trusts with its administration, besides root.
struct AdminPolicy {
  uid_t own_uid = 0;
  std::optional<gid_t> admin_group;  ///< of "bartizan"; none where that group does not exist
  /// This process's uid and the group of that name.
  [[nodiscard]] static AdminPolicy of_this_process(std::string_view group_name);
};

/// PermissionDenied if the peer may not use any verb, or not this one (shutdown and import.roles
/// are root's and the gateway's own).
[[nodiscard]] Result<void> authorise(const AdminPolicy& policy, const Peer& peer, std::string_view verb);
[[nodiscard]] bool is_admin(const AdminPolicy& policy, const Peer& peer) noexcept;

/// From a connected AF_UNIX socket. Io.
[[nodiscard]] Result<Peer> read_peer(int socket);
/// "os:<user name>", or "os:#<uid>" for a user without a name.
[[nodiscard]] std::string actor_name(const Peer& peer);

}  // namespace bartizan::control
