// The audit log's statements under other policies: which of those that ran would be refused. The log holds no
// texts: what is asked of a record is its tag, its tables and, of sessions behind the wall, its columns.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <tuple>

#include "bartizan/policy/outcome.hpp"
#include "services.hpp"

namespace bartizan::control {

/// Who would see what, by identity, depot and purpose ("" is none).
class FutureOutcomes {
 public:
  using Outcome = std::optional<policy::ClassOutcome>;  ///< none: no policy speaks of the depot
  struct Change {
    Outcome before;
    Outcome after;
  };
  void add(const std::string& identity, const std::string& depot, const std::string& purpose, Outcome before,
           Outcome after) {
    changes_.insert_or_assign({identity, depot, purpose}, Change{std::move(before), std::move(after)});
  }
  [[nodiscard]] const Change* find(const std::string& identity, const std::string& depot,
                                   const std::string& purpose) const {
    const auto found = changes_.find({identity, depot, purpose});
    return found == changes_.end() ? nullptr : &found->second;
  }

 private:
  std::map<std::tuple<std::string, std::string, std::string>, Change> changes_;
};

/// Why a statement that a record tells of would be refused for such an outcome; nullopt: for nothing that the
/// record says. certain is false where the record does not say enough.
struct ForeseenRefusal {
  std::string sqlstate;
  std::string why;
  bool certain = true;
};
[[nodiscard]] std::optional<ForeseenRefusal> foresee(const Document& record, const policy::ClassOutcome& after);

struct RecordedStatements {
  Items lines;  ///< a line for each identity, kind of statement and reason, the most frequent first
  std::size_t looked_at = 0;
  std::optional<WallTime> oldest;  ///< of those looked at
  std::string below;               ///< where to go on; empty: at the log's beginning
};

/// The newest `most` records, or those below one. Leaves a record of the reading. Without a provable log: none.
[[nodiscard]] Result<RecordedStatements> recorded_statements(Call& call, const FutureOutcomes& future,
                                                             const std::optional<std::string>& below, std::size_t most);

}  // namespace bartizan::control
