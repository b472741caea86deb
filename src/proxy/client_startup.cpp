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

namespace bartizan::proxy {

namespace asio = net::asio;
using session::ClientSignIn;
using session::ClientStartup;

/// What a proven identity may use.
struct ClientSession::Granted {
  std::shared_ptr<const policy::Snapshot> snapshot;
  const policy::Identity* identity = nullptr;
  const policy::Depot* depot = nullptr;
  policy::GrantedLogin grant;
};

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
    if (self->cancel_key_) self->shared_.cancels.remove(*self->cancel_key_);
    self->worker_.leave(self->id_);
  });
}

net::Task<void> ClientSession::main() {
  const bool started = co_await start_up();
  if (!started) co_return;
  const bool ready = co_await sign_in();
  if (!ready) co_return;
  server_pump_running_ = true;
  asio::co_spawn(worker_.context(), pump_server(), [self = shared_from_this()](std::exception_ptr fault) {
    if (fault) self->close();
    self->server_pump_running_ = false;
    self->progress_.cancel();
  });
  co_await pump_client();
  while (server_pump_running_) {
    progress_.expires_after(std::chrono::hours(1));
    co_await progress_.async_wait(asio::as_tuple(asio::use_awaitable));
  }
}

net::Task<void> ClientSession::refuse(pgwire::ErrorReport report) {
  shared_.counters.refused_connections.fetch_add(1, std::memory_order_relaxed);
  const Bytes out = error_bytes(report);
  [[maybe_unused]] auto sent = co_await client_.write_all(out);
}

net::Task<bool> ClientSession::start_up() {
  const auto limits = worker_.limits();
  const bool balancer = std::ranges::any_of(shared_.options.listen.proxy_protocol_from,
                                            [&](const net::Network& network) { return network.contains(peer_); });
  if (balancer) {
    const bool told = co_await read_proxy_header();
    if (!told) co_return false;
  }
  if (!shared_.per_address.enter(peer_.host, limits.clients_per_address)) {
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
  auto secured = co_await client_.handshake_server(std::move(certificate.context));
  if (!secured)
    BZ_LOG(Info, "tls.handshake_failed", {"address", peer_.to_string()}, {"reason", secured.error().detail});
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
          co_await refuse(report);
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
      case ClientStartup::Action::Refuse: co_await refuse(startup.report()); co_return false;
      case ClientStartup::Action::Close: co_return false;
      case ClientStartup::Action::SignIn:
        // The client must wait for AuthenticationSASL; on_bytes has been given the packet alone.
        co_return true;
    }
  }
}

/// Answers nothing, as PostgreSQL; returns when the server has taken it, so that a client that
/// waits for the end of this connection knows.
net::Task<void> ClientSession::cancel(session::CancelKey key) {
  const auto target = shared_.cancels.find(key);
  if (!target) co_return;
  const auto ticket = shared_.around.log.begin({audit::Event::Cancel, shared_.around.clock.wall(), target->who, {}});
  if (!ticket) co_return;
  shared_.counters.cancels.fetch_add(1, std::memory_order_relaxed);
  auto address = target->server;
  auto connected = co_await connect_server(worker_.context(), std::move(address));
  audit::Outcome outcome;
  outcome.status = audit::Status::Failed;
  if (connected) {
    opening_server_ = connected->get();
    const net::CloseAfter deadline(**connected, kServerPatience);
    Bytes out;
    std::array<std::byte, 4> secret{};
    store_be32(secret.data(), target->secret);
    pgwire::MessageWriter writer(out);
    pgwire::write_cancel_request(writer, target->process_id, secret);
    auto sent = co_await (*connected)->write_all(out);
    if (sent) {
      std::array<std::byte, 1> end{};
      [[maybe_unused]] auto ended = co_await (*connected)->read_some(end);
      outcome.status = audit::Status::Ok;
    }
    opening_server_ = nullptr;
  }
  shared_.around.log.finish(*ticket, outcome);
}

