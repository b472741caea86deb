#include "schema.hpp"

#include <algorithm>
#include <array>

namespace bartizan::config {
namespace {

constexpr std::array kSections = {
    Section{"listen", "The wire port, where PostgreSQL clients connect."},
    Section{"tls", "What the wire port shows of itself, and asks of clients. Plaintext is never spoken."},
    Section{"limits", "How much one client and all of them together may take."},
    Section{"scram", "Passwords of identities."},
    Section{"lockout", "Failed sign-ins, counted by account and by address."},
    Section{"control", "The control database. In embedded mode it lies in the embedded server and `dsn` stays unset."},
    Section{"embedded", "The PostgreSQL that Bartizan starts, supervises and stops itself."},
    Section{"admin", "The socket that the command line speaks to."},
    Section{"metrics", "The port of `/metrics`, `/livez` and `/readyz`, plain HTTP."},
    Section{"audit", "The audit log: provable (docs/formats/audit-log.md), or basic (docs/formats/audit-basic.md)."},
    Section{"ship_syslog",
            "Records of the provable log to a syslog receiver: RFC 5424 over TLS (docs/guide/audit-shipping.md)."},
    Section{"ship_relp", "The same over RELP, which acknowledges each."},
    Section{"ship_webhook", "The same as signed HTTPS requests, one JSON record a line."},
    Section{"ship_otlp", "The same as OTLP/HTTP logs in JSON."},
    Section{"log", "The operational log on stderr. It never holds statement text, row values or secrets."},
    Section{"pool", "Server connections that sessions share (transaction pooling)."},
    Section{"workers", "Threads."},
};

constexpr std::int64_t kMaxShipAddress = 300;
constexpr std::int64_t kMaxShipUrl = 2'000;
constexpr std::int64_t kSecond = 1'000;
constexpr std::int64_t kMinute = 60 * kSecond;
constexpr std::int64_t kHour = 60 * kMinute;
constexpr std::int64_t kDay = 24 * kHour;
constexpr std::int64_t kKiB = 1 << 10;
constexpr std::int64_t kMiB = 1 << 20;
constexpr std::int64_t kGiB = 1 << 30;
constexpr std::int64_t kMaxPort = 65'535;
constexpr std::int64_t kMaxPath = 4'095;
/// sun_path, without its NUL.
constexpr std::int64_t kMaxSocketPath = 107;
/// A user or group name.
constexpr std::int64_t kMaxAccount = 31;
constexpr std::int64_t kMaxListItems = 64;

constexpr Applies kReload = Applies::OnReload;
constexpr Applies kRestart = Applies::OnRestart;

#define BZ_SLOT(member) +[](Configuration& c) -> Slot { return &c.member; }
constexpr std::array kKeys = {
    Key{"listen", "addresses", BZ_SLOT(listen.addresses), 1, kMaxListItems, kRestart,
        "IP addresses to listen on. `0.0.0.0` and `::` stand for every interface. One of the default addresses that the machine "
        "lacks is passed over; one that was asked for is an error."},
    Key{"listen", "port", BZ_SLOT(listen.port), 0, kMaxPort, kRestart,
        "TCP port. 0 takes a free one, which `bartizan status` tells."},
    Key{"listen", "backlog", BZ_SLOT(listen.backlog), 1, kMaxPort, kRestart,
        "Connections that the kernel holds until they are accepted."},
    Key{"listen", "proxy_protocol_from", BZ_SLOT(listen.proxy_protocol_from), 0, kMaxListItems, kReload,
        "Networks of load balancers. A connection from there must start with a PROXY protocol v2 header, which tells the client's "
        "address; from elsewhere the header is refused."},

    Key{"tls", "certificate_file", BZ_SLOT(tls.certificate_file), 0, kMaxPath, kReload,
        "PEM file of the certificate and its chain. Empty: a certificate of Bartizan's own CA, made at the first start."},
    Key{"tls", "private_key_file", BZ_SLOT(tls.private_key_file), 0, kMaxPath, kReload,
        "PEM file of the certificate's private key. Set exactly when `certificate_file` is."},
    Key{"tls", "client_ca_file", BZ_SLOT(tls.client_ca_file), 0, kMaxPath, kReload,
        "PEM file of the CAs whose client certificates are accepted. Empty: client certificates are not asked for."},
    Key{"tls", "min_version", BZ_SLOT(tls.min_version), 0, 0, kReload, "Oldest TLS version that is spoken."},
    Key{"tls", "require_client_certificate", BZ_SLOT(tls.require_client_certificate), 0, 0, kReload,
        "Refuse clients without a certificate of `client_ca_file`. They still sign in as before."},
    Key{"tls", "match_client_certificate", BZ_SLOT(tls.match_client_certificate), 0, 0, kReload,
        "Require one whose common name is the name of the identity that signs in, beside its password."},
    Key{"tls", "session_tickets", BZ_SLOT(tls.session_tickets), 0, 0, kReload, "Let clients resume TLS sessions."},

    Key{"limits", "clients", BZ_SLOT(limits.clients), 1, 1'000'000, kReload,
        "Client connections at once; one more is refused with 53300."},
    Key{"limits", "clients_per_address", BZ_SLOT(limits.clients_per_address), 1, 1'000'000, kReload,
        "Client connections at once from one address. 0: no limit of its own.", true},
    Key{"limits", "half_open", BZ_SLOT(limits.half_open), 1, 1'000'000, kReload,
        "Connections at once that have not signed in yet."},
    Key{"limits", "sign_in_timeout", BZ_SLOT(limits.sign_in_timeout), 100, 10 * kMinute, kReload,
        "Longest time from accept to the end of the sign-in."},
    Key{"limits", "idle_timeout", BZ_SLOT(limits.idle_timeout), kSecond, 30 * kDay, kReload,
        "End a session that has been idle for so long. 0: never.", true},
    Key{"limits", "idle_in_transaction_timeout", BZ_SLOT(limits.idle_in_transaction_timeout), kSecond, 30 * kDay,
        kReload, "End a session that has been idle for so long inside a transaction. 0: never.", true},
    Key{"limits", "statement_timeout", BZ_SLOT(limits.statement_timeout), 10, 30 * kDay, kReload,
        "Cancel a statement that has been running for so long. 0: never.", true},
    Key{"limits", "server_check_interval", BZ_SLOT(limits.server_check_interval), 500, kDay, kReload,
        "Ask an unused server connection for a sign of life so often; without one it is closed. 0: never.", true},
    Key{"limits", "statement_bytes", BZ_SLOT(limits.statement_bytes), 8 * kKiB, kGiB - kMiB, kReload,
        "Longest text of one Query or Parse message."},
    Key{"limits", "session_buffer_bytes", BZ_SLOT(limits.session_buffer_bytes), 16 * kKiB, 16 * kMiB, kReload,
        "Memory of one session in each direction; messages that are longer are streamed through it."},
    Key{"limits", "drain_timeout", BZ_SLOT(limits.drain_timeout), 0, kHour, kReload,
        "Time that sessions have to finish their transaction when Bartizan stops. 0: none."},

    Key{"scram", "iterations", BZ_SLOT(scram.iterations), 4'096, 1'000'000, kRestart,
        "PBKDF2 iterations of new SCRAM-SHA-256 verifiers."},

    Key{"lockout", "attempts", BZ_SLOT(lockout.attempts), 1, 1'000, kReload,
        "Failed sign-ins before the next one has to wait."},
    Key{"lockout", "base_delay", BZ_SLOT(lockout.base_delay), 100, kHour, kReload,
        "The first wait; each further failure doubles it."},
    Key{"lockout", "max_delay", BZ_SLOT(lockout.max_delay), kSecond, kDay, kReload, "The longest wait."},

    Key{"control", "dsn", BZ_SLOT(control.dsn), 0, kMaxPath, kRestart,
        "libpq connection string or URI of the control database. Needed when `embedded.enabled` is false."},
    Key{"control", "dsn_file", BZ_SLOT(control.dsn_file), 0, kMaxPath, kRestart,
        "File whose first line is the `dsn`. Unset, the credential `control.dsn` is taken if there is one."},
    Key{"control", "root_key_file", BZ_SLOT(control.root_key_file), 0, kMaxPath, kRestart,
        "File of the key that seals secrets in the control database, mode 0600; made at the first start. "
        "Empty: `keys/root.key` in `embedded.data_directory`."},
    Key{"control", "max_stale", BZ_SLOT(control.max_stale), kSecond, kDay, kRestart,
        "How long sessions are served from the last known state while the control database is away."},

    Key{"embedded", "enabled", BZ_SLOT(embedded.enabled), 0, 0, kRestart, "Run an embedded PostgreSQL."},
    Key{"embedded", "data_directory", BZ_SLOT(embedded.data_directory), 1, kMaxPath, kRestart,
        "Folder of the embedded server, and of Bartizan's own files where no other key names a place."},
    Key{"embedded", "postgres_bin_directory", BZ_SLOT(embedded.postgres_bin_directory), 0, kMaxPath, kRestart,
        "Folder of `postgres` and `initdb`. Empty: the newest version among the system's packages."},
    Key{"embedded", "shared_buffers", BZ_SLOT(embedded.shared_buffers), kMiB, 1'024 * kGiB, kRestart,
        "PostgreSQL's shared memory. `auto`: sized to the machine."},
    Key{"embedded", "demo", BZ_SLOT(embedded.demo), 0, 0, kRestart,
        "Make the demo depot, its identities and its data at the first start (`bartizan up` does unless told `--no-demo`)."},
    Key{"embedded", "user", BZ_SLOT(embedded.user), 1, kMaxAccount, kRestart,
        "System user that PostgreSQL runs as when Bartizan is started by root."},
    Key{"embedded", "at_rest", BZ_SLOT(embedded.at_rest), 0, 0, kRestart,
        "New files of the server lie encrypted by AES-256-XTS (docs/guide/encryption-at-rest.md). `auto`: where the system has the "
        "means, else in the clear, which `bartizan status` says; `require`: no start without; `off`: in the clear. Files that lie "
        "encrypted are opened with each of them."},
    Key{"embedded", "at_rest_image", BZ_SLOT(embedded.at_rest_image), 256 * kMiB, 16'384 * kGiB, kRestart,
        "Size of the image that they lie in, where the file system itself does not encrypt. It takes up what is in it, grows and is "
        "never made smaller. `auto`: by what the disk has free."},

    Key{"admin", "socket_file", BZ_SLOT(admin.socket_file), 1, kMaxSocketPath, kRestart, "Path of the unix socket."},
    Key{"admin", "group", BZ_SLOT(admin.group), 1, kMaxAccount, kRestart,
        "System group whose members may use the socket, beside root and Bartizan's own user."},

    Key{"metrics", "address", BZ_SLOT(metrics.address), 0, 0, kRestart,
        "IP address to listen on. Empty: no metrics port."},
    Key{"metrics", "port", BZ_SLOT(metrics.port), 0, kMaxPort, kRestart, "TCP port. 0 takes a free one."},

    Key{"audit", "mode", BZ_SLOT(audit.mode), 0, 0, kRestart,
        "`tree`: Merkle trees with signed checkpoints; results and effects wait for their record. `basic`: JSON lines that prove "
        "nothing and that nothing waits for."},
    Key{"audit", "reads", BZ_SLOT(audit.reads), 0, 0, kRestart,
        "`strict`: no byte of a result leaves before its record is durable. `async`: results of statements that only read don't "
        "wait; a crash may lose the newest records of reads. Of mode `tree`."},
    Key{"audit", "directory", BZ_SLOT(audit.directory), 0, kMaxPath, kRestart,
        "Folder of the audit files. Empty: `audit` in `embedded.data_directory`."},
    Key{"audit", "key_file", BZ_SLOT(audit.key_file), 0, kMaxPath, kRestart,
        "File of the Ed25519 key that signs the log's checkpoints, mode 0600; made at the first start, its public key beside it as "
        "`.pub`. Empty: `keys/audit.key` in `embedded.data_directory`."},
    Key{"audit", "origin", BZ_SLOT(audit.origin), 0, 128, kRestart,
        "The log's name in its checkpoints, without spaces or `+`: `example.com/prod`. It is fixed at the first start. Empty: the one "
        "of the key file, at first the host's name."},
    Key{"audit", "seal", BZ_SLOT(audit.seal), 0, 0, kRestart,
        "Clients' addresses stand in records sealed, under keys that `audit erase` destroys. Of mode `tree`."},
    Key{"audit", "seal_values", BZ_SLOT(audit.seal_values), 0, 0, kRestart,
        "Bind values stand in records, sealed likewise; else they are not recorded. Never those of encrypted columns. With `seal`."},
    Key{"audit", "seal_key_file", BZ_SLOT(audit.seal_key_file), 0, kMaxPath, kRestart,
        "File of the key that wraps those keys, mode 0600; made when first needed. Empty: `keys/audit-seal.key` in "
        "`embedded.data_directory`."},
    Key{"audit", "max_wait", BZ_SLOT(audit.max_wait), 100, 10 * kMinute, kRestart,
        "Longest time that a statement waits for its record to be durable; then its session ends with 58030."},
    Key{"audit", "checkpoint_every", BZ_SLOT(audit.checkpoint_every), 100, kMinute, kRestart,
        "Time between two signed checkpoints while there is something new."},
    Key{"audit", "compress_every", BZ_SLOT(audit.compress_every), 100, kDay, kRestart,
        "Time between two looks for full bundles of records to compress, in the background. Of mode `tree`."},
    Key{"audit", "count_every", BZ_SLOT(audit.count_every), kSecond, kHour, kRestart,
        "Time between two counts: how many records each tree was given, against which `audit verify` holds those that are there. By "
        "the clock: at each full hour. Of mode `tree`."},
    Key{"audit", "reader_socket_file", BZ_SLOT(audit.reader_socket_file), 0, kMaxSocketPath, kRestart,
        "Path of a unix socket on which tenants' readers (`audit reader-add`) read their own tenant's log with name and password. Every "
        "user of this machine may connect to it. Empty: none."},
    Key{"audit", "witness", BZ_SLOT(audit.witness), 0, 4096, kRestart,
        "URL of a witness, `http://HOST:PORT`, that cosigns the checkpoints: run `bartizan-witness serve` on another machine. Several "
        "stand with spaces between. Empty: none."},
    Key{"audit", "witness_key", BZ_SLOT(audit.witness_key), 0, 4096, kRestart,
        "The witness's public key, as `bartizan-witness keygen` prints it; of several in the same order."},
    Key{"audit", "witness_every", BZ_SLOT(audit.witness_every), kSecond, kDay, kRestart,
        "Time between two cosignatures."},
    Key{"audit", "free_floor_bytes", BZ_SLOT(audit.free_floor_bytes), 0, 1'024 * kGiB, kRestart,
        "Space that the log leaves free on its disk: below it, statements are refused."},
    Key{"audit", "segment_bytes", BZ_SLOT(audit.segment_bytes), kMiB, kGiB, kRestart,
        "Size of a journal segment, set aside before it is written to."},
    Key{"audit", "flush", BZ_SLOT(audit.flush), 0, kSecond, kRestart,
        "Mode `basic`: longest time that a record waits for others to be flushed together. 0: each at once."},
    Key{"audit", "max_file_bytes", BZ_SLOT(audit.max_file_bytes), kMiB, 16 * kGiB, kRestart,
        "Mode `basic`: size at which a new audit file is begun."},
    Key{"audit", "on_failure", BZ_SLOT(audit.on_failure), 0, 0, kRestart,
        "What happens to a statement whose record cannot be written. There is no other choice."},

    Key{"ship_syslog", "address", BZ_SLOT(shipping.syslog.address), 0, kMaxShipAddress, kRestart,
        "The receiver, `host:port`; the port is usually 6514. Empty: none."},
    Key{"ship_syslog", "ca_file", BZ_SLOT(shipping.syslog.ca_file), 0, kMaxPath, kRestart,
        "PEM file of the authorities that the receiver's certificate is checked against. Empty: the system's."},
    Key{"ship_syslog", "certificate_file", BZ_SLOT(shipping.syslog.certificate_file), 0, kMaxPath, kRestart,
        "PEM file of Bartizan's certificate toward the receiver. Empty: none."},
    Key{"ship_syslog", "private_key_file", BZ_SLOT(shipping.syslog.private_key_file), 0, kMaxPath, kRestart,
        "PEM file of its key."},
    Key{"ship_syslog", "cef", BZ_SLOT(shipping.syslog.cef), 0, 0, kRestart,
        "Bodies in the Common Event Format. Otherwise each is the record as it stands in the log, OCSF in JSON."},

    Key{"ship_relp", "address", BZ_SLOT(shipping.relp.address), 0, kMaxShipAddress, kRestart,
        "The receiver, `host:port`. Empty: none."},
    Key{"ship_relp", "tls", BZ_SLOT(shipping.relp.tls), 0, 0, kRestart,
        "RELP over TLS. Without it the receiver must be on this machine."},
    Key{"ship_relp", "ca_file", BZ_SLOT(shipping.relp.ca_file), 0, kMaxPath, kRestart,
        "PEM file of the authorities that the receiver's certificate is checked against. Empty: the system's."},
    Key{"ship_relp", "certificate_file", BZ_SLOT(shipping.relp.certificate_file), 0, kMaxPath, kRestart,
        "PEM file of Bartizan's certificate toward the receiver. Empty: none."},
    Key{"ship_relp", "private_key_file", BZ_SLOT(shipping.relp.private_key_file), 0, kMaxPath, kRestart,
        "PEM file of its key."},
    Key{"ship_relp", "cef", BZ_SLOT(shipping.relp.cef), 0, 0, kRestart,
        "Bodies in the Common Event Format. Otherwise each is the record as it stands in the log, OCSF in JSON."},

    Key{"ship_webhook", "url", BZ_SLOT(shipping.webhook.url), 0, kMaxShipUrl, kRestart,
        "The receiver, `https://host[:port]/path`. Empty: none."},
    Key{"ship_webhook", "ca_file", BZ_SLOT(shipping.webhook.ca_file), 0, kMaxPath, kRestart,
        "PEM file of the authorities that the receiver's certificate is checked against. Empty: the system's."},
    Key{"ship_webhook", "secret_file", BZ_SLOT(shipping.webhook.secret_file), 0, kMaxPath, kRestart,
        "File whose content, but for a line's end, keys the HMAC-SHA256 in `X-Bartizan-Signature`; 16 bytes at least."},

    Key{"ship_otlp", "url", BZ_SLOT(shipping.otlp.url), 0, kMaxShipUrl, kRestart,
        "The receiver, `https://host[:port]/v1/logs`. Empty: none."},
    Key{"ship_otlp", "ca_file", BZ_SLOT(shipping.otlp.ca_file), 0, kMaxPath, kRestart,
        "PEM file of the authorities that the receiver's certificate is checked against. Empty: the system's."},
    Key{"ship_otlp", "headers_file", BZ_SLOT(shipping.otlp.headers_file), 0, kMaxPath, kRestart,
        "File of further headers, a line `Name: value` each: the receiver's token, say. Empty: none."},

    Key{"log", "level", BZ_SLOT(log.level), 0, 0, kReload, "Least severe event that is logged."},
    Key{"log", "format", BZ_SLOT(log.format), 0, 0, kReload,
        "One JSON object a line, or text; `auto`: text on a terminal."},

    Key{"pool", "always_reset", BZ_SLOT(pool.always_reset), 0, 0, kRestart,
        "Reset a server connection before every other session's use, also where nothing can have been left on it as far as the "
        "database's catalogs tell, which are asked every ten seconds."},
    Key{"workers", "threads", BZ_SLOT(workers.threads), 0, 1'024, kRestart,
        "Threads that serve sessions. 0: one a core."},
};
#undef BZ_SLOT

constexpr std::array<std::string_view, 2> kTlsVersions = {"1.2", "1.3"};
constexpr std::array<std::string_view, 1> kAuditFailures = {"refuse"};
constexpr std::array<std::string_view, 2> kAuditModes = {"tree", "basic"};
constexpr std::array<std::string_view, 2> kAuditReads = {"strict", "async"};
constexpr std::array<std::string_view, 3> kAtRest = {"auto", "require", "off"};
constexpr std::array<std::string_view, 4> kLogLevels = {"debug", "info", "warn", "error"};
constexpr std::array<std::string_view, 3> kLogFormats = {"auto", "json", "text"};

std::string text(std::string_view value) { return std::string("\"").append(value).append(1, '"'); }

template <class T>
std::string list(const std::vector<T>& items) {
  std::string out = "[";
  for (const T& item : items) {
    if (out.size() > 1) out += ", ";
    out += text(item.to_string());
  }
  return out + "]";
}

std::string toml(bool value) { return value ? "true" : "false"; }
std::string toml(std::uint16_t value) { return std::to_string(value); }
std::string toml(std::uint32_t value) { return std::to_string(value); }
std::string toml(Duration value) { return text(format(value)); }
std::string toml(ByteSize value) { return text(format(value)); }
std::string toml(const std::optional<ByteSize>& value) { return text(value ? format(*value) : "auto"); }
std::string toml(const std::string& value) { return text(value); }
std::string toml(const std::filesystem::path& value) { return text(value.native()); }
std::string toml(const SecretBytes&) { return text(""); }
std::string toml(const std::vector<IpAddress>& value) { return list(value); }
std::string toml(const std::vector<IpNetwork>& value) { return list(value); }
std::string toml(const std::optional<IpAddress>& value) { return text(value ? value->to_string() : ""); }
template <class Enum>
  requires std::is_enum_v<Enum>
std::string toml(Enum value) {
  return text(words_of(value)[static_cast<std::size_t>(value)]);
}

}  // namespace

std::span<const Section> sections() { return kSections; }
std::span<const Key> keys() { return kKeys; }

const Key* find_key(std::string_view section, std::string_view name) {
  const auto found =
      std::ranges::find_if(kKeys, [&](const Key& key) { return key.section == section && key.name == name; });
  return found == kKeys.end() ? nullptr : &*found;
}

std::span<const std::string_view> words_of(TlsVersion) { return kTlsVersions; }
std::span<const std::string_view> words_of(AuditFailure) { return kAuditFailures; }
std::span<const std::string_view> words_of(AuditMode) { return kAuditModes; }
std::span<const std::string_view> words_of(AuditReads) { return kAuditReads; }
std::span<const std::string_view> words_of(AtRest) { return kAtRest; }
std::span<const std::string_view> words_of(LogLevel) { return kLogLevels; }
std::span<const std::string_view> words_of(LogFormat) { return kLogFormats; }

std::string to_toml(const Slot& slot) {
  return std::visit([](const auto* value) { return toml(*value); }, slot);
}

}  // namespace bartizan::config
