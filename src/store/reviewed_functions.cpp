#include "bartizan/store/reviewed_functions.hpp"

#include <array>

#include "records.hpp"

namespace bartizan::store {
namespace {

const std::string kColumns = "depot_id, signature, digest, reason, " + kMetaColumns;

ReviewedFunction parse(RowReader& row) {
  ReviewedFunction function;
  function.depot = policy::DepotId(row.uuid());
  function.signature = row.text();
  function.digest = row.text();
  function.reason = row.text();
  return function;
}

}  // namespace

Result<Record<ReviewedFunction>> ReviewedFunctions::put(const ReviewedFunction& function) {
  const std::array<Text, 5> parameters = {Uuid::random(transaction_.database().random()).to_string(),
                                          function.depot.get().to_string(), function.signature, function.digest,
                                          function.reason};
  BZ_TRY(const Rows rows,
         transaction_.query("INSERT INTO bartizan.reviewed_functions (id, depot_id, signature, digest, reason) VALUES "
                            "($1::uuid, $2::uuid, $3, $4, $5) ON CONFLICT (depot_id, signature) DO UPDATE SET "
                            "digest = EXCLUDED.digest, reason = EXCLUDED.reason RETURNING " +
                                kColumns,
                            parameters));
  return read_record(rows, parse, "");
}

Result<std::vector<Record<ReviewedFunction>>> ReviewedFunctions::list() {
  BZ_TRY(
      const Rows rows,
      transaction_.query("SELECT " + kColumns + " FROM bartizan.reviewed_functions ORDER BY depot_id, signature", {}));
  return read_records(rows, parse);
}

Result<void> ReviewedFunctions::remove(policy::DepotId depot, const std::string& signature) {
  const std::array<Text, 2> parameters = {depot.get().to_string(), signature};
  BZ_TRY(const Rows rows, transaction_.query("DELETE FROM bartizan.reviewed_functions WHERE depot_id = $1::uuid AND "
                                             "signature = $2 RETURNING id",
                                             parameters));
  if (rows.empty()) return fail(Errc::NotFound, "function " + signature + " has not been reviewed");
  return {};
}

}  // namespace bartizan::store
