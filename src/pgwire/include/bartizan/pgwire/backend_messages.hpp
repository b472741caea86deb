// Decoders for what servers send (PostgreSQL manual, "Message Formats", the ones marked B). The
// server is as little trusted as the client: every length and count is checked, a missing
// SQLSTATE is an empty one. Structs are views into the payload, valid as long as its bytes are.
#pragma once

#include <array>
#include <cstdint>
#include <iterator>
#include <optional>
#include <string_view>
#include <variant>

#include "bartizan/base/bytes.hpp"
#include "bartizan/pgwire/decode_error.hpp"
#include "bartizan/pgwire/payload_lists.hpp"

namespace bartizan::pgwire {

struct AuthenticationOk {};
struct AuthenticationCleartextPassword {};
struct AuthenticationMd5Password {
  std::array<std::byte, 4> salt{};
};
struct AuthenticationSasl {
  StringListView mechanisms;  ///< in the server's order of preference
};
struct AuthenticationSaslContinue {
  ByteView data;
};
struct AuthenticationSaslFinal {
  ByteView data;
};
/// Kerberos, GSSAPI, SSPI and codes that do not exist yet.
struct AuthenticationUnsupported {
  std::uint32_t code = 0;
};
using Authentication =
    std::variant<AuthenticationOk, AuthenticationCleartextPassword, AuthenticationMd5Password, AuthenticationSasl,
                 AuthenticationSaslContinue, AuthenticationSaslFinal, AuthenticationUnsupported>;

struct ParameterStatus {
  std::string_view name;
  std::string_view value;
};

struct BackendKeyData {
  std::uint32_t process_id = 0;
  ByteView key;  ///< 4 bytes in protocol 3.0, up to 256 later
};

enum class TransactionStatus : char { Idle = 'I', InTransaction = 'T', Failed = 'E' };

struct ReadyForQuery {
  TransactionStatus status = TransactionStatus::Idle;
};

/// The codes of the fields of ErrorResponse and NoticeResponse.
enum class ReportField : char {
  Severity = 'S',
  SeverityUnlocalised = 'V',
  SqlState = 'C',
  Message = 'M',
  Detail = 'D',
  Hint = 'H',
  Position = 'P',
  InternalPosition = 'p',
  InternalQuery = 'q',
  Where = 'W',
  SchemaName = 's',
  TableName = 't',
  ColumnName = 'c',
  DataTypeName = 'd',
  ConstraintName = 'n',
  File = 'F',
  Line = 'L',
  Routine = 'R',
};

/// The fields of an ErrorResponse or NoticeResponse; unknown codes are kept.
class ReportFieldsView {
 public:
  struct Field {
    char code = 0;
    std::string_view value;
  };
  class Iterator {
   public:
    using value_type = Field;
    using difference_type = std::ptrdiff_t;
    Iterator() = default;
    [[nodiscard]] Field operator*() const noexcept { return {rest_[0], rest_.substr(1, rest_.find('\0', 1) - 1)}; }
    Iterator& operator++() noexcept {
      rest_.remove_prefix(rest_.find('\0', 1) + 1);
      return *this;
    }
    Iterator operator++(int) noexcept {
      auto before = *this;
      ++*this;
      return before;
    }
    [[nodiscard]] bool operator==(const Iterator& other) const noexcept { return rest_.size() == other.rest_.size(); }
    [[nodiscard]] bool operator==(std::default_sentinel_t) const noexcept { return rest_.empty(); }

   private:
    friend class ReportFieldsView;
    explicit Iterator(std::string_view rest) noexcept : rest_(rest) {}
    std::string_view rest_;
  };

  ReportFieldsView() = default;
  [[nodiscard]] static Decoded<ReportFieldsView> read(ByteView payload) noexcept;
  [[nodiscard]] Iterator begin() const noexcept { return Iterator(chars_); }
  [[nodiscard]] std::default_sentinel_t end() const noexcept { return {}; }
  /// The first field of this code; empty when there is none.
  [[nodiscard]] std::string_view get(ReportField field) const noexcept;
  [[nodiscard]] std::string_view sqlstate() const noexcept { return get(ReportField::SqlState); }
  [[nodiscard]] std::string_view message() const noexcept { return get(ReportField::Message); }
  /// The unlocalised severity, or the localised one of servers before 9.6.
  [[nodiscard]] std::string_view severity() const noexcept;

