// First byte: the message's type; the rest: its payload, from a server that means harm. What is
// accepted is iterated to its end; where there is a writer, it must give the same bytes.
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "bartizan/pgwire/backend_messages.hpp"
#include "bartizan/pgwire/frame.hpp"
#include "bartizan/pgwire/writer.hpp"

namespace {

using namespace bartizan;
using namespace bartizan::pgwire;

void iterate_authentication(ByteView payload) {
  const auto m = decode_authentication(payload);
  if (!m) return;
  if (const auto* sasl = std::get_if<AuthenticationSasl>(&*m)) {
    for (const auto mechanism : sasl->mechanisms) {
      if (mechanism.empty()) std::abort();
    }
  }
}

void iterate_report(ByteView payload) {
  const auto m = decode_report(payload);
  if (!m) return;
  std::size_t bytes = 1;
  for (const auto field : *m) bytes += 2 + field.value.size();
  if (bytes != payload.size() || m->sqlstate().size() > payload.size()) std::abort();
}

void iterate_lists(char type, ByteView payload) {
  if (type == backend::kParameterDescription) {
    if (const auto m = decode_parameter_description(payload); m && m->types.size() * 4 + 2 != payload.size())
      std::abort();
  } else if (type == backend::kNegotiateProtocolVersion) {
    std::size_t bytes = 8;
    const auto m = decode_negotiate_protocol_version(payload);
    if (!m) return;
    for (const auto option : m->unrecognised_options) bytes += option.size() + 1;
    if (bytes != payload.size()) std::abort();
  } else {
    static_cast<void>(decode_copy_response(payload));
    static_cast<void>(decode_notification_response(payload));
  }
}

void rewrite(MessageWriter& writer, char type, ByteView payload) {
  if (type == backend::kDataRow) {
    const auto m = decode_data_row(payload);
    if (!m) return;
    std::vector<std::optional<ByteView>> columns;
    for (const auto column : m->columns) columns.push_back(column);
    write_data_row(writer, columns);
  } else if (type == backend::kRowDescription) {
    const auto m = decode_row_description(payload);
    if (!m) return;
    std::vector<FieldDescription> fields;
    for (const auto field : *m) fields.push_back(field);
    write_row_description(writer, fields);
  } else if (type == backend::kParameterStatus) {
    if (const auto m = decode_parameter_status(payload)) write_parameter_status(writer, m->name, m->value);
  } else if (type == backend::kBackendKeyData) {
    if (const auto m = decode_backend_key_data(payload)) write_backend_key_data(writer, m->process_id, m->key);
  } else if (type == backend::kReadyForQuery) {
    if (const auto m = decode_ready_for_query(payload)) write_ready_for_query(writer, m->status);
  } else if (type == backend::kCommandComplete) {
    const auto m = decode_command_complete(payload);
    if (!m) return;
    static_cast<void>(rows_of(m->tag));
    write_command_complete(writer, m->tag);
  } else if (type == backend::kAuthentication) {
    iterate_authentication(payload);
  } else if (type == backend::kErrorResponse) {
    iterate_report(payload);
  } else {
    iterate_lists(type, payload);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const auto payload = std::as_bytes(std::span(data, size)).subspan(1);
  Bytes out;
  MessageWriter writer(out);
  rewrite(writer, static_cast<char>(data[0]), payload);
  if (!writer.ok()) std::abort();
  if (!out.empty() && as_chars(out).substr(kFrameHeaderBytes) != as_chars(payload)) std::abort();
  return 0;
}
