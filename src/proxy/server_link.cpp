#include "server_link.hpp"

#include <fmt/format.h>

#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <variant>

#include "bartizan/base/log.hpp"
#include "bartizan/crypto/x509.hpp"
#include "bartizan/net/connect.hpp"
#include "bartizan/session/class_opening.hpp"
#include "bartizan/session/server_sign_in.hpp"
#include "bartizan/wall/context.hpp"

namespace bartizan::proxy {

using session::ServerSignIn;

Bytes error_bytes(const pgwire::ErrorReport& report) {
  Bytes out;
  pgwire::MessageWriter writer(out);
  pgwire::write_error_response(writer, report);
  return out;
}

namespace {

LinkFailure unreachable() {
  pgwire::ErrorReport report;
  report.severity = pgwire::Severity::Fatal;
  report.sqlstate = pgwire::sqlstate::kCannotConnectNow;
  report.message = "the depot's server can't be reached";
  report.hint = "Try again shortly. An operator finds out more with `bartizan doctor`.";
  return {error_bytes(report), false};
}

}  // namespace

net::Task<Result<std::unique_ptr<net::Stream>>> connect_server(net::asio::io_context& context, ServerAddress address) {
  if (const auto* local = std::get_if<policy::UnixEndpoint>(&address.endpoint)) {
    auto path = fmt::format("{}/.s.PGSQL.{}", local->socket_dir, local->port);
    auto connected = co_await net::connect_unix(context, std::move(path));
    co_return connected;
  }
  const auto remote = std::get<policy::TcpEndpoint>(address.endpoint);
  auto connected = co_await net::connect_tcp(context, remote.host, remote.port, kServerPatience);
  if (!connected) co_return connected;
  // TLS always: Snapshot::make refuses a TCP depot without.
  if (!address.tls) co_return fail(Errc::Internal, "a TCP depot without TLS");
  const net::CloseAfter deadline(**connected, kServerPatience);
  Bytes request;
  pgwire::MessageWriter writer(request);
  pgwire::write_ssl_request(writer);
  auto sent = co_await (*connected)->write_all(request);
  if (!sent) co_return tl::unexpected(sent.error());
  // Exactly one byte is read: what follows it belongs to the handshake (CVE-2021-23222's class).
  std::array<std::byte, 1> answer{};
  auto got = co_await (*connected)->read_exactly(answer);
  if (!got) co_return tl::unexpected(got.error());
  if (std::to_integer<char>(answer[0]) != 'S') co_return fail(Errc::Unavailable, "the server offers no TLS");
  auto host = remote.host;
  auto secured = co_await (*connected)->handshake_client(address.tls, std::move(host));
  if (!secured) co_return tl::unexpected(secured.error());
  co_return connected;
}

namespace {

/// The keys for the server's challenge, derived beside the loop where they are not cached: a
/// server that changes its salt each time must not cost other sessions their time.
net::Task<Result<ScramKeyCache::Keys>> client_keys(net::asio::io_context& context, Shared& shared,
                                                   const policy::DepotLogin& login,
                                                   const identity::ServerFirst& first) {
  const auto& password = std::get<SecretBytes>(login.secret);
  if (auto cached = shared.scram_keys.find(login.id.get(), password, first)) co_return cached;
  // Copies, since this coroutine may be gone when the work is done.
  struct Work {
    Uuid login;
    SecretBytes password;
    identity::ServerFirst first;
    net::asio::steady_timer done;
    Result<ScramKeyCache::Keys> keys = fail(Errc::Cancelled, "not derived");
  };
  const std::shared_ptr<Work> work(new Work{login.id.get(), password.clone(), first, net::asio::steady_timer(context)});
  work->done.expires_at(SteadyTime::max());
  net::asio::post(shared.slow_work, [&shared, &context, work] {
    work->keys = shared.scram_keys.derive(work->login, work->password, work->first);
    net::asio::post(context, [work] { work->done.cancel(); });
  });
  co_await work->done.async_wait(net::asio::as_tuple(net::asio::use_awaitable));
  co_return std::move(work->keys);
}

/// Runs the sign-in over stream; the steps themselves are session::ServerSignIn's.
net::Task<LinkResult> sign_in(net::Stream& stream, Shared& shared, const LinkRequest& request, ServerSignIn& steps) {
  Bytes out;
  steps.begin(out);
  Bytes input;
  std::array<std::byte, 4096> chunk{};
  for (;;) {
    if (!out.empty()) {
      auto sent = co_await stream.write_all(out);
      if (!sent) co_return tl::unexpected(unreachable());
      out.clear();
    }
    auto step = steps.on_bytes(input, out);
    input.erase(input.begin(), input.begin() + static_cast<std::ptrdiff_t>(step.consumed));
    if (step.action == ServerSignIn::Action::DeriveKeys) {
      const auto* keys = std::get_if<policy::ScramKeys>(&request.login->secret);
      if (keys != nullptr) {
        identity::ScramClientKeys copy{keys->client_key.clone(), keys->server_key.clone()};
        step = steps.keys_derived(copy, out);
      } else {
        auto derived = co_await client_keys(stream.context(), shared, *request.login, steps.server_first());
        if (!derived) co_return tl::unexpected(unreachable());
        step = steps.keys_derived(**derived, out);
      }
    }
    if (step.action == ServerSignIn::Action::Failed) {
      const bool as_is = !steps.server_error().empty();
      co_return tl::unexpected(LinkFailure{as_is ? steps.server_error() : error_bytes(steps.report()), !as_is});
    }
    if (step.action == ServerSignIn::Action::Ready) {
      ServerLink link;
      link.greeting = steps.greeting();
      link.first_bytes = std::move(input);
      link.process_id = steps.process_id();
      link.cancel_secret = steps.cancel_secret();
      co_return link;
    }
    if (step.action == ServerSignIn::Action::Send) continue;
    auto got = co_await stream.read_some(chunk);
    if (!got) {
      // In TLS 1.3 a server that does not like our certificate says so only here.
      BZ_LOG(Warn, "server.sign_in_ended", {"login", request.login->role_name}, {"reason", got.error().detail});
      co_return tl::unexpected(unreachable());
    }
    input.insert(input.end(), chunk.begin(), chunk.begin() + static_cast<std::ptrdiff_t>(*got));
  }
}

/// Whatever goes wrong between the gateway and a class's role is no matter of the client's.
LinkFailure class_unusable(const LinkRequest& request, std::string_view reason) {
  BZ_LOG(Error, "server.class_unusable", {"role", request.login->role_name}, {"reason", reason});
  return {unreachable().error_response, true};
}

/// A value that the client gave is its own; all else is not.
LinkFailure refused_class(const LinkRequest& request, const Bytes& error_response) {
  const auto report = error_response.empty()
                          ? pgwire::Decoded<pgwire::ReportFieldsView>()
                          : pgwire::decode_report(ByteView(error_response).subspan(pgwire::kFrameHeaderBytes));
  if (!report || report->sqlstate() != pgwire::sqlstate::kInvalidParameterValue.view())
    return class_unusable(request, report ? report->sqlstate() : "sign-in");
  pgwire::ErrorReport shown;
  shown.severity = pgwire::Severity::Fatal;
  shown.sqlstate = pgwire::sqlstate::kInvalidParameterValue;
  shown.message = report->message();
  return {error_bytes(shown), false};
}

/// The key that contexts on this connection are signed by.
net::Task<LinkResult> open_class(net::Stream& stream, const LinkRequest& request, ServerLink link) {
  Bytes out;
  session::ClassOpening::begin(wall::kOpenConnectionSql, out);
  auto sent = co_await stream.write_all(out);
  if (!sent) co_return tl::unexpected(unreachable());
  session::ClassOpening opening;
  Bytes input = std::move(link.first_bytes);
  std::array<std::byte, 1024> chunk{};
  for (;;) {
    const auto step = opening.on_bytes(input);
    input.erase(input.begin(), input.begin() + static_cast<std::ptrdiff_t>(step.consumed));
    if (step.action == session::ClassOpening::Action::Failed)
      co_return tl::unexpected(class_unusable(request, opening.sqlstate()));
    if (step.action == session::ClassOpening::Action::Ready) break;
    auto got = co_await stream.read_some(chunk);
    if (!got) co_return tl::unexpected(unreachable());
    input.insert(input.end(), chunk.begin(), chunk.begin() + static_cast<std::ptrdiff_t>(*got));
  }
  auto key =
      wall::connection_key(*request.wall_class->context_key,
                           {request.login->role_name, static_cast<std::int32_t>(link.process_id), opening.nonce()});
  if (!key) co_return tl::unexpected(class_unusable(request, to_string(key.error().code)));
  link.context_key = std::make_shared<const SecretBytes>(std::move(*key));
  link.first_bytes = std::move(input);
  co_return std::move(link);
}

}  // namespace

net::Task<LinkResult> open_server_link(net::asio::io_context& context, Shared& shared, LinkRequest request) {
  auto address = request.address;
  const auto& certificate = request.login->certificate;
  if (const auto* verify = std::get_if<policy::TlsVerifyFull>(&request.tls); verify != nullptr && certificate) {
    auto tls = shared.server_tls.get(*verify, &*certificate);
    if (!tls) {
      BZ_LOG(Error, "server.tls_unusable", {"login", request.login->role_name}, {"reason", tls.error().detail});
      co_return tl::unexpected(unreachable());
    }
    address.tls = std::move(*tls);
  }
  auto connected = co_await connect_server(context, std::move(address));
  if (!connected) {
    BZ_LOG(Warn, "server.unreachable", {"reason", connected.error().detail});
    co_return tl::unexpected(unreachable());
  }
  auto stream = std::move(*connected);
  const net::CloseAfter deadline(*stream, kServerPatience);
  session::ServerSignInRequest facts;
  facts.user = request.login->role_name;
  facts.database = request.database;
  facts.settings = request.settings;
  facts.password_available = !std::holds_alternative<policy::NoSecret>(request.login->secret);
  facts.scram_nonce = identity::make_scram_nonce(shared.around.random);
  if (stream->is_tls()) {
    const auto der = stream->peer_certificate_der();
    if (auto hash = crypto::server_end_point_hash(ByteView(der))) facts.end_point_hash = std::move(*hash);
  }
  ServerSignIn steps(std::move(facts));
  auto link = co_await sign_in(*stream, shared, request, steps);
  if (request.wall_class) {
    if (!link && (link.error().login_refused || !steps.server_error().empty()))
      co_return tl::unexpected(refused_class(request, steps.server_error()));
    if (link) {
      auto signed_in = std::move(*link);
      link = co_await open_class(*stream, request, std::move(signed_in));
    }
  }
  if (link) link->stream = std::move(stream);
  co_return link;
}

}  // namespace bartizan::proxy
