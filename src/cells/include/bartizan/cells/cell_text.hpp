// What becomes of a client's text in a depot with encrypted columns: the text for the server, its
// constants sealed, and what is to be done with parameters, rows and COPY data of its statements.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "bartizan/base/bytes.hpp"
#include "bartizan/cells/encrypted_depot.hpp"
#include "bartizan/policy/decision.hpp"
#include "bartizan/sql/encryption_plan.hpp"

namespace bartizan::cells {

/// By which formats a client wants its rows (Bind's result formats); null: a Query's, as the server says.
using Formats = std::shared_ptr<const std::vector<std::int16_t>>;

struct CellStatement {
  sql::Kind kind = sql::Kind::Unknown;
  std::vector<sql::OutputOp> columns;  ///< by index
  std::string server_text;  ///< of this one; for consumers alone
  std::uint16_t hidden = 0;  ///< so many of the server's last columns are not the client's
  std::optional<sql::CopyPlan> copy;
  /// PREPARE and DECLARE: what the name will stand for; null: for nothing that touches a cell.
  std::string name;
  std::shared_ptr<const sql::PlannedStatement> named;
};

/// Immutable. No plaintext stands in it.
struct CellText {
  std::optional<policy::Refuse> refusal;
  std::uint32_t position = 0;  ///< of what is refused, in the client's text; 0: none
  std::shared_ptr<const EncryptedDepot> depot;  ///< by which it was planned
  std::vector<CellStatement> statements;        ///< one for each that the server runs
  std::string server_text;
  bool edited = false;  ///< false: server_text is the client's
  bool reads_catalogs = false;
  std::vector<sql::ServerParameter> parameters;  ///< empty: they pass as they are
  std::vector<sql::Oid> parameter_types;  ///< ParameterDescription; empty: as the server says
  std::vector<std::uint32_t> constants;  ///< columns that constants of the text are for
  std::vector<sql::WrittenRow> rows;      ///< that parameters are bound to
  Bytes server_types;  ///< for Parse: Int16 count, Int32 each

  /// Whether a Bind has to be written anew: by its parameters, or by the formats of columns that are not the client's.
  [[nodiscard]] bool rewrites_bind() const noexcept {
    return !parameters.empty() || (!statements.empty() && statements[0].hidden != 0);
  }

  [[nodiscard]] const CellStatement* statement(std::size_t i) const noexcept {
    return i < statements.size() ? &statements[i] : nullptr;
  }
};

}  // namespace bartizan::cells
