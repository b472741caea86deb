// The audit log that the configuration asks for, provable or basic, with what the rest of the program
// wants to know of it: its figures, its health and its public key.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "audit_keys.hpp"
#include "audit_shipping.hpp"
#include "bartizan/api/exposition.hpp"
#include "bartizan/audit/log.hpp"
#include "bartizan/auditlog/audit_index.hpp"
#include "bartizan/auditlog/basic_log.hpp"
#include "bartizan/auditlog/break_glass.hpp"
#include "bartizan/auditlog/bundle_compressor.hpp"
#include "bartizan/auditlog/counted_log.hpp"
#include "bartizan/auditlog/slot_store.hpp"
#include "bartizan/auditlog/tree_log.hpp"
#include "bartizan/auditlog/witness_keeper.hpp"
#include "bartizan/config/configuration.hpp"
#include "bartizan/control/audit_source.hpp"
#include "bartizan/control/document.hpp"

namespace bartizan::app {

/// Thread-safe once opened; outlives whoever writes to the log.
class AuditTrail {
 public:
  /// Makes what the first start needs: the folder, and for the provable log its key. FailedPrecondition
  /// when another process holds the log, Malformed when it is damaged.
  [[nodiscard]] static Result<std::unique_ptr<AuditTrail>> open(const config::AuditOptions& options,
                                                                const config::ShippingOptions& shipping);

  [[nodiscard]] audit::Log& log() noexcept {
    return counted_ ? static_cast<audit::Log&>(*counted_) : static_cast<audit::Log&>(*basic_);
  }
  /// What happened at the start, in a line.
  [[nodiscard]] const std::string& remark() const noexcept { return remark_; }
  [[nodiscard]] bool healthy() const;
  /// What addresses in records are sealed with; null: they are not.
  [[nodiscard]] audit::Sealer* sealer() const noexcept { return slots_.get(); }
  [[nodiscard]] auditlog::SlotStore* slots() const noexcept { return slots_.get(); }
  /// The receivers that records are shipped to, or null.
  [[nodiscard]] const AuditShipping* shipping() const noexcept { return shipping_.get(); }
  [[nodiscard]] control::Members status() const;
  [[nodiscard]] std::string summary() const;
  /// Against this log, any of them; empty when nothing. nullopt without a witness.
  [[nodiscard]] std::optional<std::string> witness_says() const;
  void add_metrics(api::Exposition& page) const;

  /// For those who read it; null with the basic log.
  [[nodiscard]] const control::AuditSource* source() const noexcept { return source_ ? &*source_ : nullptr; }
  /// Null with the basic log.
  [[nodiscard]] auditlog::BreakGlass* break_glass() const noexcept { return break_glass_.get(); }

 private:
  AuditTrail() = default;
  Result<void> open_witnesses(const config::AuditOptions& options);
  [[nodiscard]] control::Items witness_status() const;
  [[nodiscard]] control::Document storage_status() const;
  Result<void> open_tree(const config::AuditOptions& options);
  Result<void> open_basic(const config::AuditOptions& options);
  Result<void> open_slots(const config::AuditOptions& options);

  std::string directory_;
  std::string origin_;
  std::string remark_;
  std::unique_ptr<AuditKeys> keys_;
  std::unique_ptr<auditlog::TreeLog> tree_;
  std::unique_ptr<auditlog::CountedLog> counted_;  // in front of tree_; ends after all that writes records
  std::optional<audit::NoteSigner> signer_;
  std::unique_ptr<auditlog::BasicLog> basic_;
  std::unique_ptr<auditlog::AuditIndex> index_;       // ends before tree_, whose key it uses
  std::unique_ptr<auditlog::BundleCompressor> compressor_;  // likewise
  std::vector<std::unique_ptr<auditlog::WitnessKeeper>> witnesses_;  // likewise; in the configuration's order
  std::unique_ptr<auditlog::BreakGlass> break_glass_;
  std::optional<control::AuditSource> source_;
  std::unique_ptr<auditlog::SlotStore> slots_;
  std::unique_ptr<AuditShipping> shipping_;
};

}  // namespace bartizan::app
