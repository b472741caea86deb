// What operators have declared of how the files of a depot's own server are encrypted at rest (ADR 0272): their word,
// with its end. Bartizan can't look at that server's disks.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "bartizan/store/database.hpp"

namespace bartizan::store {

struct AtRestDeclaration {
  policy::DepotId depot;
  std::string what;  ///< a line: "LUKS2 on the volume, ticket 17"
  std::optional<WallTime> valid_until;
};

/// Repository over one transaction, which must outlive it. Who declared it, and when, is in the meta.
class AtRestDeclarations {
 public:
  explicit AtRestDeclarations(Transaction& transaction) : transaction_(transaction) {}
  /// In the place of an earlier one of the depot.
  [[nodiscard]] Result<Record<AtRestDeclaration>> put(const AtRestDeclaration& declaration);
  [[nodiscard]] Result<std::vector<Record<AtRestDeclaration>>> list();
  /// NotFound: there is none.
  [[nodiscard]] Result<void> remove(policy::DepotId depot);

 private:
  Transaction& transaction_;
};

}  // namespace bartizan::store
