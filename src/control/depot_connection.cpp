#include "depot_connection.hpp"

#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <utility>

namespace bartizan::control {

Result<PemFile> PemFile::of(std::string_view pem) {
  if (pem.empty()) return PemFile(-1);
  PemFile file(::memfd_create("bartizan-pem", MFD_CLOEXEC));
  // libpq takes no key file that others could read.
  if (file.fd_ < 0 || ::fchmod(file.fd_, 0600) != 0) return fail(Errc::Io, "no memory file for a certificate");
  while (!pem.empty()) {
    const auto done = ::write(file.fd_, pem.data(), pem.size());
    if (done <= 0) return fail(Errc::Io, "a memory file for a certificate can't be written");
    pem.remove_prefix(static_cast<std::size_t>(done));
  }
  return file;
}

PemFile::PemFile(PemFile&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

PemFile::~PemFile() {
  if (fd_ >= 0) ::close(fd_);
}

std::string PemFile::path() const { return fd_ < 0 ? std::string() : "/proc/self/fd/" + std::to_string(fd_); }

Result<postgres::ControlConnection> connect_to_depot(const policy::Depot& depot, const policy::DepotLogin& login,
                                                     SteadyTime deadline) {
  postgres::Endpoint endpoint;
  endpoint.database = depot.database;
  endpoint.user = login.role_name;
  const auto* verify = std::get_if<policy::TlsVerifyFull>(&depot.tls);
  BZ_TRY(const auto ca, PemFile::of(verify != nullptr ? verify->ca_pem : std::string_view()));
  const auto& own = login.certificate;
  BZ_TRY(const auto certificate, PemFile::of(own ? std::string_view(own->chain_pem) : std::string_view()));
  BZ_TRY(const auto key, PemFile::of(own ? own->key_pem.reveal_chars() : std::string_view()));
  if (const auto* socket = std::get_if<policy::UnixEndpoint>(&depot.endpoint)) {
    endpoint.host = socket->socket_dir;
    endpoint.port = socket->port;
  } else {
    const auto& network = std::get<policy::TcpEndpoint>(depot.endpoint);
    endpoint.host = network.host;
    endpoint.port = network.port;
    endpoint.ssl_mode = "verify-full";
    endpoint.ssl_root_cert = ca.path();
    endpoint.ssl_cert = certificate.path();
    endpoint.ssl_key = key.path();
  }
  if (std::holds_alternative<policy::ScramKeys>(login.secret))
    return fail(Errc::Unsupported, "only the gateway's data path signs in by SCRAM keys");
  const auto* password = std::get_if<SecretBytes>(&login.secret);
  const SecretBytes none;
  return postgres::ControlConnection::connect(endpoint, password != nullptr ? *password : none, deadline);
}

}  // namespace bartizan::control
