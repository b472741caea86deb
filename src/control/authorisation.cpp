#include "bartizan/control/authorisation.hpp"

#include <grp.h>
#include <pwd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace bartizan::control {
namespace {

// key.create may name a module that is loaded here and files that are sent elsewhere.
constexpr std::array<std::string_view, 8> kOwnersOnly = {"audit.break-glass", "audit.erase",  "audit.key-rotate",
                                                         "audit.unseal",      "import.roles", "key.create",
                                                         "key.destroy",       "shutdown"};
constexpr std::size_t kMaxGroups = 65536;  // the kernel's NGROUPS_MAX

bool is_owner(const AdminPolicy& policy, const Peer& peer) noexcept {
  return peer.uid == 0 || peer.uid == policy.own_uid;
}

}  // namespace

AdminPolicy AdminPolicy::of_this_process(std::string_view group_name) {
  AdminPolicy policy;
  policy.own_uid = ::geteuid();
  std::vector<char> buffer(65536);
  group entry{};
  group* found = nullptr;
  if (::getgrnam_r(std::string(group_name).c_str(), &entry, buffer.data(), buffer.size(), &found) == 0 &&
      found != nullptr) {
    policy.admin_group = entry.gr_gid;
  }
  return policy;
}

bool is_admin(const AdminPolicy& policy, const Peer& peer) noexcept {
  if (is_owner(policy, peer)) return true;
  return policy.admin_group &&
         std::find(peer.groups.begin(), peer.groups.end(), *policy.admin_group) != peer.groups.end();
}

Result<void> authorise(const AdminPolicy& policy, const Peer& peer, std::string_view verb) {
  if (!is_admin(policy, peer)) {
    return fail(Errc::PermissionDenied,
                "this user may not administer Bartizan: it is neither root nor in group bartizan");
  }
  const bool owners_only = std::find(kOwnersOnly.begin(), kOwnersOnly.end(), verb) != kOwnersOnly.end();
  if (owners_only && !is_owner(policy, peer)) {
    return fail(Errc::PermissionDenied, std::string(verb) + " is for root and the gateway's own user alone");
  }
  return {};
}

Result<Peer> read_peer(int socket) {
  ucred credentials{};
  socklen_t size = sizeof credentials;
  if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0 || size != sizeof credentials) {
    return fail(Errc::Io, "the kernel does not say who the peer is");
  }
  Peer peer{credentials.uid, {credentials.gid}, credentials.pid};
  std::vector<gid_t> groups(64);
  size = static_cast<socklen_t>(groups.size() * sizeof(gid_t));
  while (::getsockopt(socket, SOL_SOCKET, SO_PEERGROUPS, groups.data(), &size) != 0) {
    if (errno != ERANGE || groups.size() >= kMaxGroups) {
      groups.clear();  // an old kernel: the primary group alone, which is the lesser right
      size = 0;
      break;
    }
    groups.resize(groups.size() * 4);
    size = static_cast<socklen_t>(groups.size() * sizeof(gid_t));
  }
  groups.resize(size / sizeof(gid_t));
  peer.groups.insert(peer.groups.end(), groups.begin(), groups.end());
  return peer;
}

std::string actor_name(const Peer& peer) {
  std::vector<char> buffer(65536);
  passwd entry{};
  passwd* found = nullptr;
  if (::getpwuid_r(peer.uid, &entry, buffer.data(), buffer.size(), &found) == 0 && found != nullptr) {
    return "os:" + std::string(entry.pw_name);
  }
  return "os:#" + std::to_string(peer.uid);
}

}  // namespace bartizan::control
