#include "bartizan/auditlog/tree_log.hpp"

#include "tree_log_core.hpp"

namespace bartizan::auditlog {

TreeLog::TreeLog(std::unique_ptr<Core> core)
    : core_(std::move(core)),
      durable_through_(&core_->durable_through()),
      failing_(&core_->failing()),
      unwaited_(&core_->unwaited()) {}

TreeLog::~TreeLog() = default;

Result<std::unique_ptr<TreeLog>> TreeLog::open(TreeLogOptions options, const audit::NoteSigner& signer,
                                               FileLayer& files, const Clock& clock) {
  return open(std::move(options), LogKeys{signer.named(signer.verifier().name()), {}, {}}, files, clock);
}

Result<std::unique_ptr<TreeLog>> TreeLog::open(TreeLogOptions options, LogKeys keys, FileLayer& files,
                                               const Clock& clock) {
  BZ_TRY(auto core, Core::open(std::move(options), std::move(keys), files, clock));
  return std::unique_ptr<TreeLog>(new TreeLog(std::move(core)));
}

void TreeLog::rotate(LogKeys keys) { core_->rotate(std::move(keys)); }

Result<audit::Ticket> TreeLog::begin(const audit::Intent& intent) { return core_->begin(intent); }

void TreeLog::finish(audit::Ticket ticket, const audit::Outcome& outcome) { core_->finish(ticket, outcome); }

void TreeLog::go_on_unwritten(bool on) { core_->go_on_unwritten(on); }

audit::Log::ObserverId TreeLog::on_durable(Observer observer) { return core_->on_durable(std::move(observer)); }

void TreeLog::remove(ObserverId id) { core_->remove(id); }

TreeLog::Figures TreeLog::figures() const { return core_->figures(); }

Result<void> TreeLog::publish_now(std::chrono::milliseconds longest) { return core_->publish_now(longest); }

const audit::NoteVerifier& TreeLog::verifier() const noexcept { return core_->verifier(); }

}  // namespace bartizan::auditlog
