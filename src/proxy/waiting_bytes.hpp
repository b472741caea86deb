// Writing to a peer that may be slow: what it takes at once, and the rest kept until it can.
#pragma once

#include "bartizan/net/stream.hpp"
#include "bartizan/session/byte_runs.hpp"

namespace bartizan::proxy {

/// Writes what the peer takes at once; the rest is appended to waiting. False when the peer is gone.
[[nodiscard]] bool send_now(net::Stream& stream, const session::ByteRuns& runs, Bytes& waiting);

/// Until waiting is written, or the stream has ended: false. Both must outlive the coroutine.
[[nodiscard]] net::Task<bool> flush_waiting(net::Stream& stream, Bytes& waiting);

}  // namespace bartizan::proxy
