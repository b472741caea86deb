#include "reviewed_functions.hpp"

#include "bartizan/store/reviewed_functions.hpp"

namespace bartizan::control {

Result<std::vector<postgres::ReviewedFunction>> read_reviewed_functions(store::Database& database,
                                                                        policy::DepotId depot) {
  BZ_TRY(auto transaction, database.begin_read());
  BZ_TRY(auto found, store::ReviewedFunctions(transaction).list());
  std::vector<postgres::ReviewedFunction> out;
  for (auto& one : found)
    if (one.value.depot == depot) out.push_back({std::move(one.value.signature), std::move(one.value.digest)});
  return out;
}

}  // namespace bartizan::control
