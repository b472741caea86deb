// Encrypted columns in one session, sans-I/O: texts, Bind, RowDescription, DataRow and COPY data go
// through here on their way between a client and its server. The relay says which message belongs to
// which statement; this says what becomes of its bytes. Whatever can't be done right is an error, and
// then nothing of the message may be passed on.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "bartizan/cells/cell_ciphers.hpp"
#include "bartizan/cells/cell_text.hpp"
#include "bartizan/cells/class_columns.hpp"
#include "bartizan/cells/depot_holder.hpp"
#include "bartizan/pgwire/backend_messages.hpp"
#include "bartizan/pgwire/frontend_messages.hpp"
#include "bartizan/pgwire/writer.hpp"
#include "bartizan/transform/copy_transform.hpp"

namespace bartizan::cells {

/// Whose session it is. Fixed at sign-in.
struct SessionFacts {
  policy::DepotId depot;
  Uuid tenant;  ///< nil: of no tenant
  std::vector<std::string> search_path;  ///< the server's, which the session was started with
  std::optional<ClassFacts> of_class;  ///< of an identity under a policy: its texts are layer 1's
  std::vector<std::uint32_t> detokenizes;  ///< the columns of tokens whose values it may see and write, by number
};

/// As the server has told them last.
struct ReadSettings {
  sql::LexOptions lex;
  bool lex_certain = true;
  std::string_view client_encoding;
  std::string_view date_style;
  std::string_view time_zone;
};

/// One session's. Not thread-safe; ciphers and holder outlive it.
class SessionCells {
 public:
  SessionCells(std::shared_ptr<const EncryptedDepot> depot, DepotHolder& holder, CellCiphers& ciphers,
               SessionFacts facts);
  SessionCells(const SessionCells&) = delete;
  SessionCells& operator=(const SessionCells&) = delete;
  ~SessionCells();

  /// What becomes of a text. Null: nothing, it touches no cell. analysis: null where nothing is known.
  /// parameter_types: Parse's, as on the wire; empty for a Query. Names of SQL must be settled.
  [[nodiscard]] std::shared_ptr<const CellText> read(std::string_view text, ByteView parameter_types,
                                                     const sql::Analysis* analysis, const ReadSettings& settings);
  /// Whether reading it asks what names of SQL's PREPARE and DECLARE stand for.
  [[nodiscard]] static bool asks_names(const sql::Analysis* analysis) noexcept;

  /// The last read() met a relation that is not in the catalog, or catalogs after a definition of
  /// anybody's, and the catalog is being read again: to be asked again once the holder has looked.
  [[nodiscard]] bool waits_for_catalog() const noexcept {
    return awaited_look_ != 0 && holder_.looked() < awaited_look_;
  }

  // What names stand for: the server has confirmed it. text: null where it touches no cell.
  void put_statement(const std::string& name, std::shared_ptr<const CellText> text);
  void put_portal(const std::string& name, std::shared_ptr<const CellText> text);
  void forget_statement(const std::string& name);
  void forget_statements();
  void forget_portal(const std::string& name);
  /// The i-th statement of a text is done: PREPARE, DECLARE and what makes tables.
  void follow(const CellText* text, std::size_t i, const sql::Statement* statement);
  /// nullopt: nothing is known of the name.
  [[nodiscard]] std::optional<std::shared_ptr<const CellText>> statement_of(const std::string& name) const;
  [[nodiscard]] std::optional<std::shared_ptr<const CellText>> portal_of(const std::string& name) const;

  /// Appends the Bind for the server, under its name of the statement. formats: the client's.
  [[nodiscard]] Result<void> bind(const CellText& text, const pgwire::Bind& bind, std::string_view statement_name,
                                  const ReadSettings& settings, Bytes& out);
  /// What the error of a value says to the client.
  [[nodiscard]] static pgwire::ErrorReport report_of(const Error& error);

  /// ParameterDescription and RowDescription as the client may see them. formats: what a described
  /// portal was bound with; of a Query as the server says.
  [[nodiscard]] Result<void> describe_parameters(const CellText& text, ByteView payload, Bytes& out);
  [[nodiscard]] Result<void> describe_row(const CellText& text, std::size_t statement, ByteView payload, Bytes& out);
  /// DataRow. Crypto: a cell does not open; see wrong_column().
  [[nodiscard]] Result<void> row(const CellText& text, std::size_t statement, const Formats& formats,
                                 const ReadSettings& settings, ByteView payload, Bytes& out);
  /// Columns of tokens whose values the text gives out or takes, and that no text before it has.
  [[nodiscard]] std::vector<std::string> first_detokenized(const CellText& text);
  /// Of the last error of row() or of COPY: schema.table.column.
  [[nodiscard]] const std::string& wrong_column() const noexcept { return wrong_column_; }