 private:
  std::string_view chars_;  ///< without the final terminator
};

struct CommandComplete {
  std::string_view tag;
};
/// "SELECT 5" -> 5, "INSERT 0 5" -> 5, "BEGIN" -> nullopt; nullopt too beyond 64 bits.
[[nodiscard]] std::optional<std::uint64_t> rows_of(std::string_view tag) noexcept;

/// One column of a RowDescription.
struct FieldDescription {
  std::string_view name;
  std::uint32_t table_oid = 0;  ///< 0: not a column of a table
  std::int16_t attribute_number = 0;
  std::uint32_t type_oid = 0;
  std::int16_t type_size = 0;
  std::int32_t type_modifier = -1;
  std::int16_t format = 0;
};

class RowDescriptionView {
 public:
  class Iterator {
   public:
    using value_type = FieldDescription;
    using difference_type = std::ptrdiff_t;
    Iterator() = default;
    [[nodiscard]] FieldDescription operator*() const noexcept;
    Iterator& operator++() noexcept;
    Iterator operator++(int) noexcept {
      auto before = *this;
      ++*this;
      return before;
    }
    [[nodiscard]] bool operator==(const Iterator& other) const noexcept { return rest_.size() == other.rest_.size(); }
    [[nodiscard]] bool operator==(std::default_sentinel_t) const noexcept { return rest_.empty(); }

   private:
    friend class RowDescriptionView;
    explicit Iterator(ByteView rest) noexcept : rest_(rest) {}
    ByteView rest_;
  };

  RowDescriptionView() = default;
  [[nodiscard]] static Decoded<RowDescriptionView> read(ByteView payload) noexcept;
  [[nodiscard]] std::size_t size() const noexcept { return count_; }
  [[nodiscard]] Iterator begin() const noexcept { return Iterator(bytes_); }
  [[nodiscard]] std::default_sentinel_t end() const noexcept { return {}; }

 private:
  ByteView bytes_;
  std::size_t count_ = 0;
};

struct ParameterDescription {
  OidListView types;
};

struct DataRow {
  ValueListView columns;
};

/// CopyInResponse, CopyOutResponse and CopyBothResponse.
struct CopyResponse {
  std::uint8_t overall_format = 0;  ///< 0 text, 1 binary
  Int16ListView column_formats;
};

struct NegotiateProtocolVersion {
  std::uint32_t newest_version = 0;  ///< as PostgreSQL sends it: the major in the upper 16 bits
  StringListView unrecognised_options;
};

struct NotificationResponse {
  std::uint32_t process_id = 0;
  std::string_view channel;
  std::string_view payload;
};

[[nodiscard]] Decoded<Authentication> decode_authentication(ByteView payload) noexcept;
[[nodiscard]] Decoded<ParameterStatus> decode_parameter_status(ByteView payload) noexcept;
[[nodiscard]] Decoded<BackendKeyData> decode_backend_key_data(ByteView payload) noexcept;
[[nodiscard]] Decoded<ReadyForQuery> decode_ready_for_query(ByteView payload) noexcept;
/// ErrorResponse and NoticeResponse.
[[nodiscard]] Decoded<ReportFieldsView> decode_report(ByteView payload) noexcept;
[[nodiscard]] Decoded<CommandComplete> decode_command_complete(ByteView payload) noexcept;
[[nodiscard]] Decoded<RowDescriptionView> decode_row_description(ByteView payload) noexcept;
[[nodiscard]] Decoded<ParameterDescription> decode_parameter_description(ByteView payload) noexcept;
[[nodiscard]] Decoded<DataRow> decode_data_row(ByteView payload) noexcept;
[[nodiscard]] Decoded<CopyResponse> decode_copy_response(ByteView payload) noexcept;
[[nodiscard]] Decoded<NegotiateProtocolVersion> decode_negotiate_protocol_version(ByteView payload) noexcept;
[[nodiscard]] Decoded<NotificationResponse> decode_notification_response(ByteView payload) noexcept;

}  // namespace bartizan::pgwire
