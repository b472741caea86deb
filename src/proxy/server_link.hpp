// A signed-in connection to a depot's server.
#pragma once

#include <memory>
#include <string>

#include "bartizan/pgwire/writer.hpp"
#include "shared.hpp"

namespace bartizan::proxy {

struct ServerLink {
  std::unique_ptr<net::Stream> stream;
  Bytes greeting;         ///< ParameterStatus and notices for the client
  Bytes first_bytes;      ///< what came behind ReadyForQuery already (nothing, by the protocol)
  std::uint32_t process_id = 0;
  std::uint32_t cancel_secret = 0;
  std::shared_ptr<const SecretBytes> context_key;  ///< of a class's connection: signs its contexts
};

/// Why there is none: as ErrorResponse bytes, ready to be sent.
struct LinkFailure {
  Bytes error_response;
  bool login_refused = false;  ///< the server was there and did not let this login in
};

struct LinkRequest {
  ServerAddress address;
  std::string database;
  const policy::DepotLogin* login = nullptr;  ///< lives as long as `snapshot`, or is class_login
  std::shared_ptr<const policy::WallClass> wall_class;  ///< null: the depot's own login
  std::shared_ptr<const policy::DepotLogin> class_login;
  std::shared_ptr<const policy::Snapshot> snapshot;
  std::vector<std::pair<std::string, std::string>> settings;
  policy::ServerTls tls;  ///< as configured, beside the context made of it in `address`
};

using LinkResult = tl::expected<ServerLink, LinkFailure>;

[[nodiscard]] net::Task<LinkResult> open_server_link(net::asio::io_context& context, Shared& shared,
                                                     LinkRequest request);

/// How long a server may take from connect to the end of the TLS handshake, to sign in, and for a cancel.
inline constexpr auto kServerPatience = std::chrono::seconds(10);

/// A connected stream, under TLS where the address says so, before any StartupMessage.
[[nodiscard]] net::Task<Result<std::unique_ptr<net::Stream>>> connect_server(net::asio::io_context& context,
                                                                             ServerAddress address);

[[nodiscard]] Bytes error_bytes(const pgwire::ErrorReport& report);

}  // namespace bartizan::proxy
