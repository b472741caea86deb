// What a client may send before it has a session: SSLRequest, GSSENCRequest, CancelRequest or
// the StartupMessage (PostgreSQL manual, "Start-up"; the semantics of names, duplicates and
// defaults are those of PostgreSQL 15's ProcessStartupPacket). Stricter than PostgreSQL where
// it is lax by accident: the request packets have their exact length, and a stray last byte in
// the place of the terminator is refused.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "bartizan/base/bytes.hpp"
#include "bartizan/base/result.hpp"

namespace bartizan::pgwire {

/// More than PostgreSQL has settings to give; the packet's size alone would allow 3000.
inline constexpr std::size_t kMaxStartupParameters = 256;

struct SslRequest {};
struct GssEncRequest {};

/// Views into the packet.
struct CancelRequest {
  std::uint32_t process_id = 0;
  ByteView key;  ///< 4 bytes in protocol 3.0, up to 256 later
};

/// Views into the packet, which must outlive it. What PostgreSQL decides by the last of equal
/// names (user, database, options, replication) is decided so here; the raw list is never to
/// be forwarded, only what was chosen from it.
struct StartupMessage {
  using Parameter = std::pair<std::string_view, std::string_view>;

  std::uint16_t major = 0;
  std::uint16_t minor = 0;
  std::vector<Parameter> parameters;  ///< all, in the order sent; names are never empty

  /// The last parameter of exactly this name.
  [[nodiscard]] std::optional<std::string_view> find(std::string_view name) const noexcept;
  /// Empty: PostgreSQL answers 28000 "no PostgreSQL user name specified in startup packet".
  [[nodiscard]] std::string_view user() const noexcept;
  /// Defaults to user(), also when given empty.
  [[nodiscard]] std::string_view database() const noexcept;
  /// The command-line switches; see options.hpp.
  [[nodiscard]] std::string_view options() const noexcept;
  /// Settings of the session (GUCs) in the order sent: all but user, database, options,
  /// replication and protocol options. Of equal names the last one holds.
  [[nodiscard]] std::vector<Parameter> settings() const;
  /// Names of the "_pq_." protocol options, to be listed in NegotiateProtocolVersion.
  [[nodiscard]] std::vector<std::string_view> protocol_options() const;
};

using StartupPacket = std::variant<SslRequest, GssEncRequest, CancelRequest, StartupMessage>;

/// packet: the whole of it, length word included (peek_startup tells how long it is). The major
/// version is the caller's to judge; parameters are decoded for major 3 only. Malformed
/// (SQLSTATE 08P01) with PostgreSQL's message, or TooLarge for too many parameters.
[[nodiscard]] Result<StartupPacket> decode_startup(ByteView packet);

enum class ReplicationMode : std::uint8_t { None, Physical, Logical };

/// The value of the startup parameter "replication": a boolean in any of PostgreSQL's spellings,
/// or "database". InvalidArgument otherwise.
[[nodiscard]] Result<ReplicationMode> parse_replication(std::string_view value);

}  // namespace bartizan::pgwire
