// Masks over encrypted columns. PostgreSQL has cells there and no values, so a mask that needs the
// value is applied by the gateway, behind decryption; what it yields is to the letter what the SQL
// expression of the same mask yields over a plain column. Which masks those are, for the wall's
// compiler and the data path alike.
#pragma once

#include <map>
#include <memory>
#include <utility>

#include "bartizan/base/result.hpp"
#include "bartizan/base/secret.hpp"
#include "bartizan/policy/mask.hpp"
#include "bartizan/policy/outcome.hpp"
#include "bartizan/sql/catalog.hpp"

namespace bartizan::policy {

/// Whether it can't be made without the value: all but null, redact and constant.
[[nodiscard]] bool needs_value(const Mask& mask) noexcept;

/// Unsupported, saying why and what to use instead, where the gateway has not that mask.
[[nodiscard]] Result<void> check_gateway_mask(const Mask& mask);

/// Of one class: its masked columns by relation and number, encrypted or not, as far as the mask needs
/// the value. Immutable.
struct CellMasks {
  std::map<std::pair<sql::Oid, sql::AttrNumber>, Mask> masks;
  SecretBytes key;  ///< of the class's tokens, the same as PostgreSQL makes them under

  [[nodiscard]] const Mask* find(sql::Oid relation, sql::AttrNumber column) const noexcept;
};

/// Relations that the catalog has not are left out.
[[nodiscard]] std::map<std::pair<sql::Oid, sql::AttrNumber>, Mask> masks_over_values(const ClassOutcome& outcome,
                                                                                     const sql::Catalog& catalog);

}  // namespace bartizan::policy