bool ClientSession::record_sign_in(const policy::Identity* identity, audit::Status status, std::string_view sqlstate) {
  if (status != audit::Status::Ok) shared_.counters.sign_in_failures.fetch_add(1, std::memory_order_relaxed);
  std::string who = who_;
  if (who.empty()) {
    audit::append_member(who, "identity", identity == nullptr ? request_->user : identity->name);
    audit::append_member(who, "depot", request_->database);
    audit::append_member(who, "address", peer_.to_string());
  }
  const auto ticket = shared_.around.log.begin({audit::Event::SignIn, shared_.around.clock.wall(), who, {}});
  if (!ticket) return false;
  audit::Outcome outcome;
  outcome.status = status;
  if (sqlstate.size() == 5) std::copy_n(sqlstate.begin(), 5, outcome.sqlstate.begin());
  shared_.around.log.finish(*ticket, outcome);
  BZ_LOG(Info, "session.sign_in", {"session", id_}, {"status", audit::to_string(status)},
         {"address", peer_.to_string()});
  return true;
}

net::Task<bool> ClientSession::sign_in() {
  std::unique_ptr<Granted> granted;
  const bool proven = co_await prove(granted);
  if (!proven) co_return false;
  const bool connected = co_await connect(std::move(granted));
  co_return connected;
}

namespace {

pgwire::ErrorReport fatal(pgwire::SqlState sqlstate, std::string message, std::string hint = {}) {
  pgwire::ErrorReport report;
  report.severity = pgwire::Severity::Fatal;
  report.sqlstate = sqlstate;
  report.message = std::move(message);
  report.hint = std::move(hint);
  return report;
}

}  // namespace

/// The SCRAM exchange. The same for names that exist and names that do not, up to its last step.
net::Task<bool> ClientSession::prove(std::unique_ptr<Granted>& granted) {
  const auto& around = shared_.around;
  auto snapshot = around.snapshots.fresh(around.clock.steady(), shared_.options.max_stale);
  if (!snapshot) {
    co_await refuse(
        fatal(pgwire::sqlstate::kCannotConnectNow, "Bartizan's control database is away", "Try again shortly."));
    co_return false;
  }
  if (shared_.draining.load()) {
    co_await refuse(fatal(pgwire::sqlstate::kCannotConnectNow, "the database system is shutting down"));
    co_return false;
  }
  const auto limit = worker_.limits().clients;
  if (limit != 0 && shared_.counters.sessions.load() >= limit) {
    co_await refuse(fatal(pgwire::sqlstate::kTooManyConnections, "sorry, too many clients already",
                          "Raise limits.clients, or close sessions."));
    co_return false;
  }
  const policy::Identity* identity = (*snapshot)->find_identity(request_->user);
  auto verifier =
      identity::ScramVerifier::mock(request_->user, shared_.mock_secret.reveal(), shared_.options.scram_iterations);
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
      co_await refuse(fatal(pgwire::sqlstate::kProtocolViolation, "invalid message length"));
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
      [[maybe_unused]] const bool recorded = record_sign_in(identity, audit::Status::Refused, report.sqlstate.view());
      co_await refuse(std::move(report));
      co_return false;
    }
    break;
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

