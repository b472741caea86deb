// Outgoing connections. Deadlines are the caller's: it cancels by closing.
#pragma once

#include <memory>
#include <string>

#include "bartizan/net/stream.hpp"

namespace bartizan::net {

[[nodiscard]] Task<Result<std::unique_ptr<Stream>>> connect_unix(asio::io_context& context, std::string path);
/// Resolves host off the loop and tries each address in turn.
[[nodiscard]] Task<Result<std::unique_ptr<Stream>>> connect_tcp(asio::io_context& context, std::string host,
                                                                std::uint16_t port);

}  // namespace bartizan::net
