#include "class_login.hpp"

#include <algorithm>

namespace bartizan::proxy {

std::shared_ptr<const policy::DepotLogin> login_of(const policy::WallClass& wall_class) {
  auto login = std::make_shared<policy::DepotLogin>();
  // Of the depot and the class, so that the keys derived from the password are found again.
  auto id = wall_class.depot.get();
  for (std::size_t i = 0; i < sizeof(std::uint64_t); ++i)
    id.octets.at(i) ^= static_cast<std::uint8_t>(wall_class.version.id.get() >> (8 * i));
  login->id = policy::DepotLoginId(id);
  login->depot = wall_class.depot;
  login->role_name = wall_class.login_role;
  login->secret = wall_class.password.clone();
  return login;
}

bool same_server_side(const policy::WallClass& a, const policy::WallClass& b) {
  // Both sides are the control database's own: how long comparing takes tells a peer nothing.
  const auto same = [](const SecretBytes& one, const SecretBytes& other) {
    return std::ranges::equal(one.reveal(), other.reveal());
  };
  return a.login_role == b.login_role && same(a.password, b.password) && a.context_key != nullptr &&
         b.context_key != nullptr && same(*a.context_key, *b.context_key);
}

}  // namespace bartizan::proxy
