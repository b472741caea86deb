// What stands behind a prepared statement's or a portal's name.
#pragma once

#include <memory>
#include <utility>

#include "bartizan/cells/cell_text.hpp"
#include "bartizan/session/consumer_text.hpp"
#include "bartizan/session/shared_statement.hpp"
#include "bartizan/sql/analysis_cache.hpp"

namespace bartizan::session {

struct Prepared {
  std::shared_ptr<const sql::Analysis> analysis;  ///< null where nothing is known
  sql::Digest digest;
  /// Transaction pooling: from what it is made again on another server connection.
  std::shared_ptr<const SharedStatement> shared;
  /// Of a consumer: what goes to the server; analysis is a part of it.
  std::shared_ptr<const ConsumerText> text;
  /// In a depot with encrypted columns: what is to be done with its messages; null: nothing.
  std::shared_ptr<const cells::CellText> cells;
  /// Of a session in a depot in observe: what its policies would have made of the text.
  std::shared_ptr<const ConsumerText> observed;
  cells::Formats formats;       ///< of a portal with cells: of its rows, as the client asked for them
  bool cells_known = false;     ///< false: in such a depot nothing may be sent for it
  std::shared_ptr<const std::string> values;  ///< of a portal: the record's member of its sealed parameters
  std::uint64_t since = 0;      ///< the moment of the client's Parse: no older reading will do
  bool missing = false;         ///< certainly nothing: what is made of it fails
  bool by_shared_name = false;  ///< stands on the server under shared->server_name

  Prepared() = default;
  explicit Prepared(sql::AnalysisCache::Found found) : analysis(std::move(found.analysis)), digest(found.digest) {}
  explicit Prepared(sql::Digest unknown) : digest(unknown) {}
};

}  // namespace bartizan::session