/// What the identity may use, and the server connection for it.
net::Task<bool> ClientSession::connect(std::unique_ptr<Granted> granted) {
  const auto& around = shared_.around;
  const policy::Identity& identity = *granted->identity;
  const policy::Depot* depot = granted->snapshot->find_depot(request_->database);
  // A depot that does not exist and one that is not granted are told apart by nobody.
  auto grant = depot == nullptr ? Result<policy::GrantedLogin>(fail(Errc::PermissionDenied, ""))
                                : granted->snapshot->resolve_grant(identity.id, depot->id, around.clock.wall());
  if (!grant) {
    const bool choose = grant.error().code == Errc::FailedPrecondition;
    [[maybe_unused]] const bool recorded =
        record_sign_in(&identity, audit::Status::Refused, choose ? "22023" : "3D000");
    auto report =
        choose ? fatal(pgwire::sqlstate::kInvalidParameterValue, "your grants on this depot can't be told apart",
                       "An administrator must leave one (`bartizan grant list`).")
               : fatal(pgwire::sqlstate::kInvalidCatalogName,
                       fmt::format("database \"{}\" does not exist, or you have no grant on it", request_->database),
                       "Ask an administrator for a grant (`bartizan grant add`).");
    co_await refuse(std::move(report));
    co_return false;
  }
  subject_.identity = identity.id;
  subject_.tenant = identity.tenant;
  subject_.depot = depot->id;
  subject_.login = grant->login->role_name;
  subject_.valid_until = grant->valid_until;
  identity_name_ = identity.name;
  depot_name_ = depot->name;
  application_name_ = request_->application_name;
  fmt::format_to(std::back_inserter(who_), "\"session\":{}", id_);
  audit::append_member(who_, "identity", identity.name);
  if (identity.tenant)
    if (const auto* tenant = granted->snapshot->find_tenant(*identity.tenant))
      audit::append_member(who_, "tenant", tenant->name);
  audit::append_member(who_, "depot", depot->name);
  audit::append_member(who_, "login", subject_.login);
  audit::append_member(who_, "address", peer_.to_string());

  LinkRequest request;
  request.address.endpoint = depot->endpoint;
  if (const auto* verify = std::get_if<policy::TlsVerifyFull>(&depot->tls)) {
    auto context = shared_.server_tls.get(*verify);
    if (!context) {
      BZ_LOG(Error, "server.tls_unusable", {"depot", depot->name}, {"reason", context.error().detail});
      co_await refuse(fatal(pgwire::sqlstate::kCannotConnectNow, "the depot's server can't be reached"));
      co_return false;
    }
    request.address.tls = std::move(*context);
  }
  request.database = depot->database;
  request.login = grant->login;
  request.snapshot = granted->snapshot;
  request.settings = request_->settings;
  const ServerAddress address = request.address;
  auto link = co_await open_server_link(worker_.context(), shared_, std::move(request), opening_server_);
  if (!link || closing_) {
    [[maybe_unused]] const bool recorded = record_sign_in(&identity, audit::Status::Failed, "08006");
    if (!link) {
      const Bytes out = link.error().error_response;
      [[maybe_unused]] auto sent = co_await client_.write_all(out);
    }
    co_return false;
  }
  server_ = std::move(link->stream);
  Bytes out = std::move(link->greeting);
  register_cancel_key(address, *link, out);
  {
    pgwire::MessageWriter writer(out);
    pgwire::write_ready_for_query(writer, pgwire::TransactionStatus::Idle);
  }
  if (!record_sign_in(&identity, audit::Status::Ok, "00000")) {
    co_await refuse(fatal(pgwire::sqlstate::kIoError, "the audit log can't take this sign-in, so it is refused",
                          "Try again; operators find the reason in Bartizan's log under audit.write_failed."));
    co_return false;
  }
  session::RelayLimits limits;
  limits.statement_bytes = worker_.limits().statement_bytes;
  relay_ = std::make_unique<session::Relay>(
      subject_, who_, session::RelayTools{worker_.analyses(), around.log, around.clock, shared_.stale}, limits);
  relay_->follow_greeting(out);
  from_server_ = std::move(link->first_bytes);
  shared_.counters.half_open.fetch_sub(1, std::memory_order_relaxed);
  shared_.counters.sessions.fetch_add(1, std::memory_order_relaxed);
  shared_.counters.sign_ins.fetch_add(1, std::memory_order_relaxed);
  client_spoke_ = around.clock.steady();
  request_.reset();
  auto sent = co_await client_.write_all(out);
  co_return sent.has_value();
}

/// The server's own process id, so that tools which compare it keep working; our own secret.
void ClientSession::register_cancel_key(const ServerAddress& address, const ServerLink& link, Bytes& out) {
  auto target = std::make_shared<CancelTarget>();
  target->server = address;
  target->process_id = link.process_id;
  target->secret = link.cancel_secret;
  target->who = who_;
  cancel_target_ = target;
  std::array<std::byte, 4> secret{};
  session::CancelKey key;
  key.process_id = link.process_id;
  do {
    shared_.around.random.fill(secret);
    key.secret = load_be32(secret.data());
  } while (shared_.cancels.find(key) != nullptr);
  cancel_key_ = key;
  shared_.cancels.add(key, std::move(target));
  pgwire::MessageWriter writer(out);
  pgwire::write_backend_key_data(writer, key.process_id, secret);
}

}  // namespace bartizan::proxy
