#include "audit_pruning.hpp"

#include <mutex>

#include "audit_reading.hpp"
#include "bartizan/auditlog/audit_index.hpp"
#include "bartizan/auditlog/bundle_compressor.hpp"
#include "bartizan/auditlog/pruning.hpp"
#include "bartizan/store/audit_holds.hpp"

namespace bartizan::control {

Result<std::string> holding(store::Transaction& transaction, const std::optional<policy::TenantId>& tenant) {
  BZ_TRY(const auto holds, store::AuditHolds(transaction).list());
  std::string cases;
  for (const auto& hold : holds)
    if (!hold.value.released && (!hold.value.tenant || hold.value.tenant == tenant))
      cases += (cases.empty() ? "" : ", ") + hold.value.case_name;
  return cases;
}

Result<Pruned> prunable(const AuditSource& log, const std::string& tree, WallTime before) {
  auto& files = auditlog::system_files();
  const std::string folder = log.directory + "/tree/" + tree;
  BZ_TRY(const auto reader, auditlog::TreeReader::open(log.directory, log.origin, tree, log.key));
  const auto key = log.key.named(log.origin + "/" + tree);
  Pruned out;
  BZ_TRY(out.before, auditlog::pruned_below(files, folder, key));
  BZ_TRY(out.minimum, auditlog::prunable_below(files, folder, key, reader.checkpoint().size, before));
  return out;
}

Result<Pruned> prune(const AuditSource& log, const Clock& clock, store::Transaction&, const PruneOrder& order) {
  BZ_TRY(const Pruned out, prunable(log, order.tree, order.before));
  if (out.minimum == out.before) return out;
  BZ_CHECK(record_log_act(log, clock, {order.actor, {}}, "audit.prune",
                          "tree " + order.tree + ", records kept from index " + std::to_string(out.minimum) +
                              " on, those before " + format_time(order.before) + " removed: " + order.reason));
  std::unique_lock<std::mutex> still;
  if (log.compressor != nullptr) still = log.compressor->hold_still();
  BZ_CHECK(auditlog::prune_tree(auditlog::system_files(), log.directory + "/tree/" + order.tree,
                                log.signer->named(log.origin + "/" + order.tree), out.minimum, clock.wall()));
  if (log.index != nullptr) log.index->remake(order.tree);
  return out;
}

}  // namespace bartizan::control
