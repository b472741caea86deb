// First byte: the message's type; the rest: its payload. What a decoder accepts must be written
// back to the same bytes.
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "bartizan/pgwire/frame.hpp"
#include "bartizan/pgwire/frontend_messages.hpp"
#include "bartizan/pgwire/writer.hpp"

namespace {

using namespace bartizan;
using namespace bartizan::pgwire;

std::vector<std::int16_t> elements(const Int16ListView& list) {
  std::vector<std::int16_t> all;
  for (std::size_t i = 0; i < list.size(); ++i) all.push_back(list[i]);
  return all;
}

std::vector<std::uint32_t> elements(const OidListView& list) {
  std::vector<std::uint32_t> all;
  for (std::size_t i = 0; i < list.size(); ++i) all.push_back(list[i]);
  return all;
}

void rewrite(MessageWriter& writer, char type, ByteView payload) {
  if (type == frontend::kQuery) {
    if (const auto m = decode_query(payload)) write_query(writer, m->query);
  } else if (type == frontend::kParse) {
    const auto prefix = decode_parse_prefix(payload);
    const auto m = decode_parse(payload);
    if (!m) return;
    if (!prefix || prefix->query != m->query) std::abort();
    write_parse(writer, m->statement, m->query, elements(m->parameter_types));
  } else if (type == frontend::kBind) {
    const auto names = decode_bind_names(payload);
    const auto m = decode_bind(payload);
    if (!m) return;
    if (!names || names->statement != m->statement) std::abort();
    std::vector<std::optional<ByteView>> values;
    for (const auto value : m->parameters) values.push_back(value);
    if (values.size() != m->parameters.size()) std::abort();
    write_bind(writer, m->portal, m->statement, elements(m->parameter_formats), values, elements(m->result_formats));
  } else if (type == frontend::kDescribe) {
    if (const auto m = decode_describe(payload)) write_describe(writer, m->kind, m->name);
  } else if (type == frontend::kClose) {
    if (const auto m = decode_close(payload)) write_close(writer, m->kind, m->name);
  } else if (type == frontend::kExecute) {
    if (const auto m = decode_execute(payload)) write_execute(writer, m->portal, m->max_rows);
  } else if (type == frontend::kCopyFail) {
    if (const auto m = decode_copy_fail(payload)) write_copy_fail(writer, m->message);
  } else if (type == frontend::kPassword) {
    static_cast<void>(decode_password_message(payload));
    if (const auto m = decode_sasl_initial_response(payload))
      write_sasl_initial_response(writer, m->mechanism, m->data);
  } else if (type == frontend::kSync) {
    if (decode_empty(payload)) write_sync(writer);
  } else if (type == frontend::kFunctionCall) {
    static_cast<void>(decode_function_call(payload));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const auto input = std::as_bytes(std::span(data, size));
  FrameHeader header;
  static_cast<void>(peek_frame(input, header));
  const auto payload = input.subspan(1);
  Bytes out;
  MessageWriter writer(out);
  rewrite(writer, static_cast<char>(data[0]), payload);
  if (!writer.ok()) std::abort();
  if (out.empty()) return 0;
  if (as_chars(out).substr(kFrameHeaderBytes) != as_chars(payload)) std::abort();
  return 0;
}
