// Functions of depots that somebody has reviewed, with the definition that he saw (ADR 0200).
#pragma once

#include <string>
#include <vector>

#include "bartizan/store/database.hpp"

namespace bartizan::store {

struct ReviewedFunction {
  policy::DepotId depot;
  std::string signature;  ///< schema.name(types), as regprocedure writes it under search_path pg_catalog
  std::string digest;     ///< postgres::FunctionFacts::digest
  std::string reason;
};

/// Repository over one transaction, which must outlive it.
class ReviewedFunctions {
 public:
  explicit ReviewedFunctions(Transaction& transaction) : transaction_(transaction) {}
  /// In the place of an earlier review of the same function.
  [[nodiscard]] Result<Record<ReviewedFunction>> put(const ReviewedFunction& function);
  /// By depot, then signature.
  [[nodiscard]] Result<std::vector<Record<ReviewedFunction>>> list();
  /// NotFound: it was not reviewed.
  [[nodiscard]] Result<void> remove(policy::DepotId depot, const std::string& signature);

 private:
  Transaction& transaction_;
};

}  // namespace bartizan::store
