// Which mask a column gets for one subject: the lowest priority number, ties to the stricter.
#pragma once

#include <string>
#include <vector>

#include "bartizan/policy/data_policy.hpp"
#include "bartizan/policy/resolve.hpp"
#include "subject_view.hpp"
#include "table_facts.hpp"

namespace bartizan::policy {

struct MaskChoice {
  enum class Kind : std::uint8_t {
    None,         ///< no mask matches
    Chosen,       ///< `rule` stands
    Ambiguous,    ///< the strictest of the best priority is not to be told
    Undecidable,  ///< whether a mask applies hangs on an attribute that is missing
  };
  Kind kind = Kind::None;
  const MaskRule* rule = nullptr;
};

[[nodiscard]] MaskChoice choose_mask(const PolicySet& policies, const SubjectView& subject, const TableFacts& table,
                                     const ColumnFacts& column, std::vector<Reason>* reasons);

}  // namespace bartizan::policy
