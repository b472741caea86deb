// The client end of the admin socket: AF_UNIX stream, one JSON object a line.
//   request  {"v":1,"verb":"identity.create","args":{…}}\n
//   answer   {"ok":true,"result":…}\n  or  {"ok":false,"error":{"code":…,"message":…,"hint":…}}\n
// Only the transport is here: bytes in, one line out, every wait and every length bounded.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>

#include "bartizan/base/result.hpp"

namespace bartizan::cli {

inline constexpr std::size_t kMaxAdminLineBytes = 16u << 20;

struct AdminClientOptions {
  std::string socket_file;
  std::chrono::milliseconds timeout = std::chrono::seconds{60};  ///< for the whole exchange
  std::size_t max_line_bytes = kMaxAdminLineBytes;               ///< either way, newline included
};

/// Connects, sends the request and a newline, and returns the answer's line without its newline.
/// Blocks at most options.timeout. REQUIRES: request holds no newline.
/// Errors: Unavailable (nobody listens, or the peer closed early), PermissionDenied,
/// DeadlineExceeded, TooLarge, Malformed (bytes after the line), InvalidArgument (a path too
/// long for a socket address), Io.
[[nodiscard]] Result<std::string> ask_admin(const AdminClientOptions& options, std::string_view request);

}  // namespace bartizan::cli
