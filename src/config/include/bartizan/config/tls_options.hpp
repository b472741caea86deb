// [tls]: what the wire port shows of itself and asks of clients. The files are read by the
// listener, at start and on every reload, not here.
#pragma once

#include <cstdint>
#include <filesystem>

namespace bartizan::config {

enum class TlsVersion : std::uint8_t { Tls12, Tls13 };

struct TlsOptions {
  std::filesystem::path certificate_file;  ///< empty: a certificate of Bartizan's own CA
  std::filesystem::path private_key_file;
  std::filesystem::path client_ca_file;  ///< empty: client certificates are not asked for
  TlsVersion min_version = TlsVersion::Tls13;
  bool require_client_certificate = false;
  bool match_client_certificate = false;  ///< as pg_hba.conf's clientcert=verify-full
  bool session_tickets = true;
};

}  // namespace bartizan::config
