// A control connection to a depot, as the gateway itself would sign in there.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "bartizan/base/clock.hpp"
#include "bartizan/base/result.hpp"
#include "bartizan/policy/model.hpp"
#include "bartizan/postgres/control_connection.hpp"

namespace bartizan::control {

/// Certificates or a key as a file that libpq can read and nobody else sees: it lives in memory
/// for as long as this does.
class PemFile {
 public:
  [[nodiscard]] static Result<PemFile> of(std::string_view pem);
  PemFile(PemFile&& other) noexcept;
  PemFile& operator=(PemFile&&) = delete;
  ~PemFile();
  /// Empty for an empty PEM text.
  [[nodiscard]] std::string path() const;

 private:
  explicit PemFile(int fd) : fd_(fd) {}
  int fd_ = -1;
};

/// Unsupported for a login that only has SCRAM keys: libpq can't use them.
[[nodiscard]] Result<postgres::ControlConnection> connect_to_depot(const policy::Depot& depot,
                                                                   const policy::DepotLogin& login,
                                                                   SteadyTime deadline);

}  // namespace bartizan::control
