#include "bartizan/pgwire/writer.hpp"

namespace bartizan::pgwire {
namespace {

void write_formats(MessageWriter& writer, std::span<const std::int16_t> formats) {
  writer.count(formats.size());
  for (const auto format : formats) writer.be16(static_cast<std::uint16_t>(format));
}

void write_target(MessageWriter& writer, char type, TargetKind kind, std::string_view name) {
  writer.begin(type);
  writer.u8(static_cast<std::uint8_t>(kind));
  writer.cstring(name);
  writer.end();
}

}  // namespace

void write_startup_message(MessageWriter& writer, std::uint32_t protocol,
                           std::span<const std::pair<std::string_view, std::string_view>> parameters) {
  writer.begin_untyped();
  writer.be32(protocol);
  for (const auto& [name, value] : parameters) {
    writer.name(name);
    writer.cstring(value);
  }
  writer.u8(0);
  writer.end();
}

void write_ssl_request(MessageWriter& writer) {
  writer.begin_untyped();
  writer.be32(kSslRequestCode);
  writer.end();
}

void write_cancel_request(MessageWriter& writer, std::uint32_t process_id, ByteView key) {
  writer.begin_untyped();
  writer.be32(kCancelRequestCode);
  writer.be32(process_id);
  writer.bytes(key);
  writer.end();
}

void write_sasl_initial_response(MessageWriter& writer, std::string_view mechanism, std::optional<ByteView> data) {
  writer.begin(frontend::kPassword);
  writer.cstring(mechanism);
  writer.value(data);
  writer.end();
}

void write_sasl_response(MessageWriter& writer, ByteView data) {
  writer.begin(frontend::kPassword);
  writer.bytes(data);
  writer.end();
}

void write_query(MessageWriter& writer, std::string_view query) {
  writer.begin(frontend::kQuery);
  writer.cstring(query);
  writer.end();
}

void write_parse(MessageWriter& writer, std::string_view statement, std::string_view query,
                 std::span<const std::uint32_t> parameter_types) {
  writer.begin(frontend::kParse);
  writer.cstring(statement);
  writer.cstring(query);
  writer.count(parameter_types.size());
  for (const auto type : parameter_types) writer.be32(type);
  writer.end();
}

void write_bind(MessageWriter& writer, std::string_view portal, std::string_view statement,
                std::span<const std::int16_t> parameter_formats, std::span<const std::optional<ByteView>> parameters,
                std::span<const std::int16_t> result_formats) {
  writer.begin(frontend::kBind);
  writer.cstring(portal);
  writer.cstring(statement);
  write_formats(writer, parameter_formats);
  writer.count(parameters.size());
  for (const auto& parameter : parameters) writer.value(parameter);
  write_formats(writer, result_formats);
  writer.end();
}

void write_describe(MessageWriter& writer, TargetKind kind, std::string_view name) {
  write_target(writer, frontend::kDescribe, kind, name);
}

void write_close(MessageWriter& writer, TargetKind kind, std::string_view name) {
  write_target(writer, frontend::kClose, kind, name);
}

void write_execute(MessageWriter& writer, std::string_view portal, std::int32_t max_rows) {
  writer.begin(frontend::kExecute);
  writer.cstring(portal);
  writer.be32(static_cast<std::uint32_t>(max_rows));
  writer.end();
}

void write_copy_fail(MessageWriter& writer, std::string_view message) {
  writer.begin(frontend::kCopyFail);
  writer.cstring(message);
  writer.end();
}

void write_sync(MessageWriter& writer) { write_empty(writer, frontend::kSync); }

void write_terminate(MessageWriter& writer) { write_empty(writer, frontend::kTerminate); }

}  // namespace bartizan::pgwire
