// Who follows the audit log as it grows (`audit tail`): what each asked for and how far it has come. Kept here and
// not with the client, so that the reading is recorded once, when it begins, and nobody can go on with another's.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "bartizan/base/clock.hpp"
#include "bartizan/base/result.hpp"

namespace bartizan::control {

struct AuditFilter;

/// Thread-safe. Holds at most kMost; who has not asked for a minute is forgotten.
class AuditFollowers {
 public:
  static constexpr std::size_t kMost = 64;

  struct Follower {
    std::string actor;
    std::string tenant;  ///< whose own reader it is; empty: an administrator
    std::shared_ptr<const AuditFilter> filter;
    std::map<std::string, std::uint64_t> seen;  ///< leaves of each tree
    std::mutex reading;                         ///< one answer at a time
  };

  explicit AuditFollowers(const Clock& clock, Random& random) : clock_(clock), random_(random) {}
  /// Its name. ResourceExhausted: too many.
  [[nodiscard]] Result<std::string> add(std::shared_ptr<Follower> follower);
  /// NotFound: none of that name that this actor began.
  [[nodiscard]] Result<std::shared_ptr<Follower>> find(const std::string& name, const std::string& actor,
                                                       const std::string& tenant);

 private:
  struct Entry {
    std::shared_ptr<Follower> follower;
    SteadyTime asked;
  };
  const Clock& clock_;
  Random& random_;
  std::mutex mutex_;
  std::map<std::string, Entry> entries_;  // guarded by mutex_
};

}  // namespace bartizan::control
