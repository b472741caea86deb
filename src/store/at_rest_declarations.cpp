#include "bartizan/store/at_rest_declarations.hpp"

#include <array>

#include "records.hpp"

namespace bartizan::store {
namespace {

const std::string kColumns = "depot_id, what, bartizan.micros(valid_until), " + kMetaColumns;

AtRestDeclaration parse(RowReader& row) {
  AtRestDeclaration declaration;
  declaration.depot = policy::DepotId(row.uuid());
  declaration.what = row.text();
  declaration.valid_until = row.time_or_null();
  return declaration;
}

}  // namespace

Result<Record<AtRestDeclaration>> AtRestDeclarations::put(const AtRestDeclaration& declaration) {
  const std::array<Text, 4> parameters = {Uuid::random(transaction_.database().random()).to_string(),
                                          declaration.depot.get().to_string(), declaration.what,
                                          micros_text(declaration.valid_until)};
  BZ_TRY(
      const Rows rows,
      transaction_.query("INSERT INTO bartizan.at_rest_declarations (id, depot_id, what, valid_until) VALUES "
                         "($1::uuid, $2::uuid, $3, bartizan.moment($4::bigint)) ON CONFLICT (depot_id) DO UPDATE SET "
                         "what = EXCLUDED.what, valid_until = EXCLUDED.valid_until RETURNING " +
                             kColumns,
                         parameters));
  return read_record(rows, parse, "");
}

Result<std::vector<Record<AtRestDeclaration>>> AtRestDeclarations::list() {
  BZ_TRY(const Rows rows,
         transaction_.query("SELECT " + kColumns + " FROM bartizan.at_rest_declarations ORDER BY depot_id", {}));
  return read_records(rows, parse);
}

Result<void> AtRestDeclarations::remove(policy::DepotId depot) {
  const std::array<Text, 1> parameters = {depot.get().to_string()};
  BZ_TRY(const Rows rows,
         transaction_.query("DELETE FROM bartizan.at_rest_declarations WHERE depot_id = $1::uuid RETURNING id",
                            parameters));
  if (rows.empty()) return fail(Errc::NotFound, "nothing is declared of the depot's files at rest");
  return {};
}

}  // namespace bartizan::store
