// [listen]: where the wire port is opened. Every key is described in docs/reference/configuration.md.
#pragma once

#include <cstdint>
#include <vector>

#include "bartizan/config/ip_network.hpp"

namespace bartizan::config {

struct ListenOptions {
  std::vector<IpAddress> addresses{IpAddress{{127, 0, 0, 1}, false},
                                   IpAddress{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}, true}};
  /// Nobody asked for these addresses: one that the machine does not have is passed over.
  bool addresses_defaulted = true;
  std::uint16_t port = 6432;
  std::uint32_t backlog = 1024;
  std::vector<IpNetwork> proxy_protocol_from;
};

}  // namespace bartizan::config
