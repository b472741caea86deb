// Published policies in the control database: an append-only row a publication, the greatest
// number in force (docs/formats/control-schema.md).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "bartizan/policy/published.hpp"
#include "bartizan/store/database.hpp"

namespace bartizan::store {

inline constexpr std::size_t kMaxPolicyBytes = std::size_t{8} << 20;  ///< all documents of a publication

/// Its author is Meta::created_by.
struct PolicyVersion {
  std::int64_t number = 0;
  std::string reason;
  std::vector<std::string> acknowledged;       ///< codes of findings
  std::optional<std::int64_t> restored_from;   ///< a publication whose documents these are
  std::vector<policy::PolicyDocument> documents;
};

/// Repository over one transaction, which must outlive it.
class PolicyVersions {
 public:
  explicit PolicyVersions(Transaction& transaction) : transaction_(transaction) {}
  /// The next number, whatever the argument's. TooLarge.
  [[nodiscard]] Result<Record<PolicyVersion>> publish(PolicyVersion version);
  [[nodiscard]] Result<Record<PolicyVersion>> find(std::int64_t number);
  /// nullopt: nothing was published yet.
  [[nodiscard]] Result<std::optional<Record<PolicyVersion>>> in_force();
  /// Without their documents, the newest first.
  [[nodiscard]] Result<std::vector<Record<PolicyVersion>>> list();

 private:
  Transaction& transaction_;
};

}  // namespace bartizan::store
