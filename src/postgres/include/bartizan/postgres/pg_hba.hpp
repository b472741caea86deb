// Lines of pg_hba.conf. PostgreSQL takes the first line that matches, so order is meaning.
// See the PostgreSQL manual, "The pg_hba.conf File".
#pragma once

#include <span>
#include <string>
#include <vector>

#include "bartizan/base/result.hpp"

namespace bartizan::postgres {

/// For a foreign server: admits the gateways' addresses by TLS and SCRAM, then refuses everyone
/// else over the network. Addresses are IPv4 or IPv6, with or without a prefix length.
Result<std::vector<std::string>> pg_hba_lines(std::span<const std::string> gateway_addresses);

/// For the embedded server: the local socket by SCRAM, no network.
[[nodiscard]] std::string embedded_pg_hba();

}  // namespace bartizan::postgres
