// Lines of pg_hba.conf. PostgreSQL takes the first line that matches, so order is meaning.
// See the PostgreSQL manual, "The pg_hba.conf File".
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "bartizan/base/result.hpp"

namespace bartizan::postgres {

/// How the gateway proves to a server that it may use a login.
enum class LoginProof : std::uint8_t { Password, Certificate, PasswordAndCertificate };

/// For a foreign server: admits the gateways' addresses by TLS and SCRAM, then refuses everyone
/// else over the network. Addresses are IPv4 or IPv6, with or without a prefix length. A login that
/// shows a certificate gets lines in its own name. InvalidArgument: an address that is none, or a
/// role whose name can't stand in the file.
[[nodiscard]] Result<std::vector<std::string>> pg_hba_lines(std::span<const std::string> gateway_addresses,
                                                            std::string_view role = {},
                                                            LoginProof proof = LoginProof::Password);

/// For the embedded server: the local socket by SCRAM, base backups by its superuser alone, no network.
[[nodiscard]] std::string embedded_pg_hba();

}  // namespace bartizan::postgres
