#include "bartizan/control/retention_keeper.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <string>

#include "audit_pruning.hpp"
#include "bartizan/auditlog/file_layer.hpp"
#include "bartizan/auditlog/pruning.hpp"
#include "bartizan/auditlog/tree_reader.hpp"
#include "bartizan/base/log.hpp"
#include "bartizan/store/audit_ceilings.hpp"
#include "bartizan/store/tenants.hpp"

namespace bartizan::control {
namespace {

constexpr const char* kActor = "bartizan";

/// Which ceiling is a tree's, and whose tree it is.
class Ceilings {
 public:
  static Result<Ceilings> read(store::Transaction& transaction) {
    Ceilings out;
    std::map<policy::TenantId, int> by_tenant;
    BZ_TRY(const auto ceilings, store::AuditCeilings(transaction).list());
    for (const auto& ceiling : ceilings) {
      if (!ceiling.value.tenant)
        out.of_all_ = ceiling.value.days;
      else
        by_tenant.emplace(*ceiling.value.tenant, ceiling.value.days);
    }
    out.any_ = !ceilings.empty();
    BZ_TRY(const auto tenants, store::Tenants(transaction).list());
    for (const auto& tenant : tenants) {
      const auto own = by_tenant.find(tenant.value.id);
      out.trees_[auditlog::tree_name(tenant.value.name)] = {
          tenant.value.id, own == by_tenant.end() ? out.of_all_ : std::optional(own->second)};
    }
    return out;
  }
  [[nodiscard]] bool any() const noexcept { return any_; }
  struct Tree {
    std::optional<policy::TenantId> tenant;
    std::optional<int> days;
  };
  /// A tenant that was deleted leaves its tree, to the ceiling of all.
  [[nodiscard]] Tree of(const std::string& tree) const {
    const auto found = trees_.find(tree);
    return found == trees_.end() ? Tree{std::nullopt, of_all_} : found->second;
  }

 private:
  bool any_ = false;
  std::optional<int> of_all_;
  std::map<std::string, Tree> trees_;
};

}  // namespace

RetentionKeeper::RetentionKeeper(store::Database& database, const AuditSource& log, const Clock& clock)
    : database_(database), log_(log), clock_(clock), thread_([this] { run(); }) {}

RetentionKeeper::~RetentionKeeper() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

void RetentionKeeper::run() {
  std::unique_lock lock(mutex_);
  std::chrono::seconds pause = kFirst;
  while (!wake_.wait_for(lock, pause, [this] { return stopping_; })) {
    lock.unlock();
    if (const auto pruned = prune_all(); !pruned)
      BZ_LOG(Warn, "audit.retention_failed", {"reason", pruned.error().detail});
    else if (*pruned > 0)
      BZ_LOG(Info, "audit.pruned", {"records", *pruned});
    lock.lock();
    pause = kEvery;
  }
}

Result<std::uint64_t> RetentionKeeper::prune_all() {
  Ceilings ceilings;
  {
    BZ_TRY(auto transaction, database_.begin_read());
    BZ_TRY(ceilings, Ceilings::read(transaction));
  }
  if (!ceilings.any()) return std::uint64_t{0};
  const auto names = auditlog::system_files().list(log_.directory + "/tree");
  if (!names && names.error().code == Errc::NotFound) return std::uint64_t{0};
  if (!names) return tl::unexpected(names.error());
  std::uint64_t records = 0;
  std::optional<Error> failed;  // one tree's trouble is not the others'
  for (const auto& tree : *names) {
    const auto [tenant, days] = ceilings.of(tree);
    if (!days) continue;
    const auto age = std::max<std::chrono::days>(std::chrono::days(*days), auditlog::kRetentionFloor);
    const PruneOrder order{tree, tenant, clock_.wall() - age, kActor,
                           "its ceiling of " + std::to_string(age.count()) + " days"};
    // Nearly always there is nothing to do; a write transaction holds up others.
    const auto possible = prunable(log_, tree, order.before);
    if (possible && possible->minimum == possible->before) continue;
    const auto done = [&]() -> Result<Pruned> {
      BZ_CHECK(possible);
      BZ_TRY(auto transaction, database_.begin_write({kActor}));
      BZ_TRY(const auto cases, holding(transaction, tenant));
      if (cases.empty()) return prune(log_, clock_, transaction, order);
      BZ_LOG(Info, "audit.held", {"tree", tree}, {"cases", cases});
      return Pruned{};
    }();
    if (done)
      records += done->minimum - done->before;
    else if (done.error().code != Errc::NotFound)
      failed = done.error();
  }
  if (failed) return tl::unexpected(std::move(*failed));
  return records;
}

}  // namespace bartizan::control
