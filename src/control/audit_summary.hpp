// Counts of what a search finds, by who, what or where and by time: "who saw this column, how often".
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "audit_filter.hpp"
#include "bartizan/control/document.hpp"

namespace bartizan::control {

enum class SummaryPer : std::uint8_t { All, Hour, Day, Month };

struct SummaryRequest {
  SummaryBy by = SummaryBy::Identity;
  SummaryPer per = SummaryPer::All;
};
/// 'count_by' and 'per' of a request; nullopt without them.
[[nodiscard]] Result<std::optional<SummaryRequest>> take_summary(Args& args);

/// One answer's counts. At most kMost of them: whoever adds has to look at full().
class AuditSummary {
 public:
  static constexpr std::size_t kMost = 10'000;
  explicit AuditSummary(SummaryRequest request) : request_(request) {}
  void add(const Document& record);
  [[nodiscard]] bool full() const noexcept { return counts_.size() >= kMost; }
  /// The most frequent first.
  [[nodiscard]] Items rows() const;

 private:
  struct Count {
    std::int64_t records = 0;
    std::int64_t rows = 0;
    WallTime first{};
    WallTime last{};
  };
  const SummaryRequest request_;
  std::map<std::pair<std::string, std::string>, Count> counts_;  ///< by time and key
};

}  // namespace bartizan::control
