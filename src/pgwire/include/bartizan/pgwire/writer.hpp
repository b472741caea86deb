// Messages written whole into a byte buffer: the writer class and one function for each message
// that the gateway itself sends, to clients (backend messages) and to servers (frontend ones).
// A message that cannot be written leaves no byte behind and sets the writer's error, which
// sticks: a caller writes what it has to say and looks once.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "bartizan/base/bytes.hpp"
#include "bartizan/pgwire/backend_messages.hpp"
#include "bartizan/pgwire/frontend_messages.hpp"
#include "bartizan/pgwire/message_types.hpp"
#include "bartizan/pgwire/sqlstate.hpp"

namespace bartizan::pgwire {

enum class WriteError : std::uint8_t {
  TooLarge,     ///< the message would pass what PostgreSQL takes, or a count its Int16
  EmbeddedNul,  ///< a String field can't hold it: what follows would be read as other fields
  EmptyName,    ///< a name in a list that an empty string ends
};

/// Appends to out, which must outlive it. Not thread-safe. Between begin() and end() only put
/// functions may be called; after an error all calls do nothing.
class MessageWriter {
 public:
  explicit MessageWriter(Bytes& out) noexcept : out_(out) {}
  MessageWriter(const MessageWriter&) = delete;
  MessageWriter& operator=(const MessageWriter&) = delete;

  void begin(char type);
  /// For packets of the startup phase, which are kMaxStartupBytes long at most.
  void begin_untyped();
  void u8(std::uint8_t value);
  void be16(std::uint16_t value);
  void be32(std::uint32_t value);
  /// The element count of a list, Int16 on the wire.
  void count(std::size_t value);
  void cstring(std::string_view text);
  /// A cstring in a list that an empty string ends.
  void name(std::string_view text);
  void bytes(ByteView value);
  /// Int32 length and value; nullopt is SQL NULL.
  void value(std::optional<ByteView> value);
  /// Patches the length word.
  void end();

  [[nodiscard]] std::optional<WriteError> error() const noexcept { return error_; }
  [[nodiscard]] bool ok() const noexcept { return !error_; }

 private:
  void fail(WriteError error);
  [[nodiscard]] bool room_for(std::size_t count);

  Bytes& out_;
  std::size_t message_at_ = 0;  ///< where the open message starts
  std::size_t length_at_ = 0;   ///< and where its length word stands
  std::size_t limit_ = 0;       ///< of the length word
  bool open_ = false;
  std::optional<WriteError> error_;
};

// ---- to clients ----

enum class Severity : std::uint8_t { Error, Fatal, Panic, Warning, Notice, Debug, Info, Log };
[[nodiscard]] std::string_view to_string(Severity severity) noexcept;

/// What an ErrorResponse or NoticeResponse of the gateway says. Texts are cut at an embedded
/// NUL, so that a report can always be sent. Empty texts are left out.
struct ErrorReport {
  Severity severity = Severity::Error;
  SqlState sqlstate = sqlstate::kInternalError;
  std::string message;
  std::string detail;
  std::string hint;
  std::uint32_t position = 0;  ///< in characters of the client's statement, from 1; 0: none
  std::string where;
  std::string schema_name;
  std::string table_name;
  std::string column_name;
  std::string constraint_name;
};

void write_authentication_ok(MessageWriter& writer);
void write_authentication_cleartext_password(MessageWriter& writer);
void write_authentication_sasl(MessageWriter& writer, std::span<const std::string_view> mechanisms);
void write_authentication_sasl_continue(MessageWriter& writer, ByteView data);
void write_authentication_sasl_final(MessageWriter& writer, ByteView data);
void write_parameter_status(MessageWriter& writer, std::string_view name, std::string_view value);
void write_backend_key_data(MessageWriter& writer, std::uint32_t process_id, ByteView key);
void write_ready_for_query(MessageWriter& writer, TransactionStatus status);
void write_error_response(MessageWriter& writer, const ErrorReport& report);
void write_notice_response(MessageWriter& writer, const ErrorReport& report);
/// newest_version: the full number, as PostgreSQL sends it (kProtocol30).
void write_negotiate_protocol_version(MessageWriter& writer, std::uint32_t newest_version,
                                      std::span<const std::string_view> unrecognised_options);
void write_command_complete(MessageWriter& writer, std::string_view tag);
void write_row_description(MessageWriter& writer, std::span<const FieldDescription> fields);
void write_data_row(MessageWriter& writer, std::span<const std::optional<ByteView>> columns);
/// ParseComplete, BindComplete, CloseComplete, NoData, EmptyQueryResponse, PortalSuspended,
/// CopyDone; to servers: Sync, Flush, Terminate, CopyDone.
void write_empty(MessageWriter& writer, char type);

// ---- to servers ----

/// parameters: user first by custom; the terminator is added.
void write_startup_message(MessageWriter& writer, std::uint32_t protocol,
                           std::span<const std::pair<std::string_view, std::string_view>> parameters);
void write_ssl_request(MessageWriter& writer);
void write_cancel_request(MessageWriter& writer, std::uint32_t process_id, ByteView key);
void write_sasl_initial_response(MessageWriter& writer, std::string_view mechanism, std::optional<ByteView> data);
void write_sasl_response(MessageWriter& writer, ByteView data);
void write_query(MessageWriter& writer, std::string_view query);
void write_parse(MessageWriter& writer, std::string_view statement, std::string_view query,
                 std::span<const std::uint32_t> parameter_types = {});
void write_bind(MessageWriter& writer, std::string_view portal, std::string_view statement,
                std::span<const std::int16_t> parameter_formats, std::span<const std::optional<ByteView>> parameters,
                std::span<const std::int16_t> result_formats);
void write_describe(MessageWriter& writer, TargetKind kind, std::string_view name);
void write_close(MessageWriter& writer, TargetKind kind, std::string_view name);
void write_execute(MessageWriter& writer, std::string_view portal, std::int32_t max_rows);
void write_copy_fail(MessageWriter& writer, std::string_view message);
void write_sync(MessageWriter& writer);
void write_terminate(MessageWriter& writer);

}  // namespace bartizan::pgwire
