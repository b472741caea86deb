// From accept to the first ReadyForQuery.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "bartizan/base/log.hpp"
#include "bartizan/net/connect.hpp"
#include "bartizan/net/proxy_protocol.hpp"
#include "bartizan/pgwire/frame.hpp"
#include "bartizan/session/client_sign_in.hpp"
#include "client_session.hpp"
#include "granted.hpp"

namespace bartizan::proxy {

namespace asio = net::asio;
using session::ClientSignIn;
using session::ClientStartup;

ClientSession::ClientSession(Worker& worker, std::uint64_t id, net::Accepted accepted)
    : worker_(worker),
      shared_(worker.shared()),
      id_(id),
      peer_(std::move(accepted.peer)),
      client_(worker.context(), accepted.socket),
      begun_(shared_.around.clock.steady()),
      since_(shared_.around.clock.wall()),
      client_spoke_(begun_),
      reply_awaited_since_(begun_),
      progress_(worker.context()) {
  shared_.counters.half_open.fetch_add(1, std::memory_order_relaxed);
}

ClientSession::~ClientSession() {
  if (!counted_host_.empty()) shared_.per_address.leave(counted_host_);
  if (has_place_) shared_.places.give_back();
}

void ClientSession::run() {
  // The coroutine holds the session; whatever it throws is a fault of ours and ends it alone.
  asio::co_spawn(worker_.context(), main(), [self = shared_from_this()](std::exception_ptr fault) {
    if (fault) BZ_LOG(Error, "session.fault", {"session", self->id_});
    self->close();
    if (self->relay_) {
      self->relay_->abandon();
      self->record_sign_out();
      self->publish_figures();
      self->shared_.counters.sessions.fetch_sub(1, std::memory_order_relaxed);
    } else {
      self->shared_.counters.half_open.fetch_sub(1, std::memory_order_relaxed);
    }
    if (self->counted_pin_ != sql::PinReason::None)
      self->shared_.counters.pins[static_cast<std::size_t>(self->counted_pin_)].fetch_sub(1, std::memory_order_relaxed);
    if (self->cancel_key_) self->shared_.cancels.remove(*self->cancel_key_);
    self->worker_.leave(self->id_);
  });
}

net::Task<void> ClientSession::main() {
  const bool started = co_await start_up();
  if (!started) co_return;
  const bool ready = co_await sign_in();
  if (!ready) co_return;
  co_await pump_client();
  // Behind its Terminate the server still answers what it had been sent before, and closes.
  while (finished_ && !closing_) {
    progress_.expires_after(std::chrono::hours(1));
    co_await progress_.async_wait(asio::as_tuple(asio::use_awaitable));
  }
}

net::Task<void> ClientSession::refuse(pgwire::ErrorReport report) {
  shared_.counters.refused_connections.fetch_add(1, std::memory_order_relaxed);
  const Bytes out = error_bytes(report);
  [[maybe_unused]] auto sent = co_await client_.write_all(out);
}

/// What is known of who was refused: before the StartupMessage the address alone.
void ClientSession::record_refusal(SignInRefusal reason, std::string_view sqlstate) {
  SignInRefusals::Refused refused;
  refused.reason = reason;
  refused.sqlstate = sqlstate;
  const auto address = peer_.to_string();
  refused.address = address;
  refused.host = peer_.host;
  if (request_) {
    refused.identity = request_->user;
    refused.depot = request_->database;
  }
  if (shared_.refusals.record(refused))
    BZ_LOG(Info, "session.refused", {"session", id_}, {"reason", to_string(reason)}, {"address", address});
}

net::Task<void> ClientSession::refuse_sign_in(SignInRefusal reason, pgwire::ErrorReport report) {
  record_refusal(reason, report.sqlstate.view());
  co_await refuse(std::move(report));
}

net::Task<bool> ClientSession::start_up() {
  const auto& limits = worker_.limits();
  const bool balancer = std::ranges::any_of(limits.proxy_protocol_from,
                                            [&](const net::Network& network) { return network.contains(peer_); });
  if (balancer) {
    const bool told = co_await read_proxy_header();
    if (!told) co_return false;
  }
  if (!shared_.per_address.enter(peer_.host, limits.clients_per_address)) {
    record_refusal(SignInRefusal::TooManyClients, pgwire::sqlstate::kTooManyConnections.view());
    shared_.counters.refused_connections.fetch_add(1, std::memory_order_relaxed);
    co_return false;
  }
  counted_host_ = peer_.host;
  // Direct TLS is told by its first byte, which is looked at and left for the handshake.
  std::array<std::byte, 1> first{};
  for (;;) {
    const auto peeked = client_.try_peek(first);
    if (peeked.status == net::IoStatus::Ok) break;
    if (peeked.status != net::IoStatus::WouldBlock) co_return false;
    const bool ready = co_await client_.wait_readable();
    if (!ready) co_return false;
  }
  const bool direct = std::to_integer<unsigned char>(first[0]) == pgwire::kTlsHandshakeRecord;
  if (direct) {
    const bool secured = co_await become_tls();
    // Without ALPN a direct handshake could be another protocol's traffic sent here (ALPACA).
    if (!secured || !client_.alpn_is_postgresql()) co_return false;
  }
  ClientStartup startup(direct);
  const bool named = co_await negotiate(startup);
  if (!named) co_return false;
  request_ = std::make_unique<session::StartupRequest>(startup.request());
  co_return true;
}

net::Task<bool> ClientSession::read_proxy_header() {
  Bytes header;
  for (;;) {
    const auto decoded = net::decode_proxy_header(header);
    if (!decoded) {
      BZ_LOG(Warn, "proxy_protocol.refused", {"address", peer_.to_string()}, {"reason", decoded.error().detail});
      co_return false;
    }
    if (*decoded) {
      if (!(*decoded)->local) peer_ = {(*decoded)->source_address, (*decoded)->source_port};
      co_return true;
    }
    // A byte at a time: nothing behind the header may be taken from the stream.
    std::array<std::byte, 1> next{};
    auto got = co_await client_.read_exactly(next);
    if (!got) co_return false;
    header.push_back(next[0]);
  }
}

net::Task<bool> ClientSession::become_tls() {
  auto certificate = shared_.certificate();
  end_point_hash_ = certificate.end_point_hash;
  name_on_certificate_ = certificate.client_name_is_identity;
  auto secured = co_await client_.handshake_server(std::move(certificate.context));
  if (!secured) {
    record_refusal(SignInRefusal::TlsHandshake, pgwire::sqlstate::kInvalidAuthorizationSpecification.view());
    BZ_LOG(Debug, "tls.handshake_failed", {"session", id_}, {"reason", secured.error().detail});
  }
  co_return secured.has_value();
}

net::Task<bool> ClientSession::negotiate(ClientStartup& startup) {
  Bytes input;
  static constexpr std::byte kYes{'S'};
  static constexpr std::byte kNo{'N'};
  for (;;) {
    const auto step = startup.on_bytes(input);
    input.erase(input.begin(), input.begin() + static_cast<std::ptrdiff_t>(step.consumed));
    switch (step.action) {
      case ClientStartup::Action::NeedMore: {
        const std::size_t missing = ClientStartup::wanted(input) - input.size();
        if (missing == 0) break;
        const std::size_t before = input.size();
        input.resize(before + missing);
        const auto room = std::span(input).subspan(before);
        auto got = co_await client_.read_exactly(room);
        if (!got) co_return false;
        break;
      }
      case ClientStartup::Action::StartTls: {
        std::array<std::byte, 1> behind{};
        const auto peeked = client_.try_peek(behind);
        if (peeked.status == net::IoStatus::Ok) {
          pgwire::ErrorReport report;
          report.severity = pgwire::Severity::Fatal;
          report.sqlstate = pgwire::sqlstate::kProtocolViolation;
          report.message = "received unencrypted data after SSL request";
          co_await refuse_sign_in(SignInRefusal::Protocol, report);
          co_return false;
        }
        auto sent = co_await client_.write_all(ByteView(&kYes, 1));
        if (!sent) co_return false;
        const bool secured = co_await become_tls();
        if (!secured) co_return false;
        startup.tls_established();
        break;
      }
      case ClientStartup::Action::AnswerNo: {
        auto sent = co_await client_.write_all(ByteView(&kNo, 1));
        if (!sent) co_return false;
        break;
      }
      case ClientStartup::Action::Cancel: co_await cancel(startup.cancel_key()); co_return false;
      case ClientStartup::Action::Refuse: {
        const auto reason = startup.needs_tls() ? SignInRefusal::Plaintext : SignInRefusal::Protocol;
        co_await refuse_sign_in(reason, startup.report());
        co_return false;
      }
      case ClientStartup::Action::Close: co_return false;
      case ClientStartup::Action::SignIn:
        // The client must wait for AuthenticationSASL; on_bytes has been given the packet alone.
        co_return true;
    }
  }
}

std::optional<audit::Ticket> ClientSession::record_sign_in(const policy::Identity* identity, audit::Status status,
                                                           std::string_view sqlstate) {
  if (status != audit::Status::Ok) shared_.counters.sign_in_failures.fetch_add(1, std::memory_order_relaxed);
  std::string who = who_;
  if (who.empty()) {
    audit::append_member(who, "identity", identity == nullptr ? request_->user : identity->name);
    audit::append_member(who, "depot", request_->database);
    audit::append_member(who, "address", peer_.to_string());
  }
  const auto ticket = shared_.around.log.begin({audit::Event::SignIn, shared_.around.clock.wall(), who, {}});
  if (!ticket) return std::nullopt;
  audit::Outcome outcome;
  outcome.status = status;
  if (sqlstate.size() == 5) std::copy_n(sqlstate.begin(), 5, outcome.sqlstate.begin());
  shared_.around.log.finish(*ticket, outcome);
  BZ_LOG(Info, "session.sign_in", {"session", id_}, {"status", audit::to_string(status)},
         {"address", peer_.to_string()});
  return *ticket;
}

net::Task<bool> ClientSession::sign_in() {
  std::unique_ptr<Granted> granted;
  const bool proven = co_await prove(granted);
  if (!proven) co_return false;
  const bool connected = co_await connect(std::move(granted));
  co_return connected;
}

namespace {

pgwire::ErrorReport too_many_clients() {
  return fatal(pgwire::sqlstate::kTooManyConnections, "sorry, too many clients already",
               "Raise limits.clients, or close sessions.");
}

}  // namespace

/// What can be said before a password is asked for.
net::Task<bool> ClientSession::may_sign_in() {
  if (shared_.places.full(worker_.limits().clients)) {
    co_await refuse_sign_in(SignInRefusal::TooManyClients, too_many_clients());
    co_return false;
  }
  // Before the password, so that nobody can guess at it without the certificate.
  if (name_on_certificate_ && client_.peer_common_name() != request_->user) {
    co_await refuse_sign_in(SignInRefusal::WrongCertificate,
                            fatal(pgwire::sqlstate::kInvalidAuthorizationSpecification,
                                  fmt::format("certificate authentication failed for user \"{}\"", request_->user),
                                  "The common name of the client's certificate must be the identity's name."));
    co_return false;
  }
  co_return true;
}

/// The SCRAM exchange. The same for names that exist and names that do not, up to its last step.
net::Task<bool> ClientSession::prove(std::unique_ptr<Granted>& granted) {
  const auto& around = shared_.around;
  const bool may = co_await may_sign_in();
  if (!may) co_return false;
  auto snapshot = around.snapshots.fresh(around.clock.steady(), shared_.options.max_stale);
  if (!snapshot) {
    co_await refuse_sign_in(
        SignInRefusal::NotServing,
        fatal(pgwire::sqlstate::kCannotConnectNow, "Bartizan's control database is away", "Try again shortly."));
    co_return false;
  }
  const policy::Identity* identity = (*snapshot)->find_identity(request_->user);
  const auto shape = shared_.mock_shapes.draw(**snapshot, request_->user, shared_.mock_secret.reveal(),
                                              identity::ScramShape{shared_.options.scram_iterations});
  auto verifier = identity::ScramVerifier::mock(request_->user, shared_.mock_secret.reveal(), shape);
  bool genuine = false;
  if (identity != nullptr && identity->usable_at(around.clock.wall())) {
    if (auto parsed = identity::ScramVerifier::parse(identity->scram_verifier.reveal_chars())) {
      verifier = std::move(*parsed);
      genuine = true;
    }
  }
  auto nonce = identity::make_scram_nonce(around.random);
  ClientSignIn exchange(request_->user, std::move(verifier), genuine, end_point_hash_, std::move(nonce));
  Bytes out;
  if (request_->newer_minor || !request_->protocol_options.empty()) {
    std::vector<std::string_view> options(request_->protocol_options.begin(), request_->protocol_options.end());
    pgwire::MessageWriter writer(out);
    pgwire::write_negotiate_protocol_version(writer, pgwire::kProtocol30, options);
  }
  exchange.begin(out);
  Bytes input;
  for (;;) {
    auto sent = co_await client_.write_all(out);
    if (!sent) co_return false;
    out.clear();
    pgwire::FrameHeader header;
    input.resize(pgwire::kFrameHeaderBytes);
    auto got = co_await client_.read_exactly(input);
    if (!got) co_return false;
    const auto framed = pgwire::peek_frame(input, header);
    if (framed != pgwire::FrameStatus::Ok || header.length > pgwire::kMaxPreAuthMessageBytes) {
      co_await refuse_sign_in(SignInRefusal::Protocol,
                              fatal(pgwire::sqlstate::kProtocolViolation, "invalid message length"));
      co_return false;
    }
    input.resize(header.total_bytes());
    const auto body = std::span(input).subspan(pgwire::kFrameHeaderBytes);
    got = co_await client_.read_exactly(body);
    if (!got) co_return false;
    ClientSignIn::Action action = ClientSignIn::Action::Refuse;
    bool waits = false;
    {
      // One critical section from asking to reporting, so that parallel guesses can't outrun it.
      const std::lock_guard lock(shared_.throttle_mutex);
      const auto now = around.clock.steady();
      waits = exchange.awaiting_proof() && !shared_.throttle.before_attempt(request_->user, peer_.host, now).allowed;
      if (!waits) {
        action = exchange.on_message(header, ByteView(body), out);
        if (exchange.wrong_password()) shared_.throttle.failed(request_->user, peer_.host, now);
        if (action == ClientSignIn::Action::Proven) shared_.throttle.succeeded(request_->user, peer_.host, now);
      }
    }
    if (action == ClientSignIn::Action::Send) continue;
    if (action == ClientSignIn::Action::Refuse) {
      auto report = waits ? session::authentication_failed(request_->user) : exchange.report();
      const auto reason = waits                        ? SignInRefusal::LockedOut
                          : !exchange.wrong_password() ? SignInRefusal::Protocol
                          : genuine                    ? SignInRefusal::WrongPassword
                                                       : SignInRefusal::UnknownIdentity;
      shared_.counters.sign_in_failures.fetch_add(1, std::memory_order_relaxed);
      co_await refuse_sign_in(reason, std::move(report));
      co_return false;
    }
    break;
  }
  // Nobody knows yet that the proof was right, so one too many is told that alone.
  has_place_ = shared_.places.take(worker_.limits().clients);
  if (!has_place_) {
    co_await refuse_sign_in(SignInRefusal::TooManyClients, too_many_clients());
    co_return false;
  }
  auto sent = co_await client_.write_all(out);
  if (!sent) co_return false;
  granted = std::make_unique<Granted>();
  granted->identity = identity;
  granted->snapshot = std::move(*snapshot);
  co_return true;
}

void ClientSession::record_sign_out() {
  const auto ticket = shared_.around.log.begin({audit::Event::SignOut, shared_.around.clock.wall(), who_, {}});
  if (ticket) shared_.around.log.finish(*ticket, {});
}

}  // namespace bartizan::proxy
