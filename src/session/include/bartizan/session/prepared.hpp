// What stands behind a prepared statement's or a portal's name.
#pragma once

#include <memory>
#include <utility>

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
  bool by_shared_name = false;  ///< stands on the server under shared->server_name

  Prepared() = default;
  explicit Prepared(sql::AnalysisCache::Found found) : analysis(std::move(found.analysis)), digest(found.digest) {}
  explicit Prepared(sql::Digest unknown) : digest(unknown) {}
};

}  // namespace bartizan::session
