// Encrypted columns as one class of consumers has them: which columns of its views are cells. A column that
// is masked is none, since its view gives a constant; what the class sees bare is opened as for an owner.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "bartizan/base/result.hpp"
#include "bartizan/policy/decision.hpp"
#include "bartizan/sql/encryption_plan.hpp"
#include "bartizan/sql/rewrite.hpp"

namespace bartizan::cells {

/// What a session is told about its class. Two classes of one version are the same.
struct ClassFacts {
  policy::ClassVersion version;
  std::shared_ptr<const sql::Catalog> catalog;  ///< by logical types
  std::shared_ptr<const sql::ViewMap> views;
};

/// Immutable. Holds for one class and one EncryptedColumns.
struct ClassColumns {
  /// Over a catalog of the class's views alone, the form that layer 1's texts are in.
  std::shared_ptr<const sql::EncryptedColumns> columns;
  std::vector<std::pair<std::string, std::string>> names;  ///< a view's, and that of its relation

  /// A message that names views, by the relations' names.
  [[nodiscard]] std::string shown(std::string message) const;
};

[[nodiscard]] Result<std::shared_ptr<const ClassColumns>> class_columns(const sql::EncryptedColumns& depot,
                                                                        const ClassFacts& of);

}  // namespace bartizan::cells
