// What the gateway will be between a client and PostgreSQL, as far as encrypted columns go, in the
// smallest form: plan_encryption() and transform around a libpq connection. For tests.
#pragma once

#include <libpq-fe.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bartizan/sql/encryption_plan.hpp"
#include "bartizan/transform/copy_transform.hpp"
#include "bartizan/transform/encrypted_column.hpp"

namespace bartizan::rehearsal {

using Field = std::optional<std::string>;

struct Answer {
  bool refused = false;  ///< by the planner: nothing was sent
  std::string error;     ///< of the planner, the transform or the server; empty: none
  std::vector<std::string> names;
  std::vector<std::vector<Field>> rows;  ///< in text, decrypted
  std::string copied;                    ///< COPY … TO STDOUT
};

/// One session. Not thread-safe.
class EncryptedClient {
 public:
  /// The columns' keys are made of their numbers; those of one join domain share an index key.
  EncryptedClient(PGconn* connection, std::shared_ptr<const sql::EncryptedColumns> columns,
                  const std::vector<sql::EncryptedColumnSpec>& specs);

  /// Simple protocol.
  Answer run(std::string_view text);
  /// Extended protocol; parameters in text, or in binary as their column's type sends it.
  Answer run(std::string_view text, const std::vector<Field>& values, bool binary = false);
  Answer copy_in(std::string_view text, std::string_view data);
  /// A value in text as a cell, and back.
  std::string seal(std::uint32_t column, std::string_view value);
  std::string open(std::uint32_t column, std::string_view cell);
  /// Every text that went to the server.
  [[nodiscard]] const std::vector<std::string>& sent() const noexcept { return sent_; }

 private:
  struct Finish {
    void operator()(PGconn* connection) const noexcept { PQfinish(connection); }
  };
  struct Clear {
    void operator()(PGresult* result) const noexcept { PQclear(result); }
  };
  using Result_ = std::unique_ptr<PGresult, Clear>;

  Answer refused_or(std::string_view text, sql::EncryptionOutcome& outcome);
  std::string with_literals(const sql::PlannedStatement& statement, Answer& answer);
  Result<Bytes> transformed(sql::CellAction action, std::uint32_t column, transform::WireFormat format, ByteView value);
  void take(PGresult* result, const std::vector<sql::OutputOp>& columns, Answer& answer);
  void take_copy(const sql::PlannedStatement& statement, Answer& answer);
  Result<transform::CopyTransform> copy_transform(const sql::PlannedStatement& statement);
  void remember(const sql::PlannedStatement& statement);

  std::unique_ptr<PGconn, Finish> connection_;
  std::shared_ptr<const sql::EncryptedColumns> columns_;
  std::map<std::uint32_t, transform::EncryptedColumn> ciphers_;
  transform::FixedTimeZone utc_{std::chrono::seconds(0)};
  transform::ValueSettings settings_{.time_zone = &utc_};
  sql::PlansByName prepared_;
  sql::PlansByName cursors_;
  std::vector<std::string> sent_;
};

}  // namespace bartizan::rehearsal
