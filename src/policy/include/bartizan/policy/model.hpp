// The control plane's value types, as the data path sees them: who may reach which depot, as
// which PostgreSQL login, until when. The control database (docs/formats/control-schema.md) is
// where they live; store reads them, nobody changes one in place. Words as in the design:
// a depot is one protected database, an identity a person or a service, a grant lets an
// identity (or all of a role) use a depot as one login.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "bartizan/base/bytes.hpp"
#include "bartizan/base/clock.hpp"
#include "bartizan/base/secret.hpp"
#include "bartizan/base/strong.hpp"
#include "bartizan/base/uuid.hpp"

namespace bartizan::policy {

using TenantId = Strong<struct TenantTag, Uuid>;
using DepotId = Strong<struct DepotTag, Uuid>;
using DepotLoginId = Strong<struct DepotLoginTag, Uuid>;
using IdentityId = Strong<struct IdentityTag, Uuid>;
using RoleId = Strong<struct RoleTag, Uuid>;
using GrantId = Strong<struct GrantTag, Uuid>;

/// The customer whose data it is; the unit of isolation.
struct Tenant {
  TenantId id;
  std::string name;
  std::string region;  ///< empty: not pinned
  friend bool operator==(const Tenant&, const Tenant&) = default;
};

/// <socket_dir>/.s.PGSQL.<port>
struct UnixEndpoint {
  std::string socket_dir;
  std::uint16_t port = 5432;
  friend bool operator==(const UnixEndpoint&, const UnixEndpoint&) = default;
};
struct TcpEndpoint {
  std::string host;
  std::uint16_t port = 5432;
  friend bool operator==(const TcpEndpoint&, const TcpEndpoint&) = default;
};
using Endpoint = std::variant<UnixEndpoint, TcpEndpoint>;

/// Only beside a UnixEndpoint: Snapshot::make refuses a depot that has it with TCP.
struct TlsDisabled {
  friend bool operator==(const TlsDisabled&, const TlsDisabled&) = default;
};
/// libpq's verify-full: the chain up to ca_pem (empty: the system's store) and the host's name.
struct TlsVerifyFull {
  std::string ca_pem;
  friend bool operator==(const TlsVerifyFull&, const TlsVerifyFull&) = default;
};
using ServerTls = std::variant<TlsDisabled, TlsVerifyFull>;

enum class DepotState : std::uint8_t {
  Active,
  Suspended,  ///< known, but nobody is let in
};

/// What becomes of transactions that sessions begin (docs/guide/pooling.md).
enum class Traffic : std::uint8_t {
  Open,
  Paused,    ///< they wait, and so do the sessions
  Draining,  ///< they wait, and no server connection is kept
};
[[nodiscard]] constexpr std::string_view to_string(Traffic traffic) noexcept {
  return traffic == Traffic::Open ? "open" : traffic == Traffic::Paused ? "paused" : "draining";
}

/// What becomes of what the policies in force say of a depot (ADR 0201).
enum class Enforcement : std::uint8_t {
  Enforce,
  Observe,  ///< it is decided and recorded, and nothing of it is done
};
[[nodiscard]] constexpr std::string_view to_string(Enforcement enforcement) noexcept {
  return enforcement == Enforcement::Observe ? "observe" : "enforce";
}

enum class PoolMode : std::uint8_t {
  Transaction,  ///< a session has a server connection from a transaction's first statement to its end
  Session,      ///< a session has one of its own for its life
};

/// How sessions come to server connections (docs/guide/pooling.md).
struct PoolOptions {
  PoolMode mode = PoolMode::Session;
  /// Server connections of the depot, over all logins; unset: kDefaultSize in transaction mode and
  /// no limit in session mode.
  std::optional<std::uint32_t> size;
  std::uint32_t min = 0;                               ///< kept open in each pool that is in use
  std::chrono::milliseconds queue_timeout{30'000};     ///< for a free server connection; 0: none
  std::chrono::milliseconds idle_timeout{600'000};     ///< of a server connection; 0: none
  std::chrono::milliseconds lifetime{3'600'000};       ///< of a server connection, +-10 %; 0: none
  /// Statements without a name that come again are prepared once a server connection. Off unless
  /// chosen: after DDL past the gateway such a statement fails once with 0A000, as a named one would.
  bool share_unnamed = false;
  static constexpr std::uint32_t kDefaultSize = 20;
  friend bool operator==(const PoolOptions&, const PoolOptions&) = default;

  /// 0: no limit.
  [[nodiscard]] std::uint32_t limit() const noexcept {
    return size.value_or(mode == PoolMode::Transaction ? kDefaultSize : 0);
  }
};

/// One protected PostgreSQL database.
struct Depot {
  DepotId id;
  std::string name;
  std::optional<TenantId> tenant;
  Endpoint endpoint;
  std::string database;
  ServerTls tls;
  DepotState state = DepotState::Active;
  Traffic traffic = Traffic::Open;
  Enforcement enforcement = Enforcement::Enforce;
  bool embedded = false;  ///< supervised by this very gateway
  PoolOptions pool;
  friend bool operator==(const Depot&, const Depot&) = default;
};

/// RFC 5802's ClientKey and ServerKey: enough to sign in where the password is not known.
struct ScramKeys {
  SecretBytes client_key;
  SecretBytes server_key;
};
/// The server asks for none (peer, trust, or a client certificate alone).
struct NoSecret {};
using LoginSecret = std::variant<NoSecret, SecretBytes, ScramKeys>;

/// The gateway's own certificate toward a server. Move-only.
struct ClientCertificate {
  std::string chain_pem;  ///< leaf first
  SecretBytes key_pem;    ///< without a passphrase
};

/// A LOGIN role of the depot's server that the gateway signs in as. Move-only.
struct DepotLogin {
  DepotLoginId id;
  DepotId depot;
  std::string role_name;
  LoginSecret secret;
  std::optional<ClientCertificate> certificate = std::nullopt;  ///< shown where the server asks for one
};

/// A person or a service that signs in at the gateway. Move-only.
struct Identity {
  IdentityId id;
  std::string name;
  std::optional<TenantId> tenant;
  bool enabled = true;
  std::optional<WallTime> valid_until;  ///< first moment at which it is over
  SecretBytes scram_verifier;           ///< text as in pg_authid; empty: cannot sign in by password
  bool is_service = false;
  bool is_operator = false;
  std::map<std::string, std::string> attributes;

  [[nodiscard]] bool usable_at(WallTime now) const noexcept { return enabled && (!valid_until || now < *valid_until); }
};

struct Role {
  RoleId id;
  std::string name;
  friend bool operator==(const Role&, const Role&) = default;
};

struct RoleMember {
  RoleId role;
  IdentityId identity;
  friend bool operator==(const RoleMember&, const RoleMember&) = default;
};

/// Who is granted: one identity, or everyone in a role.
using Grantee = std::variant<IdentityId, RoleId>;

struct Grant {
  GrantId id;
  Grantee grantee;
  DepotId depot;
  std::string login;  ///< DepotLogin::role_name
  std::optional<WallTime> valid_until;
  bool past_wall = false;  ///< policies do not concern those who come by it: the depot's owner
  bool act_for_any = false;       ///< its holder may act for every tenant
  std::vector<TenantId> act_for = {};  ///< or for these
  friend bool operator==(const Grant&, const Grant&) = default;
};

}  // namespace bartizan::policy
