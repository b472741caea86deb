#include "bartizan/pgwire/writer.hpp"

namespace bartizan::pgwire {
namespace {

void write_authentication(MessageWriter& writer, std::uint32_t code, ByteView data = {}) {
  writer.begin(backend::kAuthentication);
  writer.be32(code);
  writer.bytes(data);
  writer.end();
}

void report_field(MessageWriter& writer, ReportField field, std::string_view text) {
  text = text.substr(0, text.find('\0'));
  if (text.empty()) return;
  writer.u8(static_cast<std::uint8_t>(field));
  writer.cstring(text);
}

void write_report(MessageWriter& writer, char type, const ErrorReport& report) {
  writer.begin(type);
  const auto severity = to_string(report.severity);
  report_field(writer, ReportField::Severity, severity);
  report_field(writer, ReportField::SeverityUnlocalised, severity);
  report_field(writer, ReportField::SqlState, report.sqlstate.view());
  // The protocol says that a message is always there.
  writer.u8(static_cast<std::uint8_t>(ReportField::Message));
  writer.cstring(std::string_view(report.message).substr(0, report.message.find('\0')));
  report_field(writer, ReportField::Detail, report.detail);
  report_field(writer, ReportField::Hint, report.hint);
  if (report.position != 0) report_field(writer, ReportField::Position, std::to_string(report.position));
  report_field(writer, ReportField::Where, report.where);
  report_field(writer, ReportField::SchemaName, report.schema_name);
  report_field(writer, ReportField::TableName, report.table_name);
  report_field(writer, ReportField::ColumnName, report.column_name);
  report_field(writer, ReportField::ConstraintName, report.constraint_name);
  writer.u8(0);
  writer.end();
}

}  // namespace

std::string_view to_string(Severity severity) noexcept {
  switch (severity) {
    case Severity::Error: return "ERROR";
    case Severity::Fatal: return "FATAL";
    case Severity::Panic: return "PANIC";
    case Severity::Warning: return "WARNING";
    case Severity::Notice: return "NOTICE";
    case Severity::Debug: return "DEBUG";
    case Severity::Info: return "INFO";
    case Severity::Log: return "LOG";
  }
  return "ERROR";
}

void write_authentication_ok(MessageWriter& writer) { write_authentication(writer, 0); }

void write_authentication_cleartext_password(MessageWriter& writer) { write_authentication(writer, 3); }

void write_authentication_sasl(MessageWriter& writer, std::span<const std::string_view> mechanisms) {
  writer.begin(backend::kAuthentication);
  writer.be32(10);
  for (const auto mechanism : mechanisms) writer.name(mechanism);
  writer.u8(0);
  writer.end();
}

void write_authentication_sasl_continue(MessageWriter& writer, ByteView data) {
  write_authentication(writer, 11, data);
}

void write_authentication_sasl_final(MessageWriter& writer, ByteView data) { write_authentication(writer, 12, data); }

void write_parameter_status(MessageWriter& writer, std::string_view name, std::string_view value) {
  writer.begin(backend::kParameterStatus);
  writer.cstring(name);
  writer.cstring(value);
  writer.end();
}

void write_backend_key_data(MessageWriter& writer, std::uint32_t process_id, ByteView key) {
  writer.begin(backend::kBackendKeyData);
  writer.be32(process_id);
  writer.bytes(key);
  writer.end();
}

void write_ready_for_query(MessageWriter& writer, TransactionStatus status) {
  writer.begin(backend::kReadyForQuery);
  writer.u8(static_cast<std::uint8_t>(status));
  writer.end();
}

void write_error_response(MessageWriter& writer, const ErrorReport& report) {
  write_report(writer, backend::kErrorResponse, report);
}

void write_notice_response(MessageWriter& writer, const ErrorReport& report) {
  write_report(writer, backend::kNoticeResponse, report);
}

void write_negotiate_protocol_version(MessageWriter& writer, std::uint32_t newest_version,
                                      std::span<const std::string_view> unrecognised_options) {
  writer.begin(backend::kNegotiateProtocolVersion);
  writer.be32(newest_version);
  writer.be32(static_cast<std::uint32_t>(unrecognised_options.size()));
  for (const auto option : unrecognised_options) writer.cstring(option);
  writer.end();
}

void write_command_complete(MessageWriter& writer, std::string_view tag) {
  writer.begin(backend::kCommandComplete);
  writer.cstring(tag);
  writer.end();
}

void write_row_description(MessageWriter& writer, std::span<const FieldDescription> fields) {
  writer.begin(backend::kRowDescription);
  writer.count(fields.size());
  for (const auto& field : fields) {
    writer.cstring(field.name);
    writer.be32(field.table_oid);
    writer.be16(static_cast<std::uint16_t>(field.attribute_number));
    writer.be32(field.type_oid);
    writer.be16(static_cast<std::uint16_t>(field.type_size));
    writer.be32(static_cast<std::uint32_t>(field.type_modifier));
    writer.be16(static_cast<std::uint16_t>(field.format));
  }
  writer.end();
}

void write_data_row(MessageWriter& writer, std::span<const std::optional<ByteView>> columns) {
  writer.begin(backend::kDataRow);
  writer.count(columns.size());
  for (const auto& column : columns) writer.value(column);
  writer.end();
}

void write_empty(MessageWriter& writer, char type) {
  writer.begin(type);
  writer.end();
}

}  // namespace bartizan::pgwire
