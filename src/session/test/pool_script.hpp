// What scripts of pooled sessions have in common.
#pragma once

#include "script.hpp"

namespace bartizan::session::test {

/// The name that a statement of a session whose settings have not been told gets.
inline std::string shared_name(std::string_view text) {
  StatementShares shares(sql::DigestKey{}, std::size_t{1} << 20);
  return shares.get(text, as_bytes(std::string_view("\0\0", 2)), ReportedSettings{}.meaning()).statement->server_name;
}
inline std::string none() { return close('S', kNoStatement); }
/// Whatever stands under the name goes first.
inline std::string prepare_shared(std::string_view text) {
  return close('S', shared_name(text)) + parse(shared_name(text), text);
}
inline const auto to_first = [](World& world) { world.attach(world.first); };
inline const auto to_second = [](World& world) { world.attach(world.second); };
inline const auto release = [](World& world) {
  REQUIRE(world.relay.releasable());
  world.relay.detach();
};
inline const auto pinned = [](World& world) {
  CHECK(world.relay.pinned());
  CHECK_FALSE(world.relay.releasable());
};
inline Script pool() {
  Script script;
  script.pooled = true;
  script.then(to_first);
  return script;
}

/// The name under which the gateway runs commands of its own.
inline constexpr std::string_view kOwn = "bartizan_00000000000000000000000000000000";
inline std::string own_command(std::string_view text) {
  return close('S', kOwn) + parse(kOwn, text) + bind_portal(kOwn, kOwn) + execute(kOwn) + close('P', kOwn) +
         close('S', kOwn);
}
inline std::string own_command_done(std::string_view tag) {
  return close_complete() + parse_complete() + bind_complete() + complete(tag) + close_complete() + close_complete();
}

}  // namespace bartizan::session::test
