// A listening TCP socket.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include "bartizan/base/result.hpp"
#include "bartizan/net/address.hpp"
#include "bartizan/net/listening_socket.hpp"

namespace bartizan::net {

struct Accepted {
  int socket = -1;  ///< connected, non-blocking, close-on-exec; the receiver owns it
  Address peer;
};

/// Lives on one io_context thread. Port 0 asks for a free one; port() then says which.
class Listener {
 public:
  [[nodiscard]] static Result<Listener> open(boost::asio::io_context& context, const std::string& address,
                                             std::uint16_t port, int backlog);
  /// One that listens already; close() leaves it to its other owners.
  [[nodiscard]] static Result<Listener> adopt(boost::asio::io_context& context, ListeningSocket socket);
  [[nodiscard]] boost::asio::awaitable<Result<Accepted>> accept();
  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
  [[nodiscard]] const std::string& address() const noexcept { return address_; }
  void close();

 private:
  Listener(boost::asio::ip::tcp::acceptor acceptor, std::string address, std::uint16_t port)
      : acceptor_(std::move(acceptor)), address_(std::move(address)), port_(port) {}
  boost::asio::ip::tcp::acceptor acceptor_;
  std::string address_;
  std::uint16_t port_;
};

}  // namespace bartizan::net
