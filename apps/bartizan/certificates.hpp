// The wire port's certificate: the configured files, or one of Bartizan's own authority, made at
// the first run and renewed before it ends.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "bartizan/base/result.hpp"
#include "bartizan/config/tls_options.hpp"
#include "bartizan/proxy/gateway.hpp"

namespace bartizan::app {

struct LoadedCertificate {
  proxy::ServerCertificate certificate;
  std::string ca_file;   ///< what clients give as sslrootcert; empty with configured files
  std::string made;      ///< what was newly made, for the operator; empty otherwise
  WallTime not_after{};
};

/// folder: <data>/tls. names: host names and addresses that clients may use.
[[nodiscard]] Result<LoadedCertificate> load_certificate(const config::TlsOptions& options,
                                                         const std::filesystem::path& folder,
                                                         const std::vector<std::string>& addresses);

}  // namespace bartizan::app
