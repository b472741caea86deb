#include "bartizan/control/authorisation.hpp"

#include <doctest/doctest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "bartizan/control/verbs.hpp"

namespace bartizan::control {
namespace {

TEST_CASE("who may what") {
  constexpr uid_t kOwn = 900;
  constexpr gid_t kGroup = 950;
  const AdminPolicy with_group{kOwn, kGroup};
  const AdminPolicy without_group{kOwn, std::nullopt};
  struct Case {
    const char* title;
    AdminPolicy policy;
    Peer peer;
    bool list;
    bool shutdown;
  };
  const std::array<Case, 8> cases = {{
      {"root", with_group, {0, {0}, 1}, true, true},
      {"the gateway's own user", with_group, {kOwn, {kOwn}, 1}, true, true},
      {"primary group", with_group, {1000, {kGroup}, 1}, true, false},
      {"supplementary group", with_group, {1000, {1000, 4, kGroup}, 1}, true, false},
      {"a stranger", with_group, {1000, {1000, 4}, 1}, false, false},
      {"no groups at all", with_group, {1000, {}, 1}, false, false},
      {"no such group on this machine", without_group, {1000, {kGroup, 0}, 1}, false, false},
      {"a uid that looks like the group's gid", with_group, {kGroup, {1000}, 1}, false, false},
  }};
  for (const Case& c : cases) {
    CAPTURE(c.title);
    CHECK(authorise(c.policy, c.peer, "depot.list").has_value() == c.list);
    CHECK(authorise(c.policy, c.peer, "shutdown").has_value() == c.shutdown);
    CHECK(authorise(c.policy, c.peer, "import.roles").has_value() == c.shutdown);
    CHECK(authorise(c.policy, c.peer, "audit.break-glass").has_value() == c.shutdown);
    CHECK(authorise(c.policy, c.peer, "audit.erase").has_value() == c.shutdown);
    CHECK(authorise(c.policy, c.peer, "audit.unseal").has_value() == c.shutdown);
    CHECK(authorise(c.policy, c.peer, "key.create").has_value() == c.shutdown);
    CHECK(authorise(c.policy, c.peer, "key.destroy").has_value() == c.shutdown);
    if (!c.list) CHECK(authorise(c.policy, c.peer, "depot.list").error().code == Errc::PermissionDenied);
  }
}

TEST_CASE("the kernel's word about a peer") {
  std::array<int, 2> pair{};
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM, 0, pair.data()) == 0);
  const auto peer = read_peer(pair[0]);
  REQUIRE(peer.has_value());
  CHECK(peer->uid == ::geteuid());
  CHECK(peer->pid == ::getpid());
  std::array<gid_t, 1024> mine{};
  const int count = ::getgroups(mine.size(), mine.data());
  for (int i = 0; i < count; ++i) {
    CHECK(std::find(peer->groups.begin(), peer->groups.end(), mine[static_cast<std::size_t>(i)]) != peer->groups.end());
  }
  CHECK(peer->groups.front() == ::getegid());
  CHECK(actor_name({0, {}, 1}) == "os:root");
  CHECK(actor_name({3999999, {}, 1}) == "os:#3999999");
  ::close(pair[0]);
  ::close(pair[1]);
  CHECK(read_peer(pair[0]).error().code == Errc::Io);
}

TEST_CASE("error answers are one line of the form that the page gives") {
  CHECK(error_line({Errc::NotFound, "no \"x\"\n"}, "look") ==
        R"({"ok":false,"error":{"code":"not_found","message":"no \"x\"\n","hint":"look"}})");
  CHECK(error_line({Errc::InvalidArgument, "no"}, "") ==
        R"({"ok":false,"error":{"code":"invalid_argument","message":"no"}})");
  auto names = Verbs::names();
  CHECK(std::is_sorted(names.begin(), names.end()));
  CHECK(std::adjacent_find(names.begin(), names.end()) == names.end());
}

}  // namespace
}  // namespace bartizan::control
