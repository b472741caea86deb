// The receivers that the configuration names, each with its shipper, and what the program says of them.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "bartizan/api/exposition.hpp"
#include "bartizan/config/configuration.hpp"
#include "bartizan/control/document.hpp"
#include "bartizan/shipping/shipper.hpp"

namespace bartizan::app {

/// Reads of the log's files alone; outlived by the folder's owner. Thread-safe once opened.
class AuditShipping {
 public:
  /// Errors are of what can't be read: files, cursors, addresses. A receiver that is away is none.
  [[nodiscard]] static Result<std::unique_ptr<AuditShipping>> open(const config::ShippingOptions& options,
                                                                   const shipping::LogPlace& log);

  [[nodiscard]] bool empty() const noexcept { return shippers_.empty(); }
  /// "syslog, relp".
  [[nodiscard]] std::string names() const;
  [[nodiscard]] control::Items status() const;
  /// What is wrong, in a line; empty when every receiver takes what there is.
  [[nodiscard]] std::string trouble() const;
  void add_metrics(api::Exposition& page) const;

 private:
  AuditShipping() = default;
  std::vector<std::unique_ptr<shipping::Shipper>> shippers_;
};

}  // namespace bartizan::app
