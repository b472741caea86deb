#include "bartizan/net/listener.hpp"

#include <sys/socket.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace bartizan::net {

namespace asio = boost::asio;
using asio::ip::tcp;

Result<Listener> Listener::open(asio::io_context& context, const std::string& address, std::uint16_t port,
                                int backlog) {
  boost::system::error_code error;
  const auto ip = asio::ip::make_address(address, error);
  if (error) return fail(Errc::InvalidArgument, "not an IP address to listen on: " + address);
  tcp::acceptor acceptor(context);
  const tcp::endpoint endpoint(ip, port);
  acceptor.open(endpoint.protocol(), error);
  if (error) return fail(Errc::Unavailable, address + ": " + error.message());
  acceptor.set_option(tcp::acceptor::reuse_address(true), error);
  if (ip.is_v6()) acceptor.set_option(asio::ip::v6_only(true), error);
  acceptor.bind(endpoint, error);
  if (error == asio::error::address_in_use)
    return fail(Errc::AlreadyExists, "port " + std::to_string(port) + " on " + address + " is in use");
  if (error) return fail(Errc::Unavailable, address + ":" + std::to_string(port) + ": " + error.message());
  acceptor.listen(backlog, error);
  if (error) return fail(Errc::Unavailable, address + ": " + error.message());
  acceptor.native_non_blocking(true, error);
  const auto bound = acceptor.local_endpoint(error).port();
  return Listener(std::move(acceptor), address, bound);
}

Result<Listener> Listener::adopt(asio::io_context& context, ListeningSocket socket) {
  sockaddr_storage name{};
  socklen_t size = sizeof name;
  if (::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&name), &size) != 0)
    return fail(Errc::Io, "the address of an inherited socket can't be read");
  tcp::acceptor acceptor(context);
  boost::system::error_code error;
  acceptor.assign(name.ss_family == AF_INET6 ? tcp::v6() : tcp::v4(), socket.get(), error);
  if (error) return fail(Errc::Unavailable, "an inherited socket: " + error.message());
  static_cast<void>(socket.release());
  acceptor.native_non_blocking(true, error);
  const auto bound = acceptor.local_endpoint(error);
  if (error) return fail(Errc::Unavailable, "an inherited socket: " + error.message());
  return Listener(std::move(acceptor), bound.address().to_string(), bound.port());
}

asio::awaitable<Result<Accepted>> Listener::accept() {
  tcp::socket socket(acceptor_.get_executor());
  tcp::endpoint peer;
  const auto [error] = co_await acceptor_.async_accept(socket, peer, asio::as_tuple(asio::use_awaitable));
  if (error == asio::error::operation_aborted) co_return fail(Errc::Cancelled, "listener closed");
  if (error == asio::error::no_descriptors) co_return fail(Errc::ResourceExhausted, "no file descriptor left");
  if (error) co_return fail(Errc::Io, error.message());
  boost::system::error_code ignored;
  socket.set_option(tcp::no_delay(true), ignored);
  socket.set_option(asio::socket_base::keep_alive(true), ignored);
  socket.native_non_blocking(true, ignored);
  Accepted accepted;
  accepted.peer = Address::from_native(peer.data());
  accepted.socket = socket.release(ignored);
  co_return accepted;
}

void Listener::close() {
  boost::system::error_code ignored;
  acceptor_.close(ignored);
}

}  // namespace bartizan::net
