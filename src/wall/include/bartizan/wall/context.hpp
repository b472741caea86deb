// The signed context: who it is within a policy class, as text that the gateway puts in front of
// every transaction and the wall's functions verify (docs/formats/context.md; DESIGN, "The wall",
// point 5). HMAC-SHA-256 (RFC 2104) under a key of the one server connection, so that what was
// signed for another class, backend or connection fails as a whole.
//
// On a new server connection: kOpenConnectionSql → nonce → connection_key(). First in every
// transaction: sign_context() by kSetContextSql, or set_context_sql() in a simple query. Sign anew
// when `expires` comes near: PostgreSQL compares it with each statement's begin.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bartizan/base/clock.hpp"
#include "bartizan/base/result.hpp"
#include "bartizan/base/secret.hpp"

namespace bartizan::wall {

inline constexpr std::size_t kContextKeySize = 32;
inline constexpr std::size_t kMaxContextBytes = 64 * 1024;
/// A context that ends later than this after the statement's begin is refused by PostgreSQL.
inline constexpr std::chrono::seconds kMaxContextLife{600};
/// What a gateway should sign for, where no grant ends sooner.
inline constexpr std::chrono::seconds kContextLife{300};

/// One text: the nonce. Run once on each new server connection, outside a transaction.
inline constexpr std::string_view kOpenConnectionSql = "SELECT bartizan_views.open_connection()";
/// $1: the signed context. Transaction-local.
inline constexpr std::string_view kSetContextSql = "SELECT pg_catalog.set_config('bartizan.ctx', $1, true)";
/// Every server connection of a class must run with this; layer 1's text relies on it.
inline constexpr std::string_view kPinSearchPathSql = "SET search_path = pg_catalog";

/// The server connection that contexts are for.
struct ServerConnection {
  std::string class_role;
  std::int32_t backend_pid = 0;  ///< BackendKeyData's
  std::string nonce;             ///< as kOpenConnectionSql gave it
};

struct ContextValue {
  std::string name;                  ///< [a-z_][a-z0-9_]*, at most 63
  std::optional<std::string> value;  ///< text as PostgreSQL's input function of its type reads it; nullopt: none
};

struct Context {
  WallTime expires;                  ///< cut to whole seconds
  std::vector<ContextValue> values;  ///< each name once; `tenant` always, nullopt being "no tenant"
};

/// Malformed nonce, role or key size: InvalidArgument.
[[nodiscard]] Result<SecretBytes> connection_key(const SecretBytes& depot_key, const ServerConnection& connection);

/// A class's key for masks that make tokens, from the depot's secret (bartizan.secret_key, purpose 'mask'): the
/// same that PostgreSQL makes when a server connection is opened for the class.
[[nodiscard]] SecretBytes mask_key(const SecretBytes& secret, std::string_view class_role);

/// Plain ASCII. InvalidArgument: a bad or repeated name, a value that is no UTF-8 or holds a zero
/// byte, no `tenant`, an expiry out of range; TooLarge: over kMaxContextBytes.
[[nodiscard]] Result<std::string> sign_context(const SecretBytes& connection_key, const Context& context);

/// kSetContextSql with the context as a literal that means the same under every setting.
[[nodiscard]] std::string set_context_sql(std::string_view signed_context);

}  // namespace bartizan::wall
