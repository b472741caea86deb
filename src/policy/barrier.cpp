// Which statements wait for their audit intent, and when.
#include "bartizan/policy/decision.hpp"
#include "bartizan/sql/analysis.hpp"

namespace bartizan::policy {

Barrier required_barrier(const sql::Analysis& analysis, BarrierMode mode) noexcept {
  if (mode == BarrierMode::None) return Barrier::None;
  switch (analysis.effect()) {
    case sql::Effect::Write: return Barrier::BeforeForward;
    case sql::Effect::Session:
    case sql::Effect::Read: break;
  }
  return mode == BarrierMode::Strict ? Barrier::BeforeFirstByte : Barrier::None;
}

}  // namespace bartizan::policy