  /// COPY of a statement begins: in from the client or out to it.
  [[nodiscard]] Result<void> begin_copy(const CellText& text, std::size_t statement, const ReadSettings& settings);
  [[nodiscard]] bool copies() const noexcept { return copy_.has_value(); }
  void end_copy() noexcept;
  /// Appends CopyData messages for what a payload of one completes.
  [[nodiscard]] Result<void> copy(ByteView payload, Bytes& out);
  [[nodiscard]] Result<void> finish_copy(Bytes& out);

  /// An ErrorResponse or NoticeResponse without what may hold cells or indexes, 'E' or 'N' first.
  static void scrub(char type, ByteView payload, bool edited, Bytes& out);

  [[nodiscard]] const EncryptedDepot& depot() const noexcept { return *depot_; }
  [[nodiscard]] bool tells_binary(std::size_t column) const noexcept;

 private:
  struct Field;
  [[nodiscard]] std::shared_ptr<const CellText> plan(std::string_view text, ByteView parameter_types,
                                                     const ReadSettings& settings, bool& cacheable);
  [[nodiscard]] Result<std::string> with_literals(const EncryptedDepot& depot, const sql::PlannedStatement& statement);
  /// given: the type that the client has sent it as; 0: the column's.
  [[nodiscard]] Result<void> transformed(const EncryptedDepot& depot, sql::CellAction action, std::uint32_t column,
                                         transform::WireFormat format, ByteView value, sql::Oid given,
                                         const transform::RowDigest* row, Bytes& out);
  [[nodiscard]] Result<void> indexes_of(transform::EncryptedColumn& cipher, transform::WireFormat format,
                                        ByteView value, sql::Oid given, Bytes& out);
  [[nodiscard]] Result<void> token_of(transform::EncryptedColumn& cipher, sql::CellAction action,
                                      transform::WireFormat format, ByteView value, Bytes& out);
  [[nodiscard]] transform::ValueSettings value_settings(const ReadSettings& settings) const;
  void renew();
  void renew_class();
  /// Null: they can't be told apart, and nothing may be sent.
  [[nodiscard]] const sql::EncryptedColumns* columns() const noexcept {
    return !facts_.of_class ? own_columns_.get() : class_columns_ == nullptr ? nullptr : class_columns_->columns.get();
  }
  /// Those of a number in a plan. Null: there are no keys of it.
  [[nodiscard]] transform::EncryptedColumn* cipher_of(const EncryptedDepot& depot, std::uint32_t number) {
    return ciphers_.column(depot, number, facts_.tenant, class_columns_.get());
  }
  /// The depot's column behind a number in a plan; null: not known.
  [[nodiscard]] const CellColumn* column_of(const EncryptedDepot& depot, std::uint32_t number) const noexcept;
  [[nodiscard]] Result<void> keys_of_copy_stand();
  [[nodiscard]] Result<void> naming_column(Result<void> done) const;

  std::shared_ptr<const EncryptedDepot> depot_;
  DepotHolder& holder_;
  CellCiphers& ciphers_;
  SessionFacts facts_;
  std::shared_ptr<const ClassColumns> class_columns_;
  std::shared_ptr<const sql::EncryptedColumns> own_columns_;  ///< the depot's, by what this session may detokenize
  std::uint64_t seen_changes_ = 0;
  sql::PlansByName plans_;    // prepared statements by name, for EXECUTE
  sql::PlansByName cursors_;  // for FETCH
  std::unordered_map<std::string, std::shared_ptr<const CellText>> statements_;
  std::unordered_map<std::string, std::shared_ptr<const CellText>> portals_;
  std::unordered_set<std::string> temporary_;
  sql::NewTables new_tables_;
  std::uint64_t awaited_look_ = 0;
  transform::ValueSettings reading_;  // of the message under way
  std::vector<char> told_binary_;     // by the last RowDescription of a Query
  std::optional<transform::CopyTransform> copy_;
  struct CopiedColumn {
    std::uint32_t number = 0;
    std::shared_ptr<transform::EncryptedColumn> cipher;  // outlives the worker's own once newer keys are published
  };
  std::vector<CopiedColumn> copied_;
  transform::ValueSettings copy_settings_;
  std::unordered_set<std::uint32_t> detokenized_;
  std::string wrong_column_;
  std::string composed_;
  Bytes scratch_;
};

}  // namespace bartizan::cells
