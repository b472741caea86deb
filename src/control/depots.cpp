#include "bartizan/store/depots.hpp"

#include "bartizan/crypto/x509.hpp"
#include "bartizan/store/tenants.hpp"
#include "bartizan/store/wall_accounts.hpp"
#include "depot_certificate.hpp"
#include "services.hpp"

namespace bartizan::control {
namespace {

constexpr std::size_t kMaxHostBytes = 253;      // RFC 1035
constexpr std::size_t kMaxSocketDirBytes = 90;  // with "/.s.PGSQL.65535" it has to fit sockaddr_un
constexpr std::size_t kMaxPemBytes = std::size_t{1} << 20;

const char* word_of(store::SecretKind kind) {
  switch (kind) {
    case store::SecretKind::None: return "none";
    case store::SecretKind::Password: return "password";
    case store::SecretKind::Scram: return "scram";
  }
  return "none";
}

Document render_pool(const policy::PoolOptions& pool) {
  const auto seconds = [](std::chrono::milliseconds duration) {
    return std::chrono::duration_cast<std::chrono::seconds>(duration).count();
  };
  Document size;
  if (pool.limit() != 0) size = Document(std::int64_t{pool.limit()});
  return Document(Members{{"mode", pool.mode == policy::PoolMode::Session ? "session" : "transaction"},
                          {"size", std::move(size)},
                          {"min", std::int64_t{pool.min}},
                          {"queue_timeout", seconds(pool.queue_timeout)},
                          {"server_idle_timeout", seconds(pool.idle_timeout)},
                          {"server_lifetime", seconds(pool.lifetime)},
                          {"share_unnamed", pool.share_unnamed}});
}

Document render_certificate(std::string_view pem) {
  if (pem.empty()) return {};
  const auto info = crypto::certificate_info(pem);
  if (!info) return {};
  return Members{{"subject", info->subject}, {"not_after", format_time(info->not_after)}};
}

/// As whom its wall is kept, and in which grade; null where it can have none.
Result<void> append_wall(store::Transaction& transaction, const policy::Depot& depot, Members& out) {
  Document login;
  Document grade = depot.embedded ? Document("full") : Document();
  const auto account = store::WallAccounts(transaction).find(depot.id);
  if (!account && account.error().code != Errc::NotFound) return tl::unexpected(account.error());
  if (account) {
    login = Document(account->value.role_name);
    grade = Document(account->value.grade);
  }
  out.emplace_back("wall_login", std::move(login));
  out.emplace_back("grade", std::move(grade));
  return {};
}

Result<Document> render(store::Transaction& transaction, const store::Record<policy::Depot>& depot) {
  BZ_TRY(const auto logins, store::DepotLogins(transaction).list(depot.value.id));
  Items login_items;
  for (const auto& login : logins) {
    login_items.push_back(Members{{"login", login.value.role_name},
                                  {"secret", word_of(login.value.kind)},
                                  {"certificate", render_certificate(login.value.certificate_pem)}});
  }
  Document tenant;
  if (depot.value.tenant) {
    BZ_TRY(const auto tenants, store::Tenants(transaction).list());
    for (const auto& one : tenants) {
      if (one.value.id == *depot.value.tenant) tenant = Document(one.value.name);
    }
  }
  const auto* socket = std::get_if<policy::UnixEndpoint>(&depot.value.endpoint);
  const auto* network = std::get_if<policy::TcpEndpoint>(&depot.value.endpoint);
  const bool plain = std::holds_alternative<policy::TlsDisabled>(depot.value.tls);
  Members out = {{"id", depot.value.id.get().to_string()},
                 {"name", depot.value.name},
                 {"tenant", std::move(tenant)},
                 {"host", socket != nullptr ? socket->socket_dir : network->host},
                 {"port", int{socket != nullptr ? socket->port : network->port}},
                 {"database", depot.value.database},
                 {"tls", plain ? "disable" : "verify-full"},
                 {"state", depot.value.state == policy::DepotState::Active ? "active" : "suspended"},
                 {"traffic", policy::to_string(depot.value.traffic)},
                 {"enforcement", policy::to_string(depot.value.enforcement)},
                 {"embedded", depot.value.embedded},
                 {"pool", render_pool(depot.value.pool)},
                 {"logins", std::move(login_items)}};
  BZ_CHECK(append_wall(transaction, depot.value, out));
  append_meta(out, depot.meta);
  return Document(std::move(out));
}

Result<void> set_endpoint(policy::Depot& depot, std::string host, std::int64_t port,
                          std::optional<std::string> ca_pem) {
  const auto number = static_cast<std::uint16_t>(port);
  if (host.starts_with('/')) {
    if (ca_pem) return fail(Errc::InvalidArgument, "'tls_ca_pem' is for hosts, and 'host' is a socket's folder");
    if (host.size() > kMaxSocketDirBytes || !is_printable_utf8(host))
      return fail(Errc::InvalidArgument, "'host' can't be a socket's folder");
    depot.endpoint = policy::UnixEndpoint{std::move(host), number};
    depot.tls = policy::TlsDisabled{};
    return {};
  }
  const bool good =
      !host.empty() && host.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_:%") ==
                           std::string::npos;
  if (!good) return fail(Errc::InvalidArgument, "'host' is a name, an address, or a socket's folder");
  if (ca_pem && !ca_pem->empty() && !crypto::certificate_info(*ca_pem)) {
    return fail(Errc::InvalidArgument, "'tls_ca_pem' holds no certificate");
  }
  depot.endpoint = policy::TcpEndpoint{std::move(host), number};
  depot.tls = policy::TlsVerifyFull{ca_pem.value_or("")};
  return {};
}

struct NewLogin {
  std::string name;
  policy::LoginSecret secret;
  std::optional<policy::ClientCertificate> certificate;
};

Result<NewLogin> take_login(Args& args) {
  NewLogin login;
  BZ_TRY(login.name, args.name("login", NameKind::PostgreSql));
  BZ_TRY(auto password, args.secret_or_none("password"));
  if (password) login.secret = std::move(*password);
  BZ_TRY(login.certificate, take_certificate(args));
  return login;
}

Result<void> put_login(store::Transaction& transaction, const policy::Depot& depot, const NewLogin& login) {
  if (login.certificate && std::holds_alternative<policy::UnixEndpoint>(depot.endpoint))
    return fail(Errc::InvalidArgument, "a certificate is for a server reached by TLS, and this one is on a socket");
  if (const auto account = store::WallAccounts(transaction).find(depot.id);
      account && account->value.role_name == login.name)
    return fail(Errc::InvalidArgument, "'" + login.name + "' is the login of the depot's wall: no session runs as it");
  store::DepotLogins logins(transaction);
  BZ_CHECK(logins.put(depot.id, login.name, login.secret));
  if (login.certificate) BZ_CHECK(logins.put_certificate(depot.id, login.name, login.certificate));
  return {};
}

/// Without a host: in the embedded PostgreSQL. Without a login as well: a database and an owner
/// are made there, so that a new depot can be used at once.
Result<void> place_in_embedded(Call& call, policy::Depot& depot, bool server_named, std::vector<NewLogin>& logins) {
  const auto endpoint = call.context.runtime.embedded_endpoint();
  if (!endpoint || server_named) {
    return fail(Errc::InvalidArgument, endpoint ? "'port' and 'tls_ca_pem' go with 'host'"
                                                : "'host' is missing, and there is no embedded PostgreSQL");
  }
  depot.endpoint = *endpoint;
  depot.tls = policy::TlsDisabled{};
  depot.embedded = true;
  if (!logins.empty()) return {};
  BZ_TRY(auto made, call.context.runtime.make_embedded_database(depot.database));
  logins.push_back({std::move(made.owner), std::move(made.password), std::nullopt});
  return {};
}

}  // namespace

Result<Document> depot_create(Call& call, Args& args) {
  policy::Depot depot;
  depot.pool.mode = policy::PoolMode::Transaction;
  BZ_TRY(depot.name, args.name("name", NameKind::Resource));
  BZ_TRY(auto host, args.text_or_none("host", kMaxHostBytes));
  BZ_TRY(const auto port, args.integer_or_none("port", 1, 65535));
  BZ_TRY(depot.database, args.name("database", NameKind::PostgreSql));
  BZ_TRY(const auto tenant_name, args.name_or_none("tenant", NameKind::Resource));
  BZ_TRY(auto ca_pem, args.text_or_none("tls_ca_pem", kMaxPemBytes));
  BZ_TRY(auto listed, args.list("logins"));
  BZ_CHECK(args.finish());
  std::vector<NewLogin> logins;
  for (Args& one : listed) {
    BZ_TRY(auto login, take_login(one));
    BZ_CHECK(one.finish());
    logins.push_back(std::move(login));
  }
  if (host) {
    BZ_CHECK(set_endpoint(depot, std::move(*host), port.value_or(5432), std::move(ca_pem)));
  } else {
    BZ_CHECK(place_in_embedded(call, depot, port.has_value() || ca_pem.has_value(), logins));
  }

  BZ_TRY(auto transaction, call.write());
  if (tenant_name) {
    auto tenant = store::Tenants(transaction).find(*tenant_name);
    if (!tenant) return tl::unexpected<Error>(with_list_hint(call, std::move(tenant).error(), "tenant"));
    depot.tenant = tenant->value.id;
  }
  const auto name = depot.name;
  auto made = store::Depots(transaction).create(std::move(depot));
  if (!made) return tl::unexpected<Error>(named_twice(std::move(made).error(), "depot", name));
  for (const NewLogin& login : logins) BZ_CHECK(put_login(transaction, made->value, login));
  BZ_TRY(auto document, render(transaction, *made));
  BZ_CHECK(transaction.commit());
  return document;
}

Result<Document> depot_list(Call& call, Args& args) {
  BZ_CHECK(args.finish());
  BZ_TRY(auto transaction, call.read());
  BZ_TRY(const auto depots, store::Depots(transaction).list());
  Items out;
  for (const auto& depot : depots) {
    BZ_TRY(auto document, render(transaction, depot));
    out.push_back(std::move(document));
  }
  return Document(std::move(out));
}

Result<Document> depot_show(Call& call, Args& args) {
  BZ_TRY(const auto name, args.name("name", NameKind::Resource));
  BZ_CHECK(args.finish());
  BZ_TRY(auto transaction, call.read());
  auto depot = store::Depots(transaction).find(name);
  if (!depot) return tl::unexpected<Error>(with_list_hint(call, std::move(depot).error(), "depot"));
  return render(transaction, *depot);
}

Result<Document> depot_delete(Call& call, Args& args) {
  BZ_TRY(const auto name, args.name("name", NameKind::Resource));
  BZ_TRY(const auto given, take_version(args));
  BZ_CHECK(args.finish());
  BZ_TRY(auto transaction, call.write());
  store::Depots depots(transaction);
  auto depot = depots.find(name);
  if (!depot) return tl::unexpected<Error>(with_list_hint(call, std::move(depot).error(), "depot"));
  BZ_TRY(const auto version, checked_version(given, depot->meta));
  BZ_CHECK(depots.remove(depot->value.id, version));
  BZ_CHECK(transaction.commit());
  return Document();
}

namespace {

/// What is left out stays as it is.
Result<void> take_pool(Args& args, policy::PoolOptions& pool) {
  constexpr std::int64_t kDay = 86400;
  BZ_TRY(const auto mode, args.text_or_none("pool_mode", 16));
  if (mode && *mode != "transaction" && *mode != "session")
    return fail(Errc::InvalidArgument, "'pool_mode' is transaction or session");
  if (mode) pool.mode = *mode == "session" ? policy::PoolMode::Session : policy::PoolMode::Transaction;
  BZ_TRY(const auto size, args.integer_or_none("pool_size", 0, 100'000));
  if (size) pool.size = *size == 0 ? std::nullopt : std::optional(static_cast<std::uint32_t>(*size));
  BZ_TRY(const auto min, args.integer_or_none("pool_min", 0, 100'000));
  if (min) pool.min = static_cast<std::uint32_t>(*min);
  BZ_TRY(const auto queue, args.integer_or_none("queue_timeout", 0, kDay));
  if (queue) pool.queue_timeout = std::chrono::seconds(*queue);
  BZ_TRY(const auto idle, args.integer_or_none("server_idle_timeout", 0, kDay));
  if (idle) pool.idle_timeout = std::chrono::seconds(*idle);
  BZ_TRY(const auto lifetime, args.integer_or_none("server_lifetime", 0, 7 * kDay));
  if (lifetime) pool.lifetime = std::chrono::seconds(*lifetime);
  BZ_TRY(const auto share, args.text_or_none("share_unnamed", 8));
  if (share && *share != "on" && *share != "off") return fail(Errc::InvalidArgument, "'share_unnamed' is on or off");
  if (share) pool.share_unnamed = *share == "on";
  return {};
}

}  // namespace

Result<Document> depot_set(Call& call, Args& args) {
  BZ_TRY(const auto name, args.name("name", NameKind::Resource));
  BZ_TRY(const auto given, take_version(args));
  BZ_TRY(auto transaction, call.write());
  store::Depots depots(transaction);
  auto depot = depots.find(name);
  if (!depot) return tl::unexpected<Error>(with_list_hint(call, std::move(depot).error(), "depot"));
  BZ_CHECK(take_pool(args, depot->value.pool));
  BZ_CHECK(args.finish());
  BZ_TRY(const auto version, checked_version(given, depot->meta));
  BZ_TRY(const auto changed, depots.update(depot->value, version));
  BZ_TRY(auto document, render(transaction, changed));
  BZ_CHECK(transaction.commit());
  return document;
}

Result<Document> depot_login(Call& call, Args& args) {
  BZ_TRY(const auto name, args.name("name", NameKind::Resource));
  BZ_TRY(const bool take_away, args.flag("delete"));
  if (take_away && (args.has("password") || args.has("certificate_pem")))
    return fail(Errc::InvalidArgument, "'delete' goes without a password and a certificate");
  BZ_TRY(const bool no_certificate, args.flag("no_certificate"));
  BZ_TRY(const auto login, take_login(args));
  if (no_certificate && login.certificate)
    return fail(Errc::InvalidArgument, "'no_certificate' and 'certificate_pem' exclude each other");
  BZ_CHECK(args.finish());
  BZ_TRY(auto transaction, call.write());
  auto depot = store::Depots(transaction).find(name);
  if (!depot) return tl::unexpected<Error>(with_list_hint(call, std::move(depot).error(), "depot"));
  store::DepotLogins logins(transaction);
  auto done = take_away ? logins.remove(depot->value.id, login.name) : put_login(transaction, depot->value, login);
  if (!done && done.error().code == Errc::FailedPrecondition) {
    call.hint = "remove its grants first: bartizan grant list --depot " + name;
    return fail(Errc::FailedPrecondition, "login '" + login.name + "' is still granted");
  }
  BZ_CHECK(std::move(done));
  if (no_certificate) BZ_CHECK(logins.put_certificate(depot->value.id, login.name, std::nullopt));
  BZ_TRY(auto document, render(transaction, *depot));
  BZ_CHECK(transaction.commit());
  return document;
}

}  // namespace bartizan::control
