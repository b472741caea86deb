// Outgoing connections, each with its own deadline: a peer that does not answer must not hold the
// session, the descriptor and the stop of the program that wait for it.
#pragma once

#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <memory>
#include <string>

#include "bartizan/net/stream.hpp"

namespace bartizan::net {

[[nodiscard]] Task<Result<std::unique_ptr<Stream>>> connect_unix(asio::io_context& context, std::string path);
/// Resolves host off the loop and tries each address in turn; DeadlineExceeded after patience.
[[nodiscard]] Task<Result<std::unique_ptr<Stream>>> connect_tcp(asio::io_context& context, std::string host,
                                                                std::uint16_t port, std::chrono::milliseconds patience);

/// Closes a stream at a deadline unless it is destroyed before. Same thread as the stream, which
/// must outlive it.
class CloseAfter {
 public:
  CloseAfter(Stream& stream, std::chrono::milliseconds patience);
  CloseAfter(const CloseAfter&) = delete;
  CloseAfter& operator=(const CloseAfter&) = delete;
  ~CloseAfter();

 private:
  asio::steady_timer timer_;
  std::shared_ptr<Stream*> stream_;  // nulled when this ends before the timer's handler has run
};

}  // namespace bartizan::net
