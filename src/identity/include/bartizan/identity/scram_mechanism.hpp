// The two SASL mechanisms of PostgreSQL's SCRAM (manual, "SASL Authentication") and the nonce,
// shared by the server's and the client's side.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "bartizan/base/clock.hpp"

namespace bartizan::identity {

inline constexpr std::string_view kScramSha256 = "SCRAM-SHA-256";
inline constexpr std::string_view kScramSha256Plus = "SCRAM-SHA-256-PLUS";
/// The only channel-binding type (RFC 5929 section 4); the data is crypto::server_end_point_hash.
inline constexpr std::string_view kChannelBindingType = "tls-server-end-point";

/// Limit on a message of a client, PostgreSQL's own (PG_MAX_SASL_MESSAGE_LENGTH).
inline constexpr std::size_t kMaxScramClientMessage = 1024;
/// Limit on a message of a server that we sign in to: it is not trusted either.
inline constexpr std::size_t kMaxScramServerMessage = 2048;

/// 18 random bytes in base64: 24 characters, as PostgreSQL makes them.
[[nodiscard]] std::string make_scram_nonce(Random& random);

}  // namespace bartizan::identity
