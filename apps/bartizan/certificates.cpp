#include "certificates.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "bartizan/crypto/x509.hpp"
#include "files.hpp"

namespace bartizan::app {
namespace {

constexpr auto kCaLife = std::chrono::days(3650);
constexpr auto kServerLife = std::chrono::days(397);
constexpr auto kRenewBefore = std::chrono::days(30);

struct Material {
  std::string certificate_pem;
  SecretBytes key_pem;
};

std::vector<std::string> host_names() {
  std::vector<std::string> names = {"localhost"};
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) == 0 && name[0] != '\0') {
    const std::string host(name.data());
    const bool plain =
        host.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-") == std::string::npos;
    if (plain && host != "localhost") names.push_back(host);
  }
  return names;
}

crypto::SubjectAltNames wanted_names(const std::vector<std::string>& addresses) {
  crypto::SubjectAltNames names;
  names.dns_names = host_names();
  names.ip_addresses = {"127.0.0.1", "::1"};
  for (const auto& address : addresses)
    if (address != "0.0.0.0" && address != "::" &&
        std::ranges::find(names.ip_addresses, address) == names.ip_addresses.end())
      names.ip_addresses.push_back(address);
  return names;
}

Result<crypto::CertificateAuthority> authority(const std::filesystem::path& folder, std::string& made) {
  auto key = read_file(folder / "ca.key");
  auto certificate = read_file(folder / "ca.crt");
  if (key && certificate) {
    crypto::CertificateAuthority ca;
    ca.certificate_pem = std::string(certificate->reveal_chars());
    ca.private_key_pem = std::move(*key);
    return ca;
  }
  BZ_TRY(auto ca, crypto::make_ca("Bartizan private authority", system_clock().wall() - std::chrono::hours(1), kCaLife,
                                  system_random()));
  BZ_CHECK(write_file(folder / "ca.key", ca.private_key_pem.reveal(), 0600));
  BZ_CHECK(write_file(folder / "ca.crt", ca.certificate_pem, 0644));
  made = "a certificate authority of its own and ";
  return ca;
}

/// The present certificate, unless it is missing, ends soon or lacks a name.
bool still_good(const Material& material, const crypto::SubjectAltNames& names) {
  const auto info = crypto::certificate_info(material.certificate_pem);
  if (!info || info->not_after - system_clock().wall() < kRenewBefore) return false;
  return std::ranges::all_of(names.dns_names, [&](const auto& n) {
    return std::ranges::find(info->names.dns_names, n) != info->names.dns_names.end();
  });
}

Result<Material> own_certificate(const std::filesystem::path& folder, const std::vector<std::string>& addresses,
                                 std::string& made) {
  BZ_CHECK(make_folder(folder, 0755));
  const auto names = wanted_names(addresses);
  auto certificate = read_file(folder / "server.crt");
  auto key = read_file(folder / "server.key");
  if (certificate && key) {
    Material present{std::string(certificate->reveal_chars()), std::move(*key)};
    if (still_good(present, names)) return present;
  }
  BZ_TRY(auto ca, authority(folder, made));
  BZ_TRY(auto issued, crypto::issue_server_certificate(ca, names, system_clock().wall() - std::chrono::hours(1),
                                                       kServerLife, system_random()));
  BZ_CHECK(write_file(folder / "server.key", issued.private_key_pem.reveal(), 0600));
  BZ_CHECK(write_file(folder / "server.crt", issued.certificate_pem, 0644));
  made += "an ECDSA P-256 certificate";
  return Material{issued.certificate_pem, std::move(issued.private_key_pem)};
}

}  // namespace

Result<LoadedCertificate> load_certificate(const config::TlsOptions& options, const std::filesystem::path& folder,
                                           const std::vector<std::string>& addresses) {
  LoadedCertificate loaded;
  Material material;
  if (options.certificate_file.empty()) {
    BZ_TRY(material, own_certificate(folder, addresses, loaded.made));
    loaded.ca_file = (folder / "ca.crt").string();
  } else {
    BZ_TRY(auto certificate, read_file(options.certificate_file));
    material.certificate_pem = std::string(certificate.reveal_chars());
    BZ_TRY(material.key_pem, read_file(options.private_key_file));
  }
  // Each file is named by its key and path: OpenSSL's reasons speak of no file.
  const auto named = [](std::string_view key, const std::filesystem::path& file) {
    return file.empty() ? std::string("Bartizan's own certificate") : fmt::format("tls.{} {}", key, file.string());
  };
  if (const auto read = crypto::certificate_info(material.certificate_pem); !read)
    return fail(read.error().code, named("certificate_file", options.certificate_file) + ": " + read.error().detail);
  if (const auto fits = crypto::check_private_key(material.certificate_pem, material.key_pem); !fits)
    return fail(fits.error().code,
                named("private_key_file", options.private_key_file) + ": " +
                    (fits.error().code == Errc::InvalidArgument
                         ? "the key is not that of the certificate in " + options.certificate_file.string()
                         : fits.error().detail));
  net::TlsServerOptions server;
  server.certificate_chain_pem = material.certificate_pem;
  server.private_key_pem = std::move(material.key_pem);
  if (!options.client_ca_file.empty()) {
    BZ_TRY(auto client_ca, read_file(options.client_ca_file));
    if (const auto read = crypto::certificate_info(client_ca.reveal()); !read)
      return fail(read.error().code, named("client_ca_file", options.client_ca_file) + ": " + read.error().detail);
    server.client_ca_pem = std::string(client_ca.reveal_chars());
  }
  server.require_client_certificate = options.require_client_certificate || options.match_client_certificate;
  loaded.certificate.client_name_is_identity = options.match_client_certificate;
  server.min_version =
      options.min_version == config::TlsVersion::Tls12 ? net::TlsVersion::Tls12 : net::TlsVersion::Tls13;
  server.session_tickets = options.session_tickets;
  auto context = net::TlsContext::server(server);
  if (!context)
    return fail(context.error().code,
                named("certificate_file", options.certificate_file) + ": " + context.error().detail);
  loaded.certificate.context = std::move(*context);
  if (auto hash = crypto::server_end_point_hash(ByteView(loaded.certificate.context->certificate_der())))
    loaded.certificate.end_point_hash = std::move(*hash);
  BZ_TRY(const auto info, crypto::certificate_info(material.certificate_pem));
  loaded.not_after = info.not_after;
  return loaded;
}

}  // namespace bartizan::app
