#include "bartizan/pgwire/frontend_messages.hpp"

#include "exact_payload.hpp"

namespace bartizan::pgwire {
namespace {

template <class Target>
Decoded<Target> decode_target(ByteView payload) noexcept {
  ByteReaderView reader(payload);
  const auto kind = reader.u8();
  const auto name = kind ? reader.cstring() : std::nullopt;
  if (!name) return truncated();
  if (*kind != 'S' && *kind != 'P') return tl::unexpected(DecodeError::BadValue);
  return at_end(reader, Target{static_cast<TargetKind>(*kind), *name});
}

}  // namespace

Decoded<Query> decode_query(ByteView payload) noexcept {
  ByteReaderView reader(payload);
  const auto query = reader.cstring();
  if (!query) return truncated();
  return at_end(reader, Query{*query});
}

Decoded<Parse> decode_parse(ByteView payload) noexcept {
  ByteReaderView reader(payload);
  const auto statement = reader.cstring();
  const auto query = statement ? reader.cstring() : std::nullopt;
  if (!query) return truncated();
  const auto types = OidListView::read(reader);
  if (!types) return tl::unexpected(types.error());
  return at_end(reader, Parse{*statement, *query, *types});
}

Decoded<Bind> decode_bind(ByteView payload) noexcept {
  ByteReaderView reader(payload);
  const auto portal = reader.cstring();
  const auto statement = portal ? reader.cstring() : std::nullopt;
  if (!statement) return truncated();
  Bind bind;
  bind.portal = *portal;
  bind.statement = *statement;

  bind.parameter_formats_offset = reader.position();
  const auto formats = Int16ListView::read(reader);
  if (!formats) return tl::unexpected(formats.error());
  bind.parameters_offset = reader.position();
  const auto parameters = ValueListView::read(reader);
  if (!parameters) return tl::unexpected(parameters.error());
  bind.result_formats_offset = reader.position();
  const auto results = Int16ListView::read(reader);
  if (!results) return tl::unexpected(results.error());

  if (formats->size() > 1 && formats->size() != parameters->size()) return tl::unexpected(DecodeError::BadValue);
  bind.parameter_formats = *formats;
  bind.parameters = *parameters;
  bind.result_formats = *results;
  return at_end(reader, bind);
}

Decoded<Describe> decode_describe(ByteView payload) noexcept { return decode_target<Describe>(payload); }

Decoded<Close> decode_close(ByteView payload) noexcept { return decode_target<Close>(payload); }

Decoded<Execute> decode_execute(ByteView payload) noexcept {
  ByteReaderView reader(payload);
  const auto portal = reader.cstring();
  const auto max_rows = portal ? reader.be32() : std::nullopt;
  if (!max_rows) return truncated();
  return at_end(reader, Execute{*portal, static_cast<std::int32_t>(*max_rows)});
}

Decoded<FunctionCall> decode_function_call(ByteView payload) noexcept {
  ByteReaderView reader(payload);
  const auto oid = reader.be32();
  if (!oid) return truncated();
  return FunctionCall{*oid};
}

Decoded<CopyFail> decode_copy_fail(ByteView payload) noexcept {
  ByteReaderView reader(payload);
  const auto message = reader.cstring();
  if (!message) return truncated();
  return at_end(reader, CopyFail{*message});
}

Decoded<SaslInitialResponse> decode_sasl_initial_response(ByteView payload) noexcept {
  ByteReaderView reader(payload);
  const auto mechanism = reader.cstring();
  const auto length = mechanism ? reader.be32() : std::nullopt;
  if (!length) return truncated();
  SaslInitialResponse response{*mechanism, std::nullopt};
  if (*length != 0xffffffff) {
    if (*length > 0x7fffffffu) return tl::unexpected(DecodeError::BadValue);
    response.data = reader.bytes(*length);
    if (!response.data) return truncated();
  }
  return at_end(reader, response);
}

Decoded<SaslResponse> decode_sasl_response(ByteView payload) noexcept { return SaslResponse{payload}; }

Decoded<PasswordMessage> decode_password_message(ByteView payload) noexcept {
  ByteReaderView reader(payload);
  const auto password = reader.cstring();
  if (!password) return truncated();
  return at_end(reader, PasswordMessage{*password});
}

Decoded<void> decode_empty(ByteView payload) noexcept {
  if (!payload.empty()) return tl::unexpected(DecodeError::TrailingBytes);
  return {};
}

std::optional<BindNames> decode_bind_names(ByteView prefix) noexcept {
  ByteReaderView reader(prefix);
  const auto portal = reader.cstring();
  const auto statement = portal ? reader.cstring() : std::nullopt;
  if (!statement) return std::nullopt;
  return BindNames{*portal, *statement};
}

std::optional<ParsePrefix> decode_parse_prefix(ByteView prefix) noexcept {
  ByteReaderView reader(prefix);
  const auto statement = reader.cstring();
  const auto query = statement ? reader.cstring() : std::nullopt;
  if (!query) return std::nullopt;
  return ParsePrefix{*statement, *query};
}

}  // namespace bartizan::pgwire
