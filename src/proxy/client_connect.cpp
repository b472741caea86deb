// Between the proof of an identity and its first ReadyForQuery: what it may use, and the pool of
// server connections that it joins.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "bartizan/base/log.hpp"
#include "bartizan/pgwire/frame.hpp"
#include "granted.hpp"

namespace bartizan::proxy {

namespace {

/// PostgreSQL cuts names, that of an application too.
constexpr std::size_t kLongestName = 63;

/// lower: the setting's name in lower case.
bool is_setting(std::string_view name, std::string_view lower) noexcept {
  return name.size() == lower.size() && std::equal(name.begin(), name.end(), lower.begin(), [](char a, char b) {
           return (a >= 'A' && a <= 'Z' ? static_cast<char>(a + ('a' - 'A')) : a) == b;
         });
}

bool is_application_name(std::string_view name) noexcept { return is_setting(name, "application_name"); }

}  // namespace

net::Task<bool> ClientSession::refuse_grant(const policy::Identity& identity, Errc reason) {
  const bool choose = reason == Errc::FailedPrecondition;
  [[maybe_unused]] const auto recorded = record_sign_in(&identity, audit::Status::Refused, choose ? "22023" : "3D000");
  auto report =
      choose ? fatal(pgwire::sqlstate::kInvalidParameterValue, "your grants on this depot can't be told apart",
                     "An administrator must leave one (`bartizan grant list`).")
             : fatal(pgwire::sqlstate::kInvalidCatalogName,
                     fmt::format("database \"{}\" does not exist, or you have no grant on it", request_->database),
                     "Ask an administrator for a grant (`bartizan grant add`).");
  co_await refuse(std::move(report));
  co_return false;
}

/// Who this session is, from here on.
void ClientSession::become(const Granted& granted) {
  const policy::Identity& identity = *granted.identity;
  subject_.identity = identity.id;
  subject_.tenant = identity.tenant;
  subject_.depot = granted.depot->id;
  subject_.login = granted.grant.login->role_name;
  subject_.valid_until = granted.grant.valid_until;
  subject_.barriers = shared_.options.barriers;
  checked_epoch_ = granted.snapshot->epoch();
  identity_name_ = identity.name;
  who_.clear();
  depot_name_ = granted.depot->name;
  // As PostgreSQL takes it: the last one wins, and bytes that are not printable ASCII are shown as '?'.
  for (const auto& [name, value] : request_->settings)
    if (is_application_name(name)) application_name_ = value;
  if (application_name_.size() > kLongestName) application_name_.resize(kLongestName);
  std::ranges::replace_if(application_name_, [](char c) { return c < 32 || c > 126; }, '?');
  fmt::format_to(std::back_inserter(who_), "\"session\":{}", id_);
  audit::append_member(who_, "identity", identity.name);
  const auto* tenant = identity.tenant ? granted.snapshot->find_tenant(*identity.tenant) : nullptr;
  if (tenant != nullptr) audit::append_member(who_, "tenant", tenant->name);
  audit::append_member(who_, "depot", granted.depot->name);
  audit::append_member(who_, "login", subject_.login);
  // One slot a session: its records tell one and the same address.
  audit::append_address(who_, shared_.around.sealer, tenant == nullptr ? std::string_view() : tenant->name,
                        peer_.to_string(), shared_.around.clock.wall());
}

/// Brings what was granted to the newest snapshot: a sign-in takes as long as its client likes.
/// False: the identity is gone, or its password another one.
bool ClientSession::renew(Granted& granted) const {
  const auto& around = shared_.around;
  auto newest = around.snapshots.fresh(around.clock.steady(), shared_.options.max_stale);
  if (!newest) return false;
  const auto* identity = (*newest)->find_identity(granted.identity->id);
  // Both verifiers are the control database's own: how long comparing takes tells a peer nothing.
  if (identity == nullptr || !identity->usable_at(around.clock.wall()) ||
      !std::ranges::equal(identity->scram_verifier.reveal(), granted.identity->scram_verifier.reveal()))
    return false;
  granted.identity = identity;
  granted.snapshot = std::move(*newest);
  return true;
}

/// What the identity may use, as the newest snapshot says.
Result<void> ClientSession::resolve(Granted& granted) {
  granted.depot = renew(granted) ? granted.snapshot->find_depot(request_->database) : nullptr;
  // A depot that does not exist and one that is not granted are told apart by nobody.
  if (granted.depot == nullptr) return fail(Errc::PermissionDenied, "");
  BZ_TRY(granted.grant,
         granted.snapshot->resolve_grant(granted.identity->id, granted.depot->id, shared_.around.clock.wall()));
  become(granted);
  return {};
}

/// The pool, and a server connection where the session keeps one or no server has spoken yet.
net::Task<bool> ClientSession::join_pool(const Granted& granted) {
  LinkRequest request;
  request.address.endpoint = granted.depot->endpoint;
  request.tls = granted.depot->tls;
  if (const auto* verify = std::get_if<policy::TlsVerifyFull>(&granted.depot->tls)) {
    auto context = shared_.server_tls.get(*verify);
    if (!context) {
      BZ_LOG(Error, "server.tls_unusable", {"depot", granted.depot->name}, {"reason", context.error().detail});
      [[maybe_unused]] const auto recorded = record_sign_in(granted.identity, audit::Status::Failed, "57P03");
      co_await refuse(fatal(pgwire::sqlstate::kCannotConnectNow, "the depot's server can't be reached"));
      co_return false;
    }
    request.address.tls = std::move(*context);
  }
  request.database = granted.depot->database;
  request.login = granted.grant.login;
  request.snapshot = granted.snapshot;
  request.settings = request_->settings;
  if (walled_) {
    const bool asked = co_await ask_as_class(granted, request);
    if (!asked) co_return false;
  }
  if (cells_) {
    const bool settled = co_await settle_cells(granted, request);
    if (!settled) co_return false;
  }
  const auto& options = granted.depot->pool;
  // It differs from client to client and is carried along, so it need not part the pools.
  if (options.mode == policy::PoolMode::Transaction)
    std::erase_if(request.settings, [](const auto& setting) { return is_application_name(setting.first); });
  auto& servers = worker_.servers_of(granted.depot->id);
  pool_ = servers.pool(std::move(request), options);
  if (!pool_) {
    [[maybe_unused]] const auto told = record_sign_in(granted.identity, audit::Status::Failed, "57P03");
    co_await refuse(
        fatal(pgwire::sqlstate::kCannotConnectNow, "the depot's server has just changed", "Connect again."));
    co_return false;
  }
  if (pool_->mode() == policy::PoolMode::Transaction && !pool_->greeting().empty()) co_return true;
  auto acquired = co_await servers.acquire(pool_, abandoned_);
  if (acquired.connection && !closing_) {
    server_ = std::move(acquired.connection);
    server_->use(this);
    co_return true;
  }
  [[maybe_unused]] const auto recorded = record_sign_in(granted.identity, audit::Status::Failed, "08006");
  if (!acquired.error_response.empty()) [[maybe_unused]]
    auto sent = co_await client_.write_all(acquired.error_response);
  co_return false;
}

/// What the server has said at its start, with the client's own application_name.
Bytes ClientSession::greeting() const {
  Bytes out;
  pgwire::MessageWriter writer(out);
  ByteView rest = pool_->greeting();
  pgwire::FrameHeader header;
  while (pgwire::peek_frame(rest, header) == pgwire::FrameStatus::Ok && rest.size() >= header.total_bytes()) {
    const auto message = rest.first(header.total_bytes());
    rest = rest.subspan(header.total_bytes());
    if (header.type == pgwire::backend::kParameterStatus && pool_->mode() == policy::PoolMode::Transaction) {
      const auto status = pgwire::decode_parameter_status(message.subspan(pgwire::kFrameHeaderBytes));
      if (status && is_application_name(status->name)) {
        pgwire::write_parameter_status(writer, status->name, application_name_);
        continue;
      }
    }
    if (walled_) {
      const auto status = header.type == pgwire::backend::kParameterStatus
                              ? pgwire::decode_parameter_status(message.subspan(pgwire::kFrameHeaderBytes))
                              : pgwire::Decoded<pgwire::ParameterStatus>();
      if (!status || !session::told_to_consumers(status->name)) continue;
    }
    out.insert(out.end(), message.begin(), message.end());
  }
  return out;
}

net::Task<bool> ClientSession::connect(std::unique_ptr<Granted> granted) {
  const auto& around = shared_.around;
  if (const auto resolved = resolve(*granted); !resolved) {
    const auto reason = resolved.error().code;
    co_return co_await refuse_grant(*granted->identity, reason);
  }
  if (granted->behind_wall()) {
    const bool entered = co_await enter_wall(*granted);
    if (!entered) co_return false;
  }
  if (granted->ruled() && !walled_) {
    audit::append_member(who_, "enforcement", "observe");
    begin_observing(*granted->snapshot);
  }
  if (around.cells != nullptr) {
    const bool entered = co_await enter_cells(*granted);
    if (!entered) co_return false;
  }
  const bool joined = co_await join_pool(*granted);
  if (!joined) co_return false;
  const auto key = register_cancel_key();
  Bytes out = greeting();
  {
    std::array<std::byte, 4> secret{};
    store_be32(secret.data(), key.secret);
    pgwire::MessageWriter writer(out);
    pgwire::write_backend_key_data(writer, key.process_id, secret);
    pgwire::write_ready_for_query(writer, pgwire::TransactionStatus::Idle);
  }
  const auto recorded = record_sign_in(granted->identity, audit::Status::Ok, "00000");
  bool kept = recorded.has_value();
  if (kept && shared_.options.barriers != policy::BarrierMode::None) kept = co_await until_durable(*recorded);
  if (!kept) {
    co_await refuse(fatal(pgwire::sqlstate::kIoError, "the audit log can't take this sign-in, so it is refused",
                          "Try again; operators find the reason in Bartizan's log under audit.write_failed."));
    co_return false;
  }
  session::RelayLimits limits;
  limits.statement_bytes = worker_.limits().statement_bytes;
  session::Pooling pooling;
  pooling.session = id_;
  pooling.process_id = key.process_id;
  for (const auto& [name, value] : request_->settings)
    if (is_setting(name, "search_path") && value.find("pg_temp") != std::string::npos) pooling.temporary_path = true;
  pooling.share_unnamed = granted->depot->pool.share_unnamed;
  const bool shared_servers = pool_->mode() == policy::PoolMode::Transaction;
  if (shared_servers) pooling.shares = &worker_.shares();
  pooling.sequences_matter = &shared_.budgets.of(granted->depot->id).sequences_matter_to(subject_.identity);
  pooling.always_reset = shared_.options.always_reset;
  pooling.traits = &shared_.budgets.of(granted->depot->id).traits;
  relay_ = std::make_unique<session::Relay>(subject_, who_,
                                            session::RelayTools{worker_.analyses(), around.log, around.clock,
                                                                shared_.stale, &worker_.rewrites(), around.values},
                                            limits, pooling, walled_ ? consumer() : nullptr, session_cells());
  if (observed_) relay_->observe(observed_.get());
  relay_->follow_greeting(out);
  if (server_ && shared_servers) {
    server_->use(nullptr);
    pool_->depot().put_back(std::exchange(server_, nullptr));
  }
  shared_.counters.half_open.fetch_sub(1, std::memory_order_relaxed);
  shared_.counters.sessions.fetch_add(1, std::memory_order_relaxed);
  shared_.counters.sign_ins.fetch_add(1, std::memory_order_relaxed);
  client_spoke_ = around.clock.steady();
  request_.reset();
  // What has changed since it was resolved, the ticks have not told a session that was none yet.
  const auto newest = around.snapshots.current();
  check(client_spoke_, newest.get(), true);
  if (closing_) co_return false;
  auto sent = co_await client_.write_all(out);
  co_return sent.has_value();
}

/// Where the session keeps its server connection, that one's process id, so that tools which
/// compare it keep working; else an invented one. The secret is always our own.
session::CancelKey ClientSession::register_cancel_key() {
  auto target = std::make_shared<CancelTarget>();
  target->worker = &worker_;
  target->session = weak_from_this();
  target->who = who_;
  std::array<std::byte, 8> noise{};
  session::CancelKey key;
  do {
    shared_.around.random.fill(noise);
    key.secret = load_be32(noise.data());
    key.process_id = load_be32(noise.data() + 4) & 0x7fffffff;
    if (pool_->mode() == policy::PoolMode::Session) key.process_id = server_->process_id();
  } while (shared_.cancels.find(key) != nullptr);
  cancel_key_ = key;
  shared_.cancels.add(key, std::move(target));
  return key;
}

}  // namespace bartizan::proxy
